#include "lacuna-ffn.h"

#include "lacuna-family.h"
#include "lacuna-parallel.h"

#include "ggml-backend.h"
#include "llama-model.h"

#include <atomic>
#include <cstring>
#include <stdexcept>

struct lacuna_ffn::packed_layer {
    std::vector<int32_t> rows;
    std::vector<float>   mean;
    ggml_type            down_type = GGML_TYPE_COUNT;

    std::unique_ptr<lacuna_choice_ffn> choice; // null: packed tensors

    ggml_context_ptr ctx;
    std::vector<ggml_backend_buffer_ptr> bufs;
    llama_adapter_ffn_tensors tensors = {};

    size_t bytes() const {
        size_t res = 0;
        for (const auto & buf : bufs) {
            res += ggml_backend_buffer_get_size(buf.get());
        }
        return res;
    }
};

static ggml_type default_down_type(const llama_model & model) {
    const auto type = model.layers[0].ffn_down->type;

    return ggml_is_quantized(type) ? GGML_TYPE_Q8_0 : type;
}

// Kernels work on vectors and on interleaved rows even where a type has no blocks
static int64_t row_multiple(ggml_type down_type) {
    return std::max<int64_t>(ggml_blck_size(down_type), 32);
}

int lacuna_ffn_row_multiple(const llama_model & model) {
    return (int) row_multiple(default_down_type(model));
}

// the way that llama-model-loader.cpp finds out where a weight may live
static bool can_mul_mat(ggml_backend_dev_t dev, ggml_backend_buffer_type_t buft, ggml_type type, int64_t ne0, int64_t ne1) {
    ggml_init_params params = { /*.mem_size =*/ ggml_tensor_overhead()*4, /*.mem_buffer =*/ nullptr, /*.no_alloc =*/ true };
    ggml_context_ptr ctx { ggml_init(params) };

    ggml_tensor * w  = ggml_new_tensor_2d(ctx.get(), type, ne0, ne1);
    ggml_tensor * op = ggml_mul_mat(ctx.get(), w, ggml_new_tensor_2d(ctx.get(), GGML_TYPE_F32, ne0, 512));

    ggml_backend_buffer_ptr empty { ggml_backend_buft_alloc_buffer(buft, 0) };
    w->buffer = empty.get();
    const bool res = ggml_backend_dev_supports_op(dev, op);
    w->buffer = nullptr;

    return res;
}

// The memory of the device that holds the dense weight; on the CPU, a layout for its kernels if there is one
static ggml_backend_buffer_type_t fastest_buft(const ggml_tensor * dense, const ggml_tensor * packed) {
    if (lacuna_device_of(dense)) {
        return ggml_backend_buffer_get_type(dense->buffer);
    }

    auto * cpu = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
    auto * get_extra_bufts = (ggml_backend_dev_get_extra_bufts_t) ggml_backend_reg_get_proc_address(
            ggml_backend_dev_backend_reg(cpu), "ggml_backend_dev_get_extra_bufts");

    for (auto * extra = get_extra_bufts ? get_extra_bufts(cpu) : nullptr; extra && *extra; extra++) {
        if (can_mul_mat(cpu, *extra, packed->type, packed->ne[0], packed->ne[1])) {
            return *extra;
        }
    }
    return ggml_backend_cpu_buffer_type();
}

lacuna_ffn::lacuna_ffn(std::shared_ptr<lacuna_weights> weights, std::shared_ptr<lacuna_planes> planes) :
    weights(std::move(weights)), planes(std::move(planes)), layers(this->weights->model.layers.size()) {}

lacuna_ffn::~lacuna_ffn() = default;

// rows of w in the order of idx, byte by byte; the padding repeats the first row. Of each of the n_part matrices that w holds one after the other
static std::vector<uint8_t> gather_rows(const ggml_tensor * w, int n_part, const std::vector<int32_t> & idx, int64_t n_row, int n_threads) {
    const size_t  row_size = w->nb[1];
    const int64_t n_all    = w->ne[1]/n_part;
    std::vector<uint8_t> res(row_size*n_row*n_part);

    lacuna_parallel(n_threads, [&](int ith) {
        for (int64_t i = ith; i < n_row*n_part; i += n_threads) {
            const int64_t k   = i % n_row;
            const int64_t row = i/n_row*n_all + (k < (int64_t) idx.size() ? idx[k] : idx[0]);
            memcpy(res.data() + i*row_size, (const uint8_t *) w->data + row*row_size, row_size);
        }
    });
    return res;
}

// mean without the neurons that are kept
static std::vector<float> left_out(const std::vector<float> & mean, const std::vector<int32_t> & idx) {
    std::vector<float> res(mean);
    for (const auto i : idx) {
        if (!res.empty()) {
            res[i] = 0.0f;
        }
    }
    return res;
}

