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

lacuna_choice_workspace::lacuna_choice_workspace(const std::string & name) : asked(name), kernels(find_kernels(name)), partial(MAX_PARTS) {}

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

// rounded to the nearest integer, for |x| < 2^22
static inline int32_t nearest(float x) {
    x += 12582912.0f;
    int32_t bits;
    memcpy(&bits, &x, sizeof(bits));
    return bits - 0x4b400000;
}

// The tokens of a batch in int8, as rows with blocks of 32 and of 16 values need them
struct lacuna_choice_ffn::inputs {
    std::vector<lacuna_plane_input> by_32, by_16; // [n_token], empty if no rows need them
    std::vector<float>              size;         // [n_token] RMS

    // x: [n_embd, n_token]
    void quantize(const ggml_tensor * x, const lacuna_plane_layer & layer) {
        const auto needs = [&](int block) {
            return lacuna_scale_block(layer.up.type.kind) == block || (layer.gate && lacuna_scale_block(layer.gate->type.kind) == block);
        };
        const int     n_token = (int) x->ne[1];
        const int64_t n       = GGML_PAD(x->ne[0], LACUNA_PLANE_UNIT);
        values.assign(n, 0);
        size.assign(n_token, 0.0f);
        blocks_32.reset(by_32, needs(32) ? n_token : 0, n, 32);
        blocks_16.reset(by_16, needs(16) ? n_token : 0, n, 16);

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
                int sums[2] = { 0, 0 };
                for (int j = 0; j < m; j++) {
                    values[i + j] = (int8_t) nearest(row[i + j]*inv);
                    sums[j/16] += values[i + j];
                }
                blocks_32.set(t, i/32, unit, sums[0] + sums[1]);
                blocks_16.set(t, i/16,     unit, sums[0]);
                blocks_16.set(t, i/16 + 1, unit, sums[1]);
            }
            blocks_32.order(t, values);
            blocks_16.order(t, values);
        }
    }

    const lacuna_plane_input * of(const lacuna_plane_rows & rows) const { return rows.type.kind == LACUNA_SCALES_K6 ? by_16.data() : by_32.data(); }

private:
    struct blocks {
        int     n_token = 0, block;
        int64_t n, n_count;
        std::vector<int8_t> q;
        std::vector<float>  d, sum;

        void reset(std::vector<lacuna_plane_input> & views, int n_token, int64_t n, int block) {
            this->n_token = n_token;
            this->n       = n;
            this->block   = block;
            n_count = n/block + LACUNA_RUN_LANES; // the lanes of a short last run are read with what follows
            q  .assign(n_token*n + 64, 0);
            d  .assign(n_token*n_count, 0.0f);
            sum.assign(n_token*n_count, 0.0f);
            views.resize(n_token);
            for (int t = 0; t < n_token; t++) {
                views[t] = { q.data() + t*n, d.data() + t*n_count, sum.data() + t*n_count };
            }
        }
        void set(int t, int64_t b, float unit, int of_values) {
            if (n_token > 0) {
                d  [t*n_count + b] = unit;
                sum[t*n_count + b] = unit*of_values;
            }
        }
        void order(int t, const std::vector<int8_t> & values) {
            if (n_token > 0) {
                lacuna_to_runs(values.data(), n, block, q.data() + t*n);
            }
        }
    };
    std::vector<int8_t> values;
    blocks blocks_32, blocks_16;
};

// One bit for each neuron
struct bit_set {
    std::vector<uint64_t> words;

    explicit bit_set(int n = 0) : words((n + 63)/64) {}

    bool has(int i) const { return words[i/64] >> i % 64 & 1; }

    // of n neurons from i on, which one word holds
    uint32_t part(int i, int n) const { return (uint32_t) (words[i/64] >> i % 64) & (n == 32 ? ~0u : (1u << n) - 1); }

    // those in [i0, i1), in order
    void list(int i0, int i1, std::vector<int32_t> & res) const {
        res.clear();
        for (int k = i0/64; 64*k < i1; k++) {
            for (uint64_t w = words[k]; w; w &= w - 1) {
                const int i = 64*k + __builtin_ctzll(w);
                if (i >= i0 && i < i1) {
                    res.push_back(i);
                }
            }
        }
    }
};

