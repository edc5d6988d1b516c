#include "lacuna-weights.h"

#include "ggml-backend.h"
#include "gguf.h"
#include "llama.h"
#include "llama-mmap.h"
#include "llama-model.h"

#include <cstring>
#include <stdexcept>

bool lacuna_is_host(const ggml_tensor * t) {
    return t->buffer && ggml_backend_buffer_is_host(t->buffer);
}

ggml_backend_dev_t lacuna_device_of(const ggml_tensor * t) {
    auto * buft = t->buffer ? ggml_backend_buffer_get_type(t->buffer) : nullptr;
    auto * dev  = buft ? ggml_backend_buft_get_device(buft) : nullptr;

    return dev && ggml_backend_dev_type(dev) != GGML_BACKEND_DEVICE_TYPE_CPU && !ggml_backend_buft_is_host(buft) ? dev : nullptr;
}

void lacuna_row_to_float(const ggml_tensor * t, int64_t r, int64_t i0, int64_t n, float * dst) {
    const char * src = (const char *) t->data + r*t->nb[1] + ggml_row_size(t->type, i0);

    if (t->type == GGML_TYPE_F32) {
        memcpy(dst, src, n*sizeof(float));
    } else {
        ggml_get_type_traits(t->type)->to_float(src, dst, n);
    }
}

// repacked buffers belong to the CPU device but are not readable
static bool is_repacked(const ggml_tensor * t) {
    if (!t->buffer || ggml_backend_buffer_is_host(t->buffer)) {
        return false;
    }
    auto * dev = ggml_backend_buft_get_device(ggml_backend_buffer_get_type(t->buffer));

    return dev && ggml_backend_dev_type(dev) == GGML_BACKEND_DEVICE_TYPE_CPU;
}

lacuna_weights::lacuna_weights(const llama_model & model, const std::string & path) : model(model) {
    std::vector<ggml_tensor *> unreadable;

    const auto check = [&](ggml_tensor * t) {
        if (t && !lacuna_is_host(t)) {
            unreadable.push_back(t);
        }
    };

    check(model.tok_embd);
    check(model.output);
    for (const auto & layer : model.layers) {
        for (auto * t : { layer.wqkv, layer.wq, layer.wk, layer.wv, layer.wo, layer.ffn_gate, layer.ffn_up, layer.ffn_down,
                          layer.ffn_gate_b, layer.ffn_up_b, layer.ffn_down_b }) {
            check(t);
        }
    }

    if (unreadable.empty()) {
        return;
    }
    // a split model: its other files are named after the first
    const int n_split = map_file(path);
    for (int i = 1; i < n_split; i++) {
        std::vector<char> prefix(path.size() + 1);
        std::vector<char> other(path.size() + 32);
        if (llama_split_prefix(prefix.data(), prefix.size(), path.c_str(), 0, n_split) <= 0) {
            throw std::runtime_error("a split model is loaded by the first of its files: " + path);
        }
        llama_split_path(other.data(), other.size(), prefix.data(), i, n_split);
        map_file(other.data());
    }
    for (const auto * t : unreadable) {
        const auto it = mapped.find(t->name);
        if (it == mapped.end() || it->second->type != t->type || !ggml_are_same_shape(it->second, t)) {
            throw std::runtime_error("the model file has changed since it was loaded: " + path);
        }
    }
}

lacuna_weights::~lacuna_weights() = default;

int lacuna_weights::map_file(const std::string & path) {
    mapped_file f;

    ggml_context * ctx = nullptr;
    gguf_init_params params = { /*.no_alloc =*/ true, /*.ctx =*/ &ctx };
    gguf_context_ptr gguf { gguf_init_from_file(path.c_str(), params) };
    if (!gguf) {
        throw std::runtime_error("the model file cannot be read any more: " + path);
    }
    f.ctx.reset(ctx);
    f.file    = std::make_unique<llama_file>(path.c_str(), "rb");
    f.mapping = std::make_unique<llama_mmap>(f.file.get(), /*prefetch =*/ 0);
    f.buf.reset(ggml_backend_cpu_buffer_from_ptr(f.mapping->addr(), f.mapping->size()));

    for (int64_t i = 0; i < gguf_get_n_tensors(gguf.get()); i++) {
        ggml_tensor * t = ggml_get_tensor(ctx, gguf_get_tensor_name(gguf.get(), i));
        const size_t offset = gguf_get_data_offset(gguf.get()) + gguf_get_tensor_offset(gguf.get(), i);
        if (offset + ggml_nbytes(t) > f.mapping->size()) {
            throw std::runtime_error("the model file is truncated: " + path);
        }
        ggml_backend_tensor_alloc(f.buf.get(), t, (char *) f.mapping->addr() + offset);
        mapped[t->name] = t;
    }
    files.push_back(std::move(f));

    const int64_t key = gguf_find_key(gguf.get(), "split.count");

    return key < 0 ? 1 : gguf_get_val_u16(gguf.get(), key);
}

ggml_tensor * lacuna_weights::host(ggml_tensor * t) const {
    return lacuna_is_host(t) ? t : mapped.at(t->name);
}

ggml_tensor * lacuna_weights::plain(ggml_tensor * t) const {
    return is_repacked(t) ? mapped.at(t->name) : t;
}
