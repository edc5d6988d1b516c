#include "lacuna-choice.h"

#include "ggml.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <stdexcept>

static const lacuna_plane_kernels * find_kernels(const std::string & name) {
    for (auto * k = lacuna_plane_all_kernels(); *k; k++) {
        if ((name.empty() || name == (*k)->name) && (*k)->supported()) {
            return *k;
        }
    }
    throw std::invalid_argument("this processor has no kernels called " + name);
}

lacuna_choice_workspace::lacuna_choice_workspace(const std::string & name) : asked(name), kernels(find_kernels(name)), partial(MAX_THREADS) {}

lacuna_choice_ffn::lacuna_choice_ffn(std::shared_ptr<lacuna_choice_workspace> workspace, std::shared_ptr<const lacuna_plane_layer> layer,
                                     std::vector<float> up_b, std::vector<float> gate_b) :
    workspace(std::move(workspace)), layer(std::move(layer)), kernels(this->workspace->kernels), up_b(std::move(up_b)), gate_b(std::move(gate_b)) {}

void lacuna_choice_ffn::set(lacuna_choice_params p) {
    const size_t n_ff = layer->up.n_ff;
    if (p.gate.size() != n_ff || p.down.size() != n_ff) {
        throw std::invalid_argument("a choice needs weights for each of " + std::to_string(n_ff) + " neurons");
    }
    if (p.n_full < 0 || p.n_down < p.n_full || p.n_gate < p.n_down || p.n_gate > (int) n_ff || p.n_down == 0) {
        throw std::invalid_argument("each stage of a choice reads some of the neurons of the one before");
    }
    params = std::move(p);
}

ggml_tensor * lacuna_choice_ffn::build(ggml_context * ctx, ggml_tensor * x) {
    const int64_t n_ff = layer->up.n_ff, n_embd = layer->up.n_embd, n_token = x->ne[1];

    ggml_tensor * up_args[] = { x };
    ggml_tensor * up = ggml_custom_4d(ctx, GGML_TYPE_F32, n_ff, n_token, 1, 1, up_args, 1, compute_up, GGML_N_TASKS_MAX, this);

    // activations, 0 where gate is not read; then gates
    ggml_tensor * gate_args[] = { x, up };
    ggml_tensor * act = ggml_custom_4d(ctx, GGML_TYPE_F32, n_ff, n_token, 2, 1, gate_args, 2, compute_gate, GGML_N_TASKS_MAX, this);

    ggml_tensor * down_args[] = { x, up, act };
    return ggml_custom_4d(ctx, GGML_TYPE_F32, n_embd, n_token, 1, 1, down_args, 3, compute_down, GGML_N_TASKS_MAX, this);
}

// The tokens of a batch in int8, with the sums that the scales of two kinds of rows need
struct lacuna_choice_ffn::inputs {
    int     n_token;
    int64_t n, n_block; // padded
    std::vector<int8_t> q;
    std::vector<float>  d, sum32, sum16;
    std::vector<float>  size; // [n_token] RMS

    // x: [n_embd, n_token]
    void quantize(const ggml_tensor * x) {
        n_token = (int) x->ne[1];
        n       = GGML_PAD(x->ne[0], LACUNA_PLANE_UNIT);
        n_block = lacuna_scale_count(LACUNA_SCALES_F16, n);
        q    .assign(n_token*n, 0);
        d    .assign(n_token*n_block, 0.0f);
        sum32.assign(n_token*n_block, 0.0f);
        sum16.assign(n_token*n_block*2, 0.0f);

        size .assign(n_token, 0.0f);

        for (int t = 0; t < n_token; t++) {
            const auto * row = (const float *) ((const char *) x->data + t*x->nb[1]);
            for (int64_t i = 0; i < x->ne[0]; i++) {
                size[t] += row[i]*row[i];
            }
            size[t] = std::sqrt(size[t]/x->ne[0]);
            for (int64_t i = 0; i < x->ne[0]; i += 32) {
                const int m = (int) std::min<int64_t>(32, x->ne[0] - i);
                float max = 0.0f;
                for (int j = 0; j < m; j++) {
                    max = std::max(max, std::fabs(row[i + j]));
                }
                const float unit = max/127.0f;
                const float inv  = unit > 0.0f ? 1.0f/unit : 0.0f;
                int8_t * qi = q.data() + t*n + i;
                int sums[2] = { 0, 0 };
                for (int j = 0; j < m; j++) {
                    qi[j] = (int8_t) lrintf(row[i + j]*inv);
                    sums[j/16] += qi[j];
                }
                const int64_t b = t*n_block + i/32;
                d[b] = unit;
                sum32[b]       = unit*(sums[0] + sums[1]);
                sum16[2*b]     = unit*sums[0];
                sum16[2*b + 1] = unit*sums[1];
            }
        }
    }