static lacuna_plane_row upper_plane(const lacuna_plane_rows & rows) {
    const auto & type = rows.type;
    return { type.kind, (int) GGML_PAD(rows.n_embd, LACUNA_PLANE_UNIT), type.high, (float) (1 << type.low), type.middle() - type.zero, type.minima,
        rows.scales(0), rows.base_size, rows.high(0), rows.base_size };
}

// what it adds to the other
static lacuna_plane_row lower_plane(const lacuna_plane_rows & rows) {
    const auto & type = rows.type;
    return { type.kind, (int) GGML_PAD(rows.n_embd, LACUNA_PLANE_UNIT), type.low, 1.0f, -type.middle(), false,
        rows.scales(0), rows.base_size, rows.low(0), rows.rest_size };
}

// Columns of a super-block's groups, or of one group, that a token wants
struct lacuna_choice_ffn::columns {
    static constexpr int MAX        = LACUNA_SUPER_BLOCK;
    static constexpr int MAX_GROUPS = LACUNA_SUPER_BLOCK/16;

    // in one list from group to group
    struct plane {
        int n, n_coef;
        const uint8_t * list[MAX + LACUNA_PLANE_AHEAD];
        int8_t          coef[MAX + LACUNA_PLANE_COLUMNS*MAX_GROUPS];

        void clear() { n = n_coef = 0; }
        void add(const uint8_t * column, int8_t c) {
            list[n++]      = column;
            coef[n_coef++] = c;
        }
        void end_group() {
            while (n_coef % LACUNA_PLANE_COLUMNS != 0) {
                coef[n_coef++] = 0;
            }
        }
        // what is asked for after them: of the next, or one of them again
        void follow(const plane & next) {
            const auto & from = next.n > 0 ? next : *this;
            for (int k = 0, most = from.n; k < LACUNA_PLANE_AHEAD && n > 0; k++) {
                list[n + k] = from.list[std::min(k, most - 1)];
            }
        }
    };

    int first; // group
    int token;
    int n;     // groups with a column

    lacuna_plane_group groups[MAX_GROUPS];
    plane              high, low;

    void clear() {
        n = 0;
        high.clear();
        low .clear();
    }
};

// Memory of a thread, kept from one layer to the next
struct lacuna_choice_ffn::buffers {
    std::vector<float>   value; // [n_ff]
    std::vector<float>   error; // [n_ff]
    std::vector<int32_t> list;
    std::vector<bit_set> chosen; // [n_token]
    bit_set              any;

    // of down
    std::vector<bit_set> full;              // [n_token]
    std::vector<float>   act;               // [n_token][n_ff] activations, those in full computed anew
    std::vector<float>   more_up, more_gate; // [n_ff] what the lower planes add
    std::vector<float>   full_up, full_gate, full_act;
    std::vector<uint8_t> work;
    columns              now, next;
};

// bits of floats that are not negative are in the order of the floats
static float float_of(uint32_t bits) {
    float res;
    memcpy(&res, &bits, sizeof(res));
    return res;
}

// A limit that about `wanted` of the values reach: within `close`, or the least one that fewer reach. Values are not negative.
// guess: where to begin, or 0
static float limit_of(const lacuna_plane_kernels * kernels, const float * value, int n, int wanted, int close, uint32_t guess) {
    uint32_t low = 0, high = 0x7f800000; // limits that more, and that fewer reach
    int n_low = n, n_high = 0;
    uint32_t step = 1 << 18; // 3 %
    uint32_t next = guess;
    for (int i = 0; i < 40 && high - low > 1; i++) {
        if (next <= low || next >= high || i > 10) {
            next = low + (high - low)/2;
        }
        const int count = kernels->count(value, n, float_of(next));
        if (std::abs(count - wanted) <= close) {
            return float_of(next);
        }
        (count > wanted ? low   : high)   = next;
        (count > wanted ? n_low : n_high) = count;
        if (low > 0 && high < 0x7f800000) {
            next = low + (uint32_t) ((uint64_t) (high - low)*(n_low - wanted)/(n_low - n_high));
        } else if (guess > 0) {
            next = count > wanted ? next + step : next > step ? next - step : 0;
            step *= 2;
        }
    }
    return float_of(high);
}