static void add_left_out(const std::vector<float> & row, const std::vector<float> & left, float & bias) {
    double sum = bias;
    for (size_t i = 0; i < left.size(); i++) {
        sum += (double) row[i]*left[i];
    }
    bias = (float) sum;
}

// Columns of w in the order of idx, quantised anew; the padding is zero, so padded neurons have no effect.
// bias[r] += sum of w[r][i]*mean[i] over the columns that are left out
static std::vector<uint8_t> gather_columns(const ggml_tensor * w, const std::vector<int32_t> & idx, int64_t n_col, ggml_type type,
                                           const std::vector<float> & mean, std::vector<float> & bias, int n_threads) {
    const size_t row_size = ggml_row_size(type, n_col);
    std::vector<uint8_t> res(row_size*w->ne[1]);

    const auto left = left_out(mean, idx);

    ggml_quantize_init(type);

    constexpr int64_t CHUNK = 16;
    std::atomic<int64_t> next { 0 };

    lacuna_parallel(n_threads, [&](int) {
        std::vector<float> row(w->ne[0]), packed(n_col);

        for (int64_t r0 = next.fetch_add(CHUNK); r0 < w->ne[1]; r0 = next.fetch_add(CHUNK)) {
            for (int64_t r = r0; r < std::min(r0 + CHUNK, w->ne[1]); r++) {
                lacuna_row_to_float(w, r, 0, w->ne[0], row.data());
                for (size_t i = 0; i < idx.size(); i++) {
                    packed[i] = row[idx[i]];
                }
                if (type == GGML_TYPE_F32) {
                    memcpy(res.data() + r*row_size, packed.data(), row_size);
                } else {
                    ggml_quantize_chunk(type, packed.data(), res.data() + r*row_size, 0, 1, n_col, nullptr);
                }
                add_left_out(row, left, bias[r]);
            }
        }
    });
    return res;
}

static std::vector<float> to_floats(const ggml_tensor * t) {
    std::vector<float> res(ggml_nelements(t));
    lacuna_row_to_float(t, 0, 0, t->ne[0], res.data());
    return res;
}

size_t lacuna_ffn::set_rows(llama_context * ctx, int il, const std::vector<int32_t> & rows, const lacuna_ffn_options & options) {
    const auto & model = weights->model;

    if (il < 0 || il >= (int) model.layers.size()) {
        throw std::invalid_argument("layer " + std::to_string(il) + " does not exist");
    }

    const auto & layer = model.layers[il];
    if (!layer.ffn_up || !layer.ffn_down) {
        throw std::invalid_argument("layer " + std::to_string(il) + " has no plain FFN");
    }

    const int32_t n_ff = (int32_t) layer.ffn_down->ne[0];
    if (rows.empty() || rows.front() < 0 || rows.back() >= n_ff ||
            std::adjacent_find(rows.begin(), rows.end(), [](int32_t a, int32_t b) { return a >= b; }) != rows.end()) {
        throw std::invalid_argument("rows must be ascending, unique and below " + std::to_string(n_ff));
    }
    if (!options.mean.empty() && (int32_t) options.mean.size() != n_ff) {
        throw std::invalid_argument("means must have " + std::to_string(n_ff) + " values");
    }

    const auto down_type = options.down_type.value_or(default_down_type(model));
    auto & old = layers[il];

    if (old && !old->choice && old->rows == rows && old->mean == options.mean && old->down_type == down_type) {
        return old->bytes();
    }

    const int64_t multiple = row_multiple(down_type);
    const int64_t n        = (((int64_t) rows.size() + multiple - 1)/multiple)*multiple;

    auto packed = std::make_unique<packed_layer>();
    packed->rows      = rows;
    packed->mean      = options.mean;
    packed->down_type = down_type;

    ggml_init_params params = { /*.mem_size =*/ 8*ggml_tensor_overhead(), /*.mem_buffer =*/ nullptr, /*.no_alloc =*/ true };
    packed->ctx.reset(ggml_init(params));

    const auto allocate = [&](ggml_tensor * t, ggml_backend_buffer_type_t buft) {
        ggml_backend_buffer_ptr buf { ggml_backend_buft_alloc_buffer(buft, ggml_backend_buft_get_alloc_size(buft, t)) };
        if (!buf) {
            throw std::runtime_error("not enough memory for the packed FFN; a lower activation ratio needs less");
        }
        ggml_backend_buffer_set_usage(buf.get(), GGML_BACKEND_BUFFER_USAGE_WEIGHTS);
        ggml_backend_tensor_alloc(buf.get(), t, ggml_backend_buffer_get_base(buf.get()));
        packed->bufs.push_back(std::move(buf));
    };

    // one buffer for each tensor: they may belong into different types of buffers
    const auto place = [&](const ggml_tensor * dense, ggml_type type, int64_t ne0, int64_t ne1, const void * data) {
        ggml_tensor * t = ggml_new_tensor_2d(packed->ctx.get(), type, ne0, ne1);
        auto * buft = ne1 > 1 ? fastest_buft(dense, t) : nullptr;
        if (!buft) { // a bias
            buft = ggml_backend_buffer_is_host(layer.attn_norm->buffer) ? ggml_backend_cpu_buffer_type() : ggml_backend_buffer_get_type(layer.attn_norm->buffer);
        }
        allocate(t, buft);
        ggml_backend_tensor_set(t, data, 0, ggml_nbytes(t));

        return t;
    };

    const auto place_rows = [&](ggml_tensor * w) {
        const int  n_part = (int) (w->ne[1]/n_ff);
        const auto data   = gather_rows(weights->host(w), n_part, rows, n, options.n_threads);
        return place(w, w->type, w->ne[0], n*n_part, data.data());
    };

    const auto place_row_bias = [&](ggml_tensor * b) -> ggml_tensor * {
        if (!b) {
            return nullptr;
        }
        const auto all = to_floats(weights->host(b));
        std::vector<float> kept(n);
        for (size_t i = 0; i < rows.size(); i++) {
            kept[i] = all[rows[i]];
        }
        return place(b, GGML_TYPE_F32, n, 1, kept.data());
    };

    if (layer.ffn_gate) {
        packed->tensors.gate   = place_rows(layer.ffn_gate);
        packed->tensors.gate_b = place_row_bias(layer.ffn_gate_b);
    }

    auto bias = layer.ffn_down_b ? to_floats(weights->host(layer.ffn_down_b)) : std::vector<float>(layer.ffn_down->ne[1]);
    packed->tensors.up   = place_rows(layer.ffn_up);
    packed->tensors.up_b = place_row_bias(layer.ffn_up_b);

    const auto * w    = weights->host(layer.ffn_down);
    const auto   data = gather_columns(w, rows, n, down_type, options.mean, bias, options.n_threads);
    packed->tensors.down = place(layer.ffn_down, down_type, n, w->ne[1], data.data());
    if (layer.ffn_down_b || !options.mean.empty()) {
        packed->tensors.down_b = place(layer.ffn_down, GGML_TYPE_F32, (int64_t) bias.size(), 1, bias.data());
    }

    replace(ctx, il, std::move(packed));

    return layers[il]->bytes();
}

