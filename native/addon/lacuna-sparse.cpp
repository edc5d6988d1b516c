#include "lacuna-sparse.h"

#include "lacuna-sparse-device.h"
#include "lacuna-weights.h"

#include "ggml-backend.h"
#include "ggml-cpu.h"
#include "llama-model.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#if defined(__x86_64__)
extern const lacuna_sparse_kernels lacuna_sparse_avx512;
extern const lacuna_sparse_kernels lacuna_sparse_avx2;
#elif defined(__aarch64__)
extern const lacuna_sparse_kernels lacuna_sparse_neon;
#endif
extern const lacuna_sparse_kernels lacuna_sparse_scalar;

static constexpr int    BLOCK      = 32;
static constexpr size_t CACHE_LINE = 64;

// Neurons that are worked on at a time: first their rows of up, then their columns of down. Their records, and those of the next
// ones, fit into the L1 cache. Hardware prefetches long reads only, so reading a record asks for the same place in the record that
// is worked on CHUNK later: evenly, as a core has too few outstanding reads for a record at once, and none to waste while it computes.
static constexpr int CHUNK = 8;

const lacuna_sparse_kernels * const * lacuna_sparse_all_kernels() {
    static const lacuna_sparse_kernels * const all[] = {
#if defined(__x86_64__)
        &lacuna_sparse_avx512, &lacuna_sparse_avx2,
#elif defined(__aarch64__)
        &lacuna_sparse_neon,
#endif
        &lacuna_sparse_scalar, nullptr,
    };
    return all;
}

size_t lacuna_down_size(lacuna_down_type type, int64_t n) {
    switch (type) {
        case LACUNA_DOWN_Q8_0: return n   + n/BLOCK*sizeof(ggml_fp16_t);
        case LACUNA_DOWN_Q4_0: return n/2 + n/BLOCK*sizeof(ggml_fp16_t);
        case LACUNA_DOWN_F16:
        case LACUNA_DOWN_BF16: return n*sizeof(ggml_fp16_t);
        case LACUNA_DOWN_F32:  return n*sizeof(float);
    }
    return 0;
}

std::optional<lacuna_down_type> lacuna_sparse_down_type(ggml_type type) {
    switch (type) {
        case GGML_TYPE_Q8_0: return LACUNA_DOWN_Q8_0;
        case GGML_TYPE_Q4_0: return LACUNA_DOWN_Q4_0;
        case GGML_TYPE_F16:  return LACUNA_DOWN_F16;
        case GGML_TYPE_BF16: return LACUNA_DOWN_BF16;
        case GGML_TYPE_F32:  return LACUNA_DOWN_F32;
        default:             return std::nullopt;
    }
}

// The CPU backend may be a library of its own, chosen for the processor when it is loaded
static const ggml_type_traits_cpu * traits_of(ggml_type type) {
    auto * reg = ggml_backend_dev_backend_reg(ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU));
    auto * get = (decltype(ggml_get_type_traits_cpu) *) ggml_backend_reg_get_proc_address(reg, "ggml_get_type_traits_cpu");

    return get ? get(type) : nullptr;
}

std::string lacuna_sparse_unavailable_reason(const llama_model & model) {
    for (const auto & layer : model.layers) {
        if (!layer.ffn_up || !layer.ffn_down) {
            continue;
        }
        const auto type = layer.ffn_up->type;
        for (const auto * t : { layer.ffn_gate, layer.ffn_up, layer.ffn_down, layer.ffn_norm }) {
            auto * dev = t ? lacuna_device_of(t) : nullptr;
            if (!dev) {
                continue;
            }
            // as lacuna_ffn chooses it
            const auto down_type = ggml_is_quantized(layer.ffn_down->type) ? GGML_TYPE_Q8_0 : layer.ffn_down->type;
            if (!lacuna_sparse_device_supported(dev, { type, down_type, layer.ffn_up->ne[0] })) {
                return std::string("thresholds per token need the CPU for ") + ggml_type_name(type) + " weights, and this model is on " +
                    ggml_backend_dev_description(dev);
            }
            if (!getenv("LACUNA_CUDA_THRESHOLDS")) {
                return "thresholds per token have never run on a GPU; LACUNA_CUDA_THRESHOLDS=1 tries them";
            }
        }
        if (!traits_of(type) || !traits_of(type)->vec_dot) {
            return std::string("thresholds per token do not work with ") + ggml_type_name(type) + " weights";
        }
    }
    return {};
}

