#include "lacuna-head-copy.h"

#include "ggml-backend.h"
#include "llama-mmap.h"

#include <cstddef>
#include <cstring>
#include <stdexcept>

constexpr char lacuna_head_header::MAGIC[8];

lacuna_head_shape lacuna_head_header::shape() const {
    lacuna_head_shape res;
    for (int i = 0; i < 2; i++) {
        res.segments[i] = { (int) n_group[i], (int) bits[i] };
    }
    return res;
}

size_t lacuna_head_header::rotation_at() const {
    return GGML_PAD(sizeof(lacuna_head_header), ALIGNMENT);
}

size_t lacuna_head_header::blocks_at() const {
    return GGML_PAD(rotation_at() + (size_t) (shape().n_dim() + 1)*n_embd*sizeof(float), ALIGNMENT);
}

void lacuna_head_header::seal() {
    memcpy(magic, MAGIC, sizeof(magic));
    version = VERSION;
    size    = sizeof(lacuna_head_header);
    n_bytes = blocks_at() + n_block()*shape().block_bytes();
    header_checksum = own_checksum();
}

uint64_t lacuna_head_header::own_checksum() const {
    uint8_t bytes[GGML_PAD(offsetof(lacuna_head_header, header_checksum), 32)] = {};
    memcpy(bytes, this, offsetof(lacuna_head_header, header_checksum));

    lacuna_head_checksum sum;
    sum.add(bytes, sizeof(bytes));
    return sum.value();
}

void lacuna_head_checksum::add(const void * data, size_t size) {
    for (size_t i = 0; i < size; i += sizeof(lanes)) {
        uint64_t words[4];
        memcpy(words, (const char *) data + i, sizeof(words));
        for (int j = 0; j < 4; j++) {
            lanes[j] = (lanes[j] ^ words[j])*0x9e3779b97f4a7c15ull;
            lanes[j] ^= lanes[j] >> 29;
        }
    }
}

uint64_t lacuna_head_checksum::value() const {
    uint64_t res = 0;
    for (const uint64_t lane : lanes) {
        res = (res ^ lane)*0xbf58476d1ce4e5b9ull;
        res ^= res >> 32;
    }
    return res;
}

lacuna_head_copy::lacuna_head_copy(const std::string & path, const std::string & identity, int64_t n_vocab, int64_t n_embd) {
    file = std::make_unique<llama_file>(path.c_str(), "rb");

    const auto refuse = [](const std::string & what) { throw std::runtime_error("the copy of the output head " + what); };

    lacuna_head_header header;
    if (file->size() < sizeof(header)) {
        refuse("is cut short");
    }
    file->read_raw(&header, sizeof(header));

    char expected[sizeof(header.identity)] = {};
    memcpy(expected, identity.data(), std::min(identity.size(), sizeof(expected)));

    if (memcmp(header.magic, header.MAGIC, sizeof(header.magic)) != 0 || header.version != header.VERSION || header.size != sizeof(header)) {
        refuse("is of another version");
    }
    if (header.header_checksum != header.own_checksum()) {
        refuse("is damaged");
    }
    if (memcmp(header.identity, expected, sizeof(expected)) != 0 || header.n_vocab != n_vocab || header.n_embd != n_embd) {
        refuse("is of another model");
    }
    if (header.n_bytes != file->size()) {
        refuse("is cut short");
    }

    mapping = std::make_unique<llama_mmap>(file.get());
    const auto * data = (const uint8_t *) mapping->addr();

    lacuna_head_checksum sum;
    sum.add(data + header.rotation_at(), header.n_bytes - header.rotation_at());
    if (sum.value() != header.checksum) {
        refuse("is damaged");
    }

    shape   = header.shape();
    blocks  = data + header.blocks_at();
    n_bytes = header.n_bytes;

    ctx.reset(ggml_init({ /*.mem_size =*/ ggml_tensor_overhead(), /*.mem_buffer =*/ nullptr, /*.no_alloc =*/ true }));
    buf.reset(ggml_backend_cpu_buffer_from_ptr(mapping->addr(), mapping->size()));
    ggml_backend_buffer_set_usage(buf.get(), GGML_BACKEND_BUFFER_USAGE_WEIGHTS);

    rotation = ggml_new_tensor_2d(ctx.get(), GGML_TYPE_F32, n_embd, shape.n_dim() + 1);
    ggml_backend_tensor_alloc(buf.get(), rotation, (char *) mapping->addr() + header.rotation_at());
}

lacuna_head_copy::~lacuna_head_copy() = default;