// That of a sample is close, and it takes far fewer passes over all from there
static float limit_of(const lacuna_plane_kernels * kernels, const float * value, int n, int wanted) {
    if (wanted >= n) {
        return 0.0f;
    }
    constexpr int EACH = 16;
    uint32_t guess = 0;
    if (n >= 64*EACH) {
        static thread_local std::vector<float> sample;
        sample.resize(n/EACH);
        for (int i = 0; i < n/EACH; i++) {
            sample[i] = value[EACH*i];
        }
        const float limit = limit_of(kernels, sample.data(), n/EACH, wanted/EACH, wanted/EACH/64, 0);
        memcpy(&guess, &limit, sizeof(guess));
    }
    return limit_of(kernels, value, n, wanted, wanted/128, guess);
}

static const float * row_of(const ggml_tensor * t, int64_t i1, int64_t i2 = 0) {
    return (const float *) ((const char *) t->data + i1*t->nb[1] + i2*t->nb[2]);
}

static float * row_of(ggml_tensor * t, int64_t i1, int64_t i2 = 0) { return const_cast<float *>(row_of((const ggml_tensor *) t, i1, i2)); }

// The fewer, the sooner all threads are done; the more, the better they are asked for ahead
static constexpr int ROWS_PER_PIECE   = 256;
static constexpr int NEURONS_PER_PART = 1024;

void lacuna_choice_ffn::compute_up(ggml_tensor * dst, int, int nth, void * data) {
    auto & self = *(lacuna_choice_ffn *) data;
    static thread_local inputs in;
    static thread_local buffers buf;

    const auto & up = self.layer->up;
    const int n_ff    = (int) up.n_ff;
    const int n_token = (int) dst->ne[1];
    in.quantize(dst->src[0], *self.layer);

    buf.list.resize(ROWS_PER_PIECE);
    for (int i0; (i0 = ROWS_PER_PIECE*self.work.take()) < n_ff;) {
        const int i1 = std::min(n_ff, i0 + ROWS_PER_PIECE);
        std::iota(buf.list.begin(), buf.list.end(), i0);
        self.kernels->rows(upper_plane(up), buf.list.data(), i1 - i0, in.of(up), n_token, row_of(dst, 0), dst->nb[1]/sizeof(float));

        for (int t = 0; t < n_token && !self.up_b.empty(); t++) {
            float * u = row_of(dst, t);
            for (int i = i0; i < i1; i++) {
                u[i] += self.up_b[i];
            }
        }
    }
    self.work.leave(nth);
}

void lacuna_choice_ffn::compute_gate(ggml_tensor * dst, int, int nth, void * data) {
    auto & self = *(lacuna_choice_ffn *) data;
    static thread_local inputs in;
    static thread_local buffers buf;

    const int    n_ff    = (int) self.layer->up.n_ff;
    const int    n_token = (int) dst->ne[1];
    const auto * up      = dst->src[1];
    const auto   kind    = self.layer->activation;

    if (!self.layer->gate) {
        for (int i0; (i0 = ROWS_PER_PIECE*self.work.take()) < n_ff;) {
            for (int t = 0; t < n_token; t++) {
                self.kernels->activate(kind, nullptr, row_of(up, t) + i0, row_of(dst, t) + i0, std::min(n_ff - i0, ROWS_PER_PIECE));
            }
        }
        self.work.leave(nth);
        return;
    }
    in.quantize(dst->src[0], *self.layer);
    const auto & gate = *self.layer->gate;

    // neurons that any of the tokens wants; every thread finds them itself
    buf.value.resize(n_ff);
    buf.chosen.assign(n_token, bit_set(n_ff));
    buf.any = bit_set(n_ff);
    for (int t = 0; t < n_token; t++) {
        self.kernels->score(row_of(up, t), self.params.gate.data(), buf.value.data(), n_ff);
        self.kernels->reach(buf.value.data(), n_ff, limit_of(self.kernels, buf.value.data(), n_ff, self.params.n_gate), buf.chosen[t].words.data());
        for (size_t k = 0; k < buf.any.words.size(); k++) {
            buf.any.words[k] |= buf.chosen[t].words[k];
        }
    }
    for (int i0; (i0 = ROWS_PER_PIECE*self.work.take()) < n_ff;) {
        const int n = std::min(n_ff - i0, ROWS_PER_PIECE);
        for (int t = 0; t < n_token; t++) {
            memset(row_of(dst, t, 1) + i0, 0, n*sizeof(float));
        }
        buf.any.list(i0, i0 + n, buf.list);
        self.kernels->rows(upper_plane(gate), buf.list.data(), (int) buf.list.size(), in.of(gate), n_token, row_of(dst, 0, 1), dst->nb[1]/sizeof(float));

        for (int t = 0; t < n_token; t++) {
            float * g = row_of(dst, t, 1);
            for (const int i : buf.list) {
                g[i] = buf.chosen[t].has(i) ? g[i] + (self.gate_b.empty() ? 0.0f : self.gate_b[i]) : 0.0f;
            }
            self.kernels->activate(kind, g + i0, row_of(up, t) + i0, row_of(dst, t) + i0, n);
        }
    }
    self.work.leave(nth);
}