// layout

lacuna_sparse_layout::lacuna_sparse_layout(ggml_type up_type, ggml_type down, int64_t n_embd) : up_type(up_type), n_embd(n_embd) {
    const auto stored = lacuna_sparse_down_type(down);
    if (!stored) {
        throw std::invalid_argument(std::string("the down projection of a neuron cannot be stored as ") + ggml_type_name(down));
    }
    down_type   = n_embd % ggml_blck_size(down) == 0 ? *stored : LACUNA_DOWN_F16;
    up_offset   = GGML_PAD(lacuna_down_size(down_type, n_embd), 32);
    record_size = GGML_PAD(up_offset + ggml_row_size(up_type, n_embd), CACHE_LINE);
}

void lacuna_sparse_write_down(const lacuna_sparse_layout & layout, uint8_t * record, int64_t i0, const float * values) {
    const int64_t n = std::min<int64_t>(BLOCK, layout.n_embd - i0);

    struct { ggml_fp16_t d; uint8_t q[BLOCK]; } block; // as large as any

    switch (layout.down_type) {
        case LACUNA_DOWN_Q8_0:
            ggml_get_type_traits(GGML_TYPE_Q8_0)->from_float_ref(values, &block, BLOCK);
            memcpy(record + i0, block.q, BLOCK);
            memcpy(record + layout.n_embd + i0/BLOCK*sizeof(block.d), &block.d, sizeof(block.d));
            break;
        case LACUNA_DOWN_Q4_0:
            ggml_get_type_traits(GGML_TYPE_Q4_0)->from_float_ref(values, &block, BLOCK);
            for (int i = 0; i < BLOCK/2; i++) {
                record[i0/2 + i] = block.q[i] ^ 0x88; // minus 8 in both halves
            }
            memcpy(record + layout.n_embd/2 + i0/BLOCK*sizeof(block.d), &block.d, sizeof(block.d));
            break;
        case LACUNA_DOWN_F16:
            ggml_fp32_to_fp16_row(values, (ggml_fp16_t *) record + i0, n);
            break;
        case LACUNA_DOWN_BF16:
            ggml_fp32_to_bf16_row_ref(values, (ggml_bf16_t *) record + i0, n);
            break;
        case LACUNA_DOWN_F32:
            memcpy((float *) record + i0, values, n*sizeof(float));
            break;
    }
}

// computation

static const lacuna_sparse_kernels * find_kernels(const std::string & name) {
    for (auto * k = lacuna_sparse_all_kernels(); *k; k++) {
        if ((name.empty() || name == (*k)->name) && (*k)->supported()) {
            return *k;
        }
    }
    throw std::invalid_argument("this processor has no kernels called " + name);
}

lacuna_sparse_workspace::lacuna_sparse_workspace(int64_t n_embd, const std::string & name) :
    asked(name), kernels(find_kernels(name)), n_embd(n_embd), partials(new float[(size_t) MAX_THREADS*MAX_SHARED*n_embd]) {}