    lacuna_plane_input at(int t, lacuna_scale_kind kind) const {
        return { q.data() + t*n, d.data() + t*n_block, kind == LACUNA_SCALES_K6 ? sum16.data() + 2*t*n_block : sum32.data() + t*n_block };
    }
};

// Tokens that a row is multiplied with at once
static constexpr int AT_ONCE = 16;

// Products of a row's upper plane with tokens t[n]
void lacuna_choice_ffn::product(const lacuna_plane_rows & rows, int64_t i, const inputs & in, const int * t, int n, float * res) const {
    const auto & type = rows.type;
    const lacuna_plane_row row = { type.kind, (int) in.n, type.high, (float) (1 << type.low), type.middle() - type.zero, type.minima };

    lacuna_plane_input x[AT_ONCE];
    for (int k0 = 0; k0 < n; k0 += AT_ONCE) {
        const int m = std::min(AT_ONCE, n - k0);
        for (int k = 0; k < m; k++) {
            x[k] = in.at(t[k0 + k], type.kind);
        }
        kernels->row(row, rows.scales(i), rows.high(i), x, m, res + k0);
    }
}

// What the lower plane adds to it
float lacuna_choice_ffn::rest(const lacuna_plane_rows & rows, int64_t i, const inputs & in, int t) const {
    const auto & type = rows.type;
    const lacuna_plane_row row = { type.kind, (int) in.n, type.low, 1.0f, -type.middle(), false };

    const auto x = in.at(t, type.kind);
    float res;
    kernels->row(row, rows.scales(i), rows.low(i), &x, 1, &res);
    return res;
}

// Memory of a thread, kept from one layer to the next
struct lacuna_choice_ffn::buffers {
    std::vector<float>   score; // [n_token][n_ff]
    std::vector<float>   error; // [n_token][n_ff]
    std::vector<float>   limit; // [n_token]
    std::vector<float>   full;  // [n_token]
    std::vector<int32_t> list;
    std::vector<int>     first, last; // [n_token] groups of this thread
    std::vector<int>     tokens;  // that want a row
    std::vector<float>   product; // [n_token]
};

static inline void prefetch(const uint8_t * p, size_t size) {
    for (size_t i = 0; i < size; i += 64) {
        __builtin_prefetch(p + i);
    }
}

// A limit that about `wanted` of the values reach: within 1 in 128, which takes far fewer passes than all of them. Values are not negative
static float limit_of(const lacuna_plane_kernels * kernels, const float * value, int n, int wanted) {
    if (wanted >= n) {
        return 0.0f;
    }
    uint32_t low = 0, high = 0x7f800000; // bits of floats are in the order of the floats
    const int close = wanted/128;
    for (int i = 0; i < 24 && high - low > 1; i++) {
        const uint32_t mid = low + (high - low)/2;
        float limit;
        memcpy(&limit, &mid, sizeof(limit));
        const int count = kernels->count(value, n, limit);
        if (std::abs(count - wanted) <= close) {
            return limit;
        }
        (count > wanted ? low : high) = mid;
    }
    float res;
    memcpy(&res, &high, sizeof(res));
    return res;
}

static const float * row_of(const ggml_tensor * t, int64_t i1, int64_t i2 = 0) {
    return (const float *) ((const char *) t->data + i1*t->nb[1] + i2*t->nb[2]);
}

static float * row_of(ggml_tensor * t, int64_t i1, int64_t i2 = 0) { return const_cast<float *>(row_of((const ggml_tensor *) t, i1, i2)); }

static constexpr int ROWS_AHEAD = 4;