void lacuna_choice_ffn::find(columns & c, int first, int last, int token, const buffers & buf) const {
    const auto & down  = layer->down;
    const int    group = down.group_size();

    c.clear();
    c.first = first;
    c.token = token;
    for (int g = first; g < last; g++) {
        const int      i0     = g*group;
        const float *  act    = buf.act.data() + (size_t) token*down.n_ff + i0;
        const uint32_t chosen = buf.chosen[token].part(i0, group), full = buf.full[token].part(i0, group);
        if (chosen == 0) {
            continue;
        }
        float max = 0.0f;
        for (uint32_t w = chosen; w; w &= w - 1) {
            max = std::max(max, std::fabs(act[__builtin_ctz(w)]));
        }
        const float unit = max/127.0f;
        const float inv  = unit > 0.0f ? 1.0f/unit : 0.0f;

        auto & res = c.groups[c.n++];
        res.scales    = down.scales(g);
        res.n_high    = __builtin_popcount(chosen);
        res.high      = c.high.list + c.high.n;
        res.high_coef = c.high.coef + c.high.n_coef;
        res.n_low     = __builtin_popcount(full);
        res.low       = c.low.list + c.low.n;
        res.low_coef  = c.low.coef + c.low.n_coef;

        int sum = 0, whole = 0;
        for (uint32_t w = chosen; w; w &= w - 1) {
            const int j = __builtin_ctz(w);
            const int q = nearest(act[j]*inv);
            c.high.add(down.high(i0 + j), (int8_t) q);
            sum += q;
            if (full >> j & 1) {
                c.low.add(down.low(i0 + j), (int8_t) q);
                whole += q;
            }
        }
        c.high.end_group();
        c.low .end_group();
        res.unit = unit;
        res.sum  = (float) sum;
        res.code = (float) (sum - whole)*down.type.middle() - (float) sum*down.type.zero;
    }
}

void lacuna_choice_ffn::add(columns & c, const columns & next, void * work, float * y) const {
    const auto & down = layer->down;

    c.high.follow(next.high);
    c.low .follow(next.low);
    kernels->groups({ down.type.kind, (int) down.n_padded, down.type.high, down.type.low, down.super(c.first), c.n, c.groups,
        next.n > 0 ? next.groups[0].scales : nullptr, work }, y + (size_t) c.token*down.n_padded);
}

// Activations of the neurons that are read in full
void lacuna_choice_ffn::compute_full(const inputs & in, const ggml_tensor * up, const ggml_tensor * act, int t, int i0, int i1, buffers & buf) const {
    const int n_ff = (int) layer->down.n_ff;

    buf.full[t].list(i0, i1, buf.list);
    const int n = (int) buf.list.size();
    for (auto * v : { &buf.more_up, &buf.more_gate }) {
        v->resize(n_ff);
    }
    for (auto * v : { &buf.full_up, &buf.full_gate, &buf.full_act }) {
        v->resize(n);
    }
    kernels->rows(lower_plane(layer->up), buf.list.data(), n, in.of(layer->up) + t, 1, buf.more_up.data(), 0);
    if (layer->gate) {
        kernels->rows(lower_plane(*layer->gate), buf.list.data(), n, in.of(*layer->gate) + t, 1, buf.more_gate.data(), 0);
    }
    for (int k = 0; k < n; k++) {
        const int i = buf.list[k];
        buf.full_up[k] = row_of(up, t)[i] + buf.more_up[i];
        if (layer->gate) {
            buf.full_gate[k] = row_of(act, t, 1)[i] + buf.more_gate[i];
        }
    }
    kernels->activate(layer->activation, layer->gate ? buf.full_gate.data() : nullptr, buf.full_up.data(), buf.full_act.data(), n);

    float * to = buf.act.data() + (size_t) t*n_ff;
    memcpy(to + i0, row_of(act, t) + i0, (i1 - i0)*sizeof(float));
    for (int k = 0; k < n; k++) {
        to[buf.list[k]] = buf.full_act[k];
    }
}

