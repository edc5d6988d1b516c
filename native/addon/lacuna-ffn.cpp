#include "lacuna-ffn.h"

#include "lacuna-parallel.h"
#include "lacuna-sparse-device.h"

#include "ggml-backend.h"
#include "llama-model.h"

#include <atomic>
#include <cstring>
#include <stdexcept>

#if defined(__linux__)
#    include <sys/mman.h>
#    include <unistd.h>
#endif

struct lacuna_ffn::packed_layer {
    std::vector<int32_t> rows;
    std::vector<float>   mean;
    ggml_type            down_type;

    // both null: up and down are packed tensors
    std::unique_ptr<lacuna_sparse_ffn>    sparse;
    std::unique_ptr<lacuna_sparse_device> device;
    std::string                           kernels;

    ggml_context_ptr ctx;
    std::vector<ggml_backend_buffer_ptr> bufs;
    llama_adapter_ffn_tensors tensors = {};

    bool has_threshold() const { return sparse || device; }

    void set_threshold(float threshold, const std::vector<float> & weight) {
        if (sparse) {
            sparse->threshold = threshold;
            sparse->weight    = weight;
        } else {
            device->set_threshold(threshold, weight);
        }
    }

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

lacuna_ffn::lacuna_ffn(std::shared_ptr<lacuna_weights> weights) : weights(std::move(weights)), layers(this->weights->model.layers.size()) {}

lacuna_ffn::~lacuna_ffn() = default;

// rows of w in the order of idx, byte by byte; the padding repeats the first row
static std::vector<uint8_t> gather_rows(const ggml_tensor * w, const std::vector<int32_t> & idx, int64_t n_row, int n_threads) {
    const size_t row_size = w->nb[1];
    std::vector<uint8_t> res(row_size*n_row);

    lacuna_parallel(n_threads, [&](int ith) {
        for (int64_t i = ith; i < n_row; i += n_threads) {
            const int64_t row = i < (int64_t) idx.size() ? idx[i] : idx[0];
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

// Records are read here and there, so address translation costs more than for a tensor that is read from end to end
static void use_large_pages(void * data, size_t size) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    const uintptr_t page  = (uintptr_t) sysconf(_SC_PAGESIZE);
    const uintptr_t first = ((uintptr_t) data + page - 1) & ~(page - 1);
    const uintptr_t last  = ((uintptr_t) data + size) & ~(page - 1);
    if (first < last) {
        madvise((void *) first, last - first, MADV_HUGEPAGE);
    }
#else
    (void) data;
    (void) size;
#endif
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

// The neurons of idx one by one: the row of up byte by byte, the column of down quantised anew along n_embd. bias: as above
static void gather_records(const lacuna_sparse_layout & layout, const ggml_tensor * up, const ggml_tensor * down, const std::vector<int32_t> & idx,
                           const std::vector<float> & mean, std::vector<float> & bias, uint8_t * dst, int n_threads) {
    const auto   left    = left_out(mean, idx);
    const size_t up_size = up->nb[1];

    constexpr int64_t TILE = 32; // rows of down: a block of its columns
    std::atomic<int64_t> next { 0 };

    lacuna_parallel(n_threads, [&](int ith) {
        for (size_t i = ith; i < idx.size(); i += n_threads) {
            memcpy(dst + i*layout.record_size + layout.up_offset, (const uint8_t *) up->data + idx[i]*up_size, up_size);
        }

        std::vector<std::vector<float>> rows(TILE, std::vector<float>(down->ne[0]));

        for (int64_t r0 = next.fetch_add(TILE); r0 < down->ne[1]; r0 = next.fetch_add(TILE)) {
            const int64_t n = std::min(TILE, down->ne[1] - r0);
            for (int64_t r = 0; r < n; r++) {
                lacuna_row_to_float(down, r0 + r, 0, down->ne[0], rows[r].data());
                add_left_out(rows[r], left, bias[r0 + r]);
            }
            float values[TILE] = { 0.0f };
            for (size_t i = 0; i < idx.size(); i++) {
                for (int64_t r = 0; r < n; r++) {
                    values[r] = rows[r][idx[i]];
                }
                lacuna_sparse_write_down(layout, dst + i*layout.record_size, r0, values);
            }
        }
    });
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
    if (!layer.ffn_gate || !layer.ffn_up || !layer.ffn_down) {
        throw std::invalid_argument("layer " + std::to_string(il) + " has no gated FFN");
    }

    const int32_t n_ff = (int32_t) layer.ffn_down->ne[0];
    if (rows.empty() || rows.front() < 0 || rows.back() >= n_ff ||
            std::adjacent_find(rows.begin(), rows.end(), [](int32_t a, int32_t b) { return a >= b; }) != rows.end()) {
        throw std::invalid_argument("rows must be ascending, unique and below " + std::to_string(n_ff));
    }
    if (!options.mean.empty() && (int32_t) options.mean.size() != n_ff) {
        throw std::invalid_argument("means must have " + std::to_string(n_ff) + " values");
    }

    if (!options.weight.empty() && (int32_t) options.weight.size() != n_ff) {
        throw std::invalid_argument("weights must have " + std::to_string(n_ff) + " values");
    }

    const auto down_type = options.down_type.value_or(default_down_type(model));
    auto & old = layers[il];

    // what decides which of the rows are active may change without packing again
    std::vector<float> weight;
    for (size_t i = 0; i < rows.size() && !options.weight.empty(); i++) {
        weight.push_back(options.weight[rows[i]]);
    }

    if (old && old->rows == rows && old->mean == options.mean && old->down_type == down_type &&
            old->has_threshold() == options.threshold.has_value() && old->kernels == options.kernels) {
        if (options.threshold) {
            old->set_threshold(*options.threshold, weight);
        }
        return old->bytes();
    }

    const int64_t multiple = row_multiple(down_type);
    const int64_t n        = (((int64_t) rows.size() + multiple - 1)/multiple)*multiple;

    auto packed = std::make_unique<packed_layer>();
    packed->rows      = rows;
    packed->mean      = options.mean;
    packed->down_type = down_type;
    packed->kernels   = options.kernels;

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
            buft = ggml_backend_buffer_is_host(layer.ffn_norm->buffer) ? ggml_backend_cpu_buffer_type() : ggml_backend_buffer_get_type(layer.ffn_norm->buffer);
        }
        allocate(t, buft);
        ggml_backend_tensor_set(t, data, 0, ggml_nbytes(t));

        return t;
    };

    const auto place_rows = [&](ggml_tensor * w) {
        const auto data = gather_rows(weights->host(w), rows, n, options.n_threads);
        return place(w, w->type, w->ne[0], n, data.data());
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

    packed->tensors.gate   = place_rows(layer.ffn_gate);
    packed->tensors.gate_b = place_row_bias(layer.ffn_gate_b);

    auto bias = layer.ffn_down_b ? to_floats(weights->host(layer.ffn_down_b)) : std::vector<float>(layer.ffn_down->ne[1]);
    if (options.threshold) {
        const auto * up = weights->host(layer.ffn_up);
        const lacuna_sparse_layout layout(up->type, down_type, up->ne[0]);

        ggml_tensor * records = ggml_new_tensor_2d(packed->ctx.get(), GGML_TYPE_I8, layout.record_size, rows.size());

        const auto gather = [&](uint8_t * dst) {
            gather_records(layout, up, weights->host(layer.ffn_down), rows, options.mean, bias, dst, options.n_threads);
        };
        std::vector<float> up_b;
        if (layer.ffn_up_b) {
            const auto all = to_floats(weights->host(layer.ffn_up_b));
            for (const auto row : rows) {
                up_b.push_back(all[row]);
            }
        }

        if (lacuna_device_of(layer.ffn_up) == nullptr) {
            allocate(records, ggml_backend_cpu_buffer_type());
            use_large_pages(records->data, ggml_nbytes(records));
            gather((uint8_t *) records->data);

            if (!workspace || options.kernels != workspace->asked) {
                workspace = std::make_shared<lacuna_sparse_workspace>(up->ne[0], options.kernels);
            }
            packed->sparse = std::make_unique<lacuna_sparse_ffn>(workspace, layout, (const uint8_t *) records->data, (int) rows.size());
            packed->sparse->up_b = std::move(up_b);
            packed->tensors.build_data = packed->sparse.get();
            packed->tensors.build = [](ggml_context * ctx, ggml_tensor * x, ggml_tensor * gate, void * sparse) {
                return ((lacuna_sparse_ffn *) sparse)->build(ctx, x, gate);
            };
        } else {
            auto * buft = ggml_backend_buffer_get_type(layer.ffn_up->buffer);
            std::vector<uint8_t> data(ggml_nbytes(records));
            gather(data.data());
            allocate(records, buft);
            ggml_backend_tensor_set(records, data.data(), 0, data.size());

            const auto place_vector = [&](ggml_type type, int64_t ne0) {
                ggml_tensor * t = ggml_new_tensor_1d(packed->ctx.get(), type, ne0);
                allocate(t, buft);
                return t;
            };
            auto * limit   = place_vector(GGML_TYPE_F32, rows.size());
            auto * counted = place_vector(GGML_TYPE_I64, 2);
            auto * b       = up_b.empty() ? nullptr : place_vector(GGML_TYPE_F32, rows.size());
            if (b) {
                ggml_backend_tensor_set(b, up_b.data(), 0, ggml_nbytes(b));
            }
            packed->device = std::make_unique<lacuna_sparse_device>(layout, records, limit, counted, b);
            packed->tensors.build_data = packed->device.get();
            packed->tensors.build = [](ggml_context * ctx, ggml_tensor * x, ggml_tensor * gate, void * device) {
                return ((lacuna_sparse_device *) device)->build(ctx, x, gate);
            };
        }
        packed->set_threshold(*options.threshold, weight);
    } else {
        packed->tensors.up   = place_rows(layer.ffn_up);
        packed->tensors.up_b = place_row_bias(layer.ffn_up_b);

        const auto * w    = weights->host(layer.ffn_down);
        const auto   data = gather_columns(w, rows, n, down_type, options.mean, bias, options.n_threads);
        packed->tensors.down = place(layer.ffn_down, down_type, n, w->ne[1], data.data());
    }
    if (layer.ffn_down_b || !options.mean.empty()) {
        packed->tensors.down_b = place(layer.ffn_down, GGML_TYPE_F32, (int64_t) bias.size(), 1, bias.data());
    }

    // the old tensors are in use until llama.cpp has the new ones
    switch (llama_set_adapter_ffn(ctx, il, &packed->tensors)) {
        case 0:  break;
        case -2: throw std::runtime_error("sparse activation and LoRA adapters cannot be used together");
        default: throw std::runtime_error("layer " + std::to_string(il) + " has no plain FFN, it stays dense");
    }
    old = std::move(packed);

    return old->bytes();
}

void lacuna_ffn::clear(llama_context * ctx, int il) {
    if (il < 0 || il >= (int) layers.size()) {
        throw std::invalid_argument("layer " + std::to_string(il) + " does not exist");
    }
    llama_set_adapter_ffn(ctx, il, nullptr);
    layers[il].reset();
}

lacuna_ffn::counters lacuna_ffn::read() const {
    counters res;
    for (const auto & layer : layers) {
        if (layer && layer->has_threshold()) {
            const auto c = layer->sparse ? layer->sparse->counters() : layer->device->counters();
            res.tokens     += c.tokens;
            res.active     += c.active;
            res.candidates += c.tokens*layer->rows.size();
        }
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