void lacuna_choice_ffn::compute_up(ggml_tensor * dst, int ith, int nth, void * data) {
    const auto & self = *(lacuna_choice_ffn *) data;
    static thread_local inputs in;
    static thread_local buffers buf;

    nth = std::min(nth, lacuna_choice_workspace::MAX_THREADS);
    if (ith >= nth) {
        return;
    }
    in.quantize(dst->src[0]);

    buf.tokens.resize(in.n_token);
    buf.product.resize(in.n_token);
    std::iota(buf.tokens.begin(), buf.tokens.end(), 0);

    const auto & up = self.layer->up;
    for (int64_t i = up.n_ff*ith/nth; i < up.n_ff*(ith + 1)/nth; i++) {
        const float bias = self.up_b.empty() ? 0.0f : self.up_b[i];
        prefetch(up.scales(std::min(i + ROWS_AHEAD, up.n_ff - 1)), up.base_size);
        self.product(up, i, in, buf.tokens.data(), in.n_token, buf.product.data());
        for (int t = 0; t < in.n_token; t++) {
            row_of(dst, t)[i] = buf.product[t] + bias;
        }
    }
}

void lacuna_choice_ffn::compute_gate(ggml_tensor * dst, int ith, int nth, void * data) {
    const auto & self = *(lacuna_choice_ffn *) data;
    static thread_local inputs in;
    static thread_local buffers buf;

    nth = std::min(nth, lacuna_choice_workspace::MAX_THREADS);
    if (ith >= nth) {
        return;
    }
    const int    n_ff = (int) self.layer->up.n_ff;
    const auto * up   = dst->src[1];
    const auto   kind = self.layer->activation;

    if (!self.layer->gate) {
        const int i0 = (int) ((int64_t) n_ff*ith/nth), i1 = (int) ((int64_t) n_ff*(ith + 1)/nth);
        for (int t = 0; t < (int) up->ne[1]; t++) {
            self.kernels->activate(kind, nullptr, row_of(up, t) + i0, row_of(dst, t) + i0, i1 - i0);
        }
        return;
    }
    in.quantize(dst->src[0]);
    const auto & gate = *self.layer->gate;

    // neurons that any of the tokens wants; every thread finds them itself
    buf.score.resize((size_t) in.n_token*n_ff);
    buf.limit.resize(in.n_token);
    for (int t = 0; t < in.n_token; t++) {
        float * score = buf.score.data() + (size_t) t*n_ff;
        const float * u = row_of(up, t);
        for (int i = 0; i < n_ff; i++) {
            score[i] = std::fabs(u[i])*self.params.gate[i];
        }
        buf.limit[t] = limit_of(self.kernels, score, n_ff, self.params.n_gate);
    }
    const auto wants = [&](int t, int i) { return buf.score[(size_t) t*n_ff + i] >= buf.limit[t]; };

    buf.tokens.resize(in.n_token + 1);
    buf.product.resize(in.n_token);
    buf.list.resize(n_ff + 1);
    int n_list = 0;
    for (int i = 0; i < n_ff; i++) {
        buf.list[n_list] = i;
        bool any = false;
        for (int t = 0; t < in.n_token; t++) {
            any |= wants(t, i);
        }
        n_list += any;
    }

    // from a neuron of the list to another, and those in between
    const auto begin = [&](int part) { return part == 0 ? 0 : part == nth ? n_ff : buf.list[(int64_t) n_list*part/nth]; };
    const int i0 = n_list == 0 ? n_ff*ith/nth       : begin(ith);
    const int i1 = n_list == 0 ? n_ff*(ith + 1)/nth : begin(ith + 1);
    for (int t = 0; t < in.n_token; t++) {
        memset(row_of(dst, t)    + i0, 0, (i1 - i0)*sizeof(float));
        memset(row_of(dst, t, 1) + i0, 0, (i1 - i0)*sizeof(float));
    }
    const int k1 = (int) (n_list*(int64_t) (ith + 1)/nth);
    for (int k = (int) (n_list*(int64_t) ith/nth); k < k1; k++) {
        const int i = buf.list[k];
        prefetch(gate.scales(buf.list[std::min(k + ROWS_AHEAD, k1 - 1)]), gate.base_size); // hardware does not follow reads with gaps
        const float bias = self.gate_b.empty() ? 0.0f : self.gate_b[i];
        int n = 0;
        for (int t = 0; t < in.n_token; t++) {
            buf.tokens[n] = t;
            n += wants(t, i);
        }
        self.product(gate, i, in, buf.tokens.data(), n, buf.product.data());
        for (int j = 0; j < n; j++) {
            row_of(dst, buf.tokens[j], 1)[i] = buf.product[j] + bias;
        }
    }
    for (int t = 0; t < in.n_token; t++) {
        self.kernels->activate(kind, row_of(dst, t, 1) + i0, row_of(up, t) + i0, row_of(dst, t) + i0, i1 - i0);
    }
}