void lacuna_choice_ffn::compute_down(ggml_tensor * dst, int ith, int nth, void * data) {
    auto & self = *(lacuna_choice_ffn *) data;
    static thread_local inputs in;
    static thread_local buffers buf;

    in.quantize(dst->src[0], *self.layer);

    const auto & layer = *self.layer;
    const auto & down  = layer.down;
    const int n_ff     = (int) down.n_ff;
    const int n_token  = (int) dst->ne[1];
    const int n_embd   = (int) down.n_embd;
    const auto * up    = dst->src[1];
    const auto * act   = dst->src[2];

    if (ith == 0) {
        self.tokens.fetch_add(n_token, std::memory_order_relaxed);
    }

    buf.value.resize(n_ff);
    buf.error.resize(n_ff);
    buf.chosen.assign(n_token, bit_set(n_ff));
    buf.full  .assign(n_token, bit_set(n_ff));
    for (int t = 0; t < n_token; t++) {
        auto & chosen = buf.chosen[t];

        // of what is 0 nothing is read, wherever the limit is
        self.kernels->score(row_of(act, t), self.params.down.data(), buf.value.data(), n_ff);
        self.kernels->reach(buf.value.data(), n_ff, std::max(limit_of(self.kernels, buf.value.data(), n_ff, self.params.n_down), 1e-38f), chosen.words.data());

        // of those that are read, the ones in full that would be off most
        if (self.params.n_full > 0) {
            self.kernels->error({ layer.activation, layer.gate ? row_of(act, t, 1) : nullptr, row_of(up, t), self.params.down.data(), layer.up.error.data(),
                layer.gate ? layer.gate->error.data() : nullptr, down.error.data(), in.size[t], chosen.words.data() }, buf.error.data(), n_ff);
            self.kernels->reach(buf.error.data(), n_ff, std::max(limit_of(self.kernels, buf.error.data(), n_ff, self.params.n_full), 1e-38f),
                buf.full[t].words.data());
        }
    }

    // whole super-blocks, or groups where there are none: sums are the same whatever other tokens there are
    const int group   = down.group_size();
    const int at_once = lacuna_has_super_blocks(down.type.kind) ? LACUNA_SUPER_BLOCK/group : 1; // groups
    const int n_unit  = (int) down.n_group/at_once;
    const int n_part  = std::max(1, std::min(n_ff/NEURONS_PER_PART, lacuna_choice_workspace::MAX_PARTS));

    buf.act.resize((size_t) n_token*n_ff);
    buf.work.resize(lacuna_plane_work_size((int) down.n_padded));
    for (int part; (part = self.work.take()) < n_part;) {
        int g = n_unit*part/n_part*at_once, t = 0;
        const int end = n_unit*(part + 1)/n_part*at_once;
        for (int i = 0; i < n_token; i++) {
            self.compute_full(in, up, act, i, g*group, end*group, buf);
        }

        auto & y = self.workspace->partial[part];
        y.assign((size_t) n_token*down.n_padded, 0.0f);

        // a token after the other with the same columns, which are near then
        const auto find_next = [&](columns & c) {
            c.clear();
            for (; g < end && c.n == 0; t + 1 < n_token ? t++ : (t = 0, g += at_once)) {
                self.find(c, g, g + at_once, t, buf);
            }
        };
        columns * now = &buf.now, * next = &buf.next;
        for (find_next(*now); now->n > 0; std::swap(now, next)) {
            find_next(*next);
            self.add(*now, *next, buf.work.data(), y.data());
        }
    }

    // the last thread adds up, always in the same order
    if (self.work.leave(nth)) {
        for (int t = 0; t < n_token; t++) {
            float * out = row_of(dst, t);
            memcpy(out, self.workspace->partial[0].data() + (size_t) t*down.n_padded, n_embd*sizeof(float));
            for (int i = 1; i < n_part; i++) {
                const float * part = self.workspace->partial[i].data() + (size_t) t*down.n_padded;
                for (int j = 0; j < n_embd; j++) {
                    out[j] += part[j];
                }
            }
        }
    }
}