lacuna_sparse_ffn::lacuna_sparse_ffn(std::shared_ptr<lacuna_sparse_workspace> workspace, const lacuna_sparse_layout & layout, const uint8_t * records, int n_row) :
        workspace(std::move(workspace)), layout(layout), records(records), n_row(n_row), traits(traits_of(layout.up_type)) {
    const auto * kernels = this->workspace->kernels;

    // F32 is multiplied as it is
    quantize = traits->vec_dot_type == GGML_TYPE_F32 ? nullptr : traits_of(traits->vec_dot_type)->from_float;
    x_size   = ggml_row_size(traits->vec_dot_type, layout.n_embd);

    const bool own = layout.up_type == GGML_TYPE_Q4_K && traits->vec_dot_type == GGML_TYPE_Q8_K && kernels->dot_q4_K;
    prepare = own ? kernels->prepare_q4_K : nullptr;
    dot     = own ? kernels->dot_q4_K     : nullptr;
}

lacuna_sparse_counters lacuna_sparse_ffn::counters() const {
    return { n_tokens.load(std::memory_order_relaxed), n_active.load(std::memory_order_relaxed) };
}

ggml_tensor * lacuna_sparse_ffn::build(ggml_context * ctx, ggml_tensor * x, ggml_tensor * gate) {
    ggml_tensor * args[] = { x, gate };

    return ggml_custom_4d(ctx, GGML_TYPE_F32, layout.n_embd, x->ne[1], 1, 1, args, 2, compute, GGML_N_TASKS_MAX, this);
}

// Some tokens of a batch, and the part of their active neurons that one thread computes
struct lacuna_sparse_ffn::slice {
    const ggml_tensor * x;
    const ggml_tensor * gate;

    int first;  // token
    int n;      // tokens, at most MAX_SHARED

    int part;   // of the active neurons
    int n_part;

    float * y;  // [n][n_embd]
};

static inline void prefetch(const uint8_t * p, size_t size) {
    for (size_t i = 0; i < size; i += CACHE_LINE) {
        __builtin_prefetch(p + i);
    }
}

// Memory of a thread, kept from one layer to the next
struct lacuna_sparse_buffers {
    std::vector<uint8_t> x;
    std::vector<float>   act;
    std::vector<int32_t> active;
    std::vector<int32_t> any;
    std::vector<uint8_t> is_active;
    std::vector<float>   scratch;
};