// Columns of a group that a token wants, at most 32
struct lacuna_choice_ffn::columns {
    int at; // group*n_token + token
    int n = 0;
    int     index[32];
    bool    full [32];
    const uint8_t * high[32];
};

// The next ones from place `at` on; asks for what the neurons in full need
void lacuna_choice_ffn::find(columns & c, int at, int end, int n_token, const buffers & buf) const {
    const auto & down = layer->down;
    const int group = down.group_size();

    c.n = 0;
    for (; at < end && c.n == 0; at++) {
        const int t = at % n_token, g = at/n_token, i0 = g*group;
        if (g < buf.first[t] || g >= buf.last[t]) {
            continue;
        }
        const float * score = buf.score.data() + (size_t) t*down.n_ff;
        const float * error = buf.error.data() + (size_t) t*down.n_ff;
        for (int i = i0; i < i0 + group; i++) {
            c.index[c.n] = i;
            c.full [c.n] = error[i] >= buf.full[t];
            c.n += score[i] >= buf.limit[t];
        }
        c.at = at;
    }
    for (int k = 0; k < c.n; k++) {
        const int i = c.index[k];
        c.high[k] = down.high(i);
        if (c.full[k]) {
            for (const auto * rows : { &layer->up, layer->gate ? &*layer->gate : nullptr }) {
                if (rows) {
                    prefetch(rows->scales(i), rows->scales_size);
                    prefetch(rows->low(i), rows->rest_size);
                }
            }
            prefetch(down.low(i), down.rest_size);
        }
    }
}

void lacuna_choice_ffn::add(const columns & c, const columns & next, const inputs & in, const ggml_tensor * up, const ggml_tensor * act, int n_token, float * y) const {
    const auto & down = layer->down;
    const int    t    = c.at % n_token;
    const int    g    = c.at/n_token;

    float coef[32];
    float max = 0.0f;
    for (int k = 0; k < c.n; k++) {
        const int i = c.index[k];
        coef[k] = row_of(act, t)[i];
        if (c.full[k]) {
            const float ui = row_of(up, t)[i] + rest(layer->up, i, in, t);
            const float gi = layer->gate ? row_of(act, t, 1)[i] + rest(*layer->gate, i, in, t) : 0.0f;
            kernels->activate(layer->activation, layer->gate ? &gi : nullptr, &ui, coef + k, 1);
        }
        max = std::max(max, std::fabs(coef[k]));
    }
    const float unit = max/127.0f;
    const float inv  = unit > 0.0f ? 1.0f/unit : 0.0f;

    const int most = lacuna_plane_most_columns(std::max(down.type.high, down.type.low));
    for (int k0 = 0; k0 < c.n; k0 += most) {
        const int n = std::min(most, c.n - k0);

        const uint8_t * low[32];
        int8_t high_coef[32], low_coef[32];
        int   n_low  = 0;
        int   sum    = 0;
        float middle = 0.0f;
        for (int k = 0; k < n; k++) {
            const int8_t q = (int8_t) lrintf(coef[k0 + k]*inv);
            high_coef[k] = q;
            sum += q;
            if (c.full[k0 + k]) {
                low[n_low] = down.low(c.index[k0 + k]);
                low_coef[n_low++] = q;
            } else {
                middle += q*down.type.middle();
            }
        }
        kernels->group({ down.type.kind, (int) down.n_padded, down.type.high, down.type.low, down.super(g), down.scales(g),
            n, c.high + k0, high_coef, n_low, low, low_coef, k0 == 0 ? next.n : 0, next.high, unit, middle - (float) sum*down.type.zero, (float) sum }, y);
    }
}