void lacuna_ffn::set_choice(llama_context * ctx, int il, lacuna_choice_params params, const std::string & kernels) {
    const auto layer = planes->layer(il);
    if (!layer) {
        throw std::invalid_argument("layer " + std::to_string(il) + " is not in planes");
    }
    const auto & model = weights->model.layers[il];

    if (layers[il] && layers[il]->choice && workspace && workspace->asked == kernels) {
        layers[il]->choice->set(std::move(params));
        return;
    }
    if (!workspace || workspace->asked != kernels) {
        workspace = std::make_shared<lacuna_choice_workspace>(kernels);
    }
    const auto bias = [&](ggml_tensor * b) { return b ? to_floats(weights->host(b)) : std::vector<float>(); };

    auto packed = std::make_unique<packed_layer>();
    packed->choice = std::make_unique<lacuna_choice_ffn>(workspace, layer, bias(model.ffn_up_b), bias(model.ffn_gate_b));
    packed->choice->set(std::move(params));
    packed->tensors.down_b     = model.ffn_down_b;
    packed->tensors.build_data = packed->choice.get();
    packed->tensors.build      = [](ggml_context * ctx, ggml_tensor * x, void * choice) { return ((lacuna_choice_ffn *) choice)->build(ctx, x); };

    replace(ctx, il, std::move(packed));
}

void lacuna_ffn::replace(llama_context * ctx, int il, std::unique_ptr<packed_layer> layer) {
    // the old tensors are in use until llama.cpp has the new ones
    switch (llama_set_adapter_ffn(ctx, il, &layer->tensors)) {
        case 0:  break;
        case -2: throw std::runtime_error("sparse activation and LoRA adapters cannot be used together");
        default: throw std::runtime_error("layer " + std::to_string(il) + " has no plain FFN, it stays dense");
    }
    layers[il] = std::move(layer);
}

void lacuna_ffn::clear(llama_context * ctx, int il) {
    if (il < 0 || il >= (int) layers.size()) {
        throw std::invalid_argument("layer " + std::to_string(il) + " does not exist");
    }
    llama_set_adapter_ffn(ctx, il, nullptr);
    layers[il].reset();
}

uint64_t lacuna_ffn::n_chosen() const {
    uint64_t res = 0;
    for (const auto & layer : layers) {
        res += layer && layer->choice ? layer->choice->n_tokens() : 0;
    }
    return res;
}

size_t lacuna_ffn::packed_bytes() const {
    size_t res = 0;
    for (const auto & layer : layers) {
        res += layer ? layer->bytes() : 0;
    }
    return res;
}