void lacuna_sparse_ffn::run(const slice & s) const {
    static thread_local lacuna_sparse_buffers buf;

    const auto * kernels = workspace->kernels;
    const int    n_embd  = (int) layout.n_embd;

    buf.x.resize(s.n*x_size);
    buf.act.resize((size_t) s.n*n_row);
    buf.active.resize(n_row + 1);
    buf.scratch.resize(CHUNK*(n_embd/BLOCK + 1));

    for (int t = 0; t < s.n; t++) {
        const auto * x = (const float *) ((const char *) s.x->data + (s.first + t)*s.x->nb[1]);
        if (quantize) {
            quantize(x, buf.x.data() + t*x_size, n_embd);
            if (prepare) {
                prepare(buf.x.data() + t*x_size, n_embd);
            }
        } else {
            memcpy(buf.x.data() + t*x_size, x, x_size);
        }
    }
    memset(s.y, 0, (size_t) s.n*n_embd*sizeof(float));

    const auto select = [&](int t) {
        const auto * gate = (const float *) ((const char *) s.gate->data + (s.first + t)*s.gate->nb[1]);
        return kernels->select(gate, weight.empty() ? nullptr : weight.data(), n_row, threshold, buf.act.data() + (size_t) t*n_row, buf.active.data());
    };

    // neurons that any of the tokens needs; each token marks its own
    const int32_t * any = buf.active.data();
    int n_any;
    uint64_t total = 0;
    if (s.n == 1) {
        total = n_any = select(0);
    } else {
        buf.is_active.assign(n_row, 0);
        for (int t = 0; t < s.n; t++) {
            const int n = select(t);
            for (int i = 0; i < n; i++) {
                buf.is_active[buf.active[i]] |= 1 << t;
            }
            total += n;
        }
        buf.any.resize(n_row + 1);
        n_any = 0;
        for (int i = 0; i < n_row; i++) {
            buf.any[n_any] = i;
            n_any += buf.is_active[i] != 0;
        }
        any = buf.any.data();
    }
    if (s.part == 0) {
        // part 0 of every token is computed by exactly one thread
        const_cast<lacuna_sparse_ffn *>(this)->n_active.fetch_add(total, std::memory_order_relaxed);
        const_cast<lacuna_sparse_ffn *>(this)->n_tokens.fetch_add(s.n,   std::memory_order_relaxed);
    }

    const int i0 = (int) ((int64_t) n_any*s.part/s.n_part);
    const int i1 = (int) ((int64_t) n_any*(s.part + 1)/s.n_part);

    const auto record = [&](int i) { return records + any[i]*layout.record_size; };

    for (int i = i0; i < std::min(i0 + CHUNK, i1); i++) {
        prefetch(record(i), layout.record_size);
    }

    for (int c = i0; c < i1; c += CHUNK) {
        const int n = std::min(CHUNK, i1 - c);

        for (int t = 0; t < s.n; t++) {
            const float * act = buf.act.data() + (size_t) t*n_row;
            const void  * x   = buf.x.data() + t*x_size;

            const uint8_t * columns[CHUNK];
            const uint8_t * ahead[CHUNK];
            float           coef[CHUNK];
            int             count = 0;

            for (int k = 0; k < n; k++) {
                const int       row  = any[c + k];
                const uint8_t * rec  = record(c + k);
                const uint8_t * next = c + k + CHUNK < i1 ? record(c + k + CHUNK) : rec;

                if (s.n > 1 && !(buf.is_active[row] >> t & 1)) {
                    continue;
                }
                float up;
                if (dot) {
                    up = dot(rec + layout.up_offset, next + layout.up_offset, x, n_embd);
                } else {
                    prefetch(next + layout.up_offset, layout.record_size - layout.up_offset);
                    traits->vec_dot(n_embd, &up, 0, rec + layout.up_offset, 0, x, 0, 1);
                }
                if (!up_b.empty()) {
                    up += up_b[row];
                }
                columns[count] = rec;
                ahead  [count] = next;
                coef[count]    = up*act[row];
                count++;
            }
            kernels->accumulate(layout.down_type, columns, ahead, coef, count, n_embd, buf.scratch.data(), s.y + (size_t) t*n_embd);
        }
    }
}

void lacuna_sparse_ffn::compute(ggml_tensor * dst, int ith, int nth, void * data) {
    auto & self = *(lacuna_sparse_ffn *) data;

    nth = std::min(nth, lacuna_sparse_workspace::MAX_THREADS);
    if (ith >= nth) {
        return;
    }

    const ggml_tensor * x    = dst->src[0];
    const ggml_tensor * gate = dst->src[1];
    const int n_tokens = (int) dst->ne[1];
    float * out = (float *) dst->data;

    if (n_tokens <= lacuna_sparse_workspace::MAX_SHARED) {
        self.run({ x, gate, 0, n_tokens, ith, nth, self.workspace->partial(ith) });

        // the last thread adds up, always in the same order
        if (self.finished.fetch_add(1, std::memory_order_acq_rel) == nth - 1) {
            self.finished.store(0, std::memory_order_relaxed);

            const size_t n = (size_t) n_tokens*self.layout.n_embd;
            memcpy(out, self.workspace->partial(0), n*sizeof(float));
            for (int i = 1; i < nth; i++) {
                const float * part = self.workspace->partial(i);
                for (size_t j = 0; j < n; j++) {
                    out[j] += part[j];
                }
            }
        }
        return;
    }

    // enough tokens to share out: nothing to add up, and the threads find each other's neurons in the last-level cache
    const int t0 = n_tokens*ith/nth;
    const int t1 = n_tokens*(ith + 1)/nth;
    for (int t = t0; t < t1; t += lacuna_sparse_workspace::MAX_SHARED) {
        self.run({ x, gate, t, std::min(lacuna_sparse_workspace::MAX_SHARED, t1 - t), 0, 1, out + (size_t) t*self.layout.n_embd });
    }
}