void lacuna_choice_ffn::compute_down(ggml_tensor * dst, int ith, int nth, void * data) {
    auto & self = *(lacuna_choice_ffn *) data;
    static thread_local inputs in;
    static thread_local buffers buf;

    nth = std::min(nth, lacuna_choice_workspace::MAX_THREADS);
    if (ith >= nth) {
        return;
    }
    in.quantize(dst->src[0]);

    const auto & layer = *self.layer;
    const auto & down  = layer.down;
    const int n_ff     = (int) down.n_ff;
    const int n_token  = in.n_token;
    const int n_embd   = (int) down.n_embd;
    const auto * up    = dst->src[1];
    const auto * act   = dst->src[2];

    if (ith == 0) {
        self.tokens.fetch_add(n_token, std::memory_order_relaxed);
    }

    buf.score.resize((size_t) n_token*n_ff);
    buf.error.resize((size_t) n_token*n_ff);
    buf.limit.resize(n_token);
    buf.full .resize(n_token);
    for (int t = 0; t < n_token; t++) {
        float * score = buf.score.data() + (size_t) t*n_ff;
        const float * a = row_of(act, t);
        for (int i = 0; i < n_ff; i++) {
            score[i] = std::fabs(a[i])*self.params.down[i];
        }
        // of what is 0 nothing is read, wherever the limit is
        buf.limit[t] = std::max(limit_of(self.kernels, score, n_ff, self.params.n_down), 1e-38f);
        // of those that are read, the ones in full that would be off most
        float * error = buf.error.data() + (size_t) t*n_ff;
        self.kernels->error({ layer.activation, layer.gate ? row_of(act, t, 1) : nullptr, row_of(up, t), self.params.down.data(), layer.up.error.data(),
            layer.gate ? layer.gate->error.data() : nullptr, down.error.data(), in.size[t] }, error, n_ff);
        for (int i = 0; i < n_ff; i++) {
            error[i] = score[i] >= buf.limit[t] ? error[i] : 0.0f;
        }
        buf.full[t] = self.params.n_full == 0 ? INFINITY : std::max(limit_of(self.kernels, error, n_ff, self.params.n_full), 1e-38f);
    }

    // whole groups of neurons, so that every thread has about as many of a token's columns: sums are the same whatever other tokens there are.
    // list: columns up to each group
    const int group   = down.group_size();
    const int n_group = (int) down.n_group;
    buf.list.resize(n_group + 1);
    buf.first.resize(n_token);
    buf.last .resize(n_token);
    for (int t = 0; t < n_token; t++) {
        buf.list[0] = 0;
        for (int g = 0; g < n_group; g++) {
            buf.list[g + 1] = buf.list[g] + self.kernels->count(buf.score.data() + (size_t) t*n_ff + g*group, group, buf.limit[t]);
        }
        const auto begin = [&](int part) {
            const int at = (int) ((int64_t) buf.list[n_group]*part/nth);
            return part == nth ? n_group : (int) (std::lower_bound(buf.list.begin(), buf.list.end(), at) - buf.list.begin());
        };
        buf.first[t] = begin(ith);
        buf.last [t] = std::max(buf.first[t], begin(ith + 1));
    }
    const int g0 = *std::min_element(buf.first.begin(), buf.first.end());
    const int g1 = *std::max_element(buf.last .begin(), buf.last .end());

    auto & y = self.workspace->partial[ith];
    y.assign((size_t) n_token*down.n_padded, 0.0f);

    columns now, next;
    self.find(next, g0*n_token, g1*n_token, n_token, buf);
    while (next.n > 0) {
        std::swap(now, next);
        self.find(next, now.at + 1, g1*n_token, n_token, buf);
        self.add(now, next, in, up, act, n_token, y.data() + (size_t) (now.at % n_token)*down.n_padded);
    }

    // the last thread adds up, always in the same order
    if (self.finished.fetch_add(1, std::memory_order_acq_rel) == nth - 1) {
        self.finished.store(0, std::memory_order_relaxed);

        for (int t = 0; t < n_token; t++) {
            float * out = row_of(dst, t);
            memcpy(out, self.workspace->partial[0].data() + (size_t) t*down.n_padded, n_embd*sizeof(float));
            for (int i = 1; i < nth; i++) {
                const float * part = self.workspace->partial[i].data() + (size_t) t*down.n_padded;
                for (int j = 0; j < n_embd; j++) {
                    out[j] += part[j];
                }
            }
        }
    }
}
