// Holds the FFN in planes against sums in float64, stage by stage: all types, kernels of this processor, sizes, batches, threads.
// Random cases, the same in every run; an argument limits their number. Exits with 0 if all is well.

#include "lacuna-choice.h"

#include "ggml-cpu.h"
#include "ggml-impl.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <thread>

static std::mt19937 engine(1);

static int    below(int n)   { return (int) (engine() % (unsigned) n); }
static float  normal()       { return std::normal_distribution<float>()(engine); }

// an activation function, and its derivative
static double activated(lacuna_activation a, double x) {
    return a == LACUNA_SILU ? x/(1.0 + std::exp(-x)) : 0.5*x*(1.0 + std::tanh(std::sqrt(2.0/M_PI)*(x + 0.044715*x*x*x)));
}
static double slope(lacuna_activation a, double x) {
    const double h = 1e-4;
    return (activated(a, x + h) - activated(a, x - h))/(2.0*h);
}

template <typename T, size_t N> static T one_of(const T (&list)[N]) { return list[below(N)]; }

static std::vector<float> normals(size_t n, float std) {
    std::vector<float> res(n);
    for (auto & v : res) {
        v = std*normal();
    }
    return res;
}

struct test_case {
    ggml_type    up, gate, down;
    const char * kernels;
    int  n_embd, n_ff, n_token, n_thread;
    int  n_gate, n_down, n_full;
    bool bias, has_gate;
    lacuna_activation activation;

    std::string name() const {
        return std::string(ggml_type_name(up)) + ", " + ggml_type_name(gate) + " and " + ggml_type_name(down) + ", " + kernels + ", n_embd " + std::to_string(n_embd) +
            ", n_ff " + std::to_string(n_ff) + " of which " + std::to_string(n_gate) + ", " + std::to_string(n_down) + ", " + std::to_string(n_full) + "; " +
            std::to_string(n_token) + " tokens, " + std::to_string(n_thread) + " threads" + (bias ? ", bias" : "") + (has_gate ? "" : ", no gate") + (activation == LACUNA_GELU ? ", GELU" : "");
    }
};

// Runs an operation as ggml does: every thread calls it once
static void compute(ggml_tensor * dst, int n_thread) {
    ggml_custom_op_params params;
    memcpy(&params, dst->op_params, sizeof(params));

    std::vector<std::thread> threads;
    for (int i = 0; i < n_thread; i++) {
        threads.emplace_back([=] { params.fun(dst, i, n_thread, params.userdata); });
    }
    for (auto & thread : threads) {
        thread.join();
    }
}

// Values of a matrix as ggml reads the file, and with the lower plane unknown
struct matrix {
    ggml_tensor * t;
    std::vector<float> full, base; // [ne1][ne0]

    matrix(ggml_context * ctx, ggml_type type, int ne0, int ne1) : t(ggml_new_tensor_2d(ctx, type, ne0, ne1)), full((size_t) ne0*ne1), base(full.size()) {
        const auto values = normals(full.size(), 1.0f/std::sqrt((float) ne0));
        ggml_quantize_chunk(type, values.data(), t->data, 0, ne1, ne0, nullptr);
        ggml_get_type_traits(type)->to_float(t->data, full.data(), full.size());

        // a code and the next differ by the scale: found from the values of the same file with other codes
        const auto plane = *lacuna_plane_type_of(type);
        const int  mask  = (1 << plane.low) - 1;
        std::vector<uint8_t> low((const uint8_t *) t->data, (const uint8_t *) t->data + ggml_nbytes(t)), high(low);
        set_low_bits(type, low.data(),  0);
        set_low_bits(type, high.data(), mask);
        std::vector<float> a(full.size()), b(full.size());
        ggml_get_type_traits(type)->to_float(low .data(), a.data(), a.size());
        ggml_get_type_traits(type)->to_float(high.data(), b.data(), b.size());
        for (size_t i = 0; i < base.size(); i++) {
            base[i] = (a[i] + b[i])/2;
        }
    }

    // of all codes
    void set_low_bits(ggml_type type, uint8_t * p, int value) const {
        const size_t n = ggml_nbytes(t), size = ggml_type_size(type);
        const auto nibbles = [&](uint8_t * q, size_t count, int bits) {
            const uint8_t keep = 0xff & ~(((1 << bits) - 1)*0x11);
            for (size_t i = 0; i < count; i++) {
                q[i] = (q[i] & keep) | (value & ((1 << bits) - 1))*0x11;
            }
        };
        for (size_t at = 0; at < n; at += size) {
            switch (type) {
                case GGML_TYPE_Q4_0: nibbles(p + at + 2,  16,  1); break;
                case GGML_TYPE_Q4_1: nibbles(p + at + 4,  16,  1); break;
                case GGML_TYPE_Q5_0: nibbles(p + at + 6,  16,  2); break;
                case GGML_TYPE_Q5_1: nibbles(p + at + 8,  16,  2); break;
                case GGML_TYPE_Q4_K: nibbles(p + at + 16, 128, 1); break;
                case GGML_TYPE_Q5_K: nibbles(p + at + 48, 128, 2); break;
                case GGML_TYPE_Q6_K: nibbles(p + at,      128, 2); break;
                default: // Q8_0: a code is the value and 128
                    for (int i = 0; i < 32; i++) {
                        uint8_t & q = p[at + 2 + i];
                        q = (((q + 128) & 0xf0) | value) - 128;
                    }
                    break;
            }
        }
    }
};

// of which each block of 32 is a multiple of its largest value over 127
static std::vector<double> in_int8(const float * x, int n, int block) {
    std::vector<double> res(n);
    for (int i = 0; i < n; i += block) {
        float max = 0.0f;
        for (int j = i; j < std::min(n, i + block); j++) {
            max = std::max(max, std::fabs(x[j]));
        }
        const float unit = max/127.0f;
        for (int j = i; j < std::min(n, i + block); j++) {
            res[j] = unit > 0.0f ? (double) unit*lrintf(x[j]*(1.0f/unit)) : 0.0;
        }
    }
    return res;
}

static double dot(const float * w, const std::vector<double> & x) {
    double sum = 0.0;
    for (size_t i = 0; i < x.size(); i++) {
        sum += (double) w[i]*x[i];
    }
    return sum;
}

// of those with a score, about the n with the largest ones
static std::string wrong_choice(const std::vector<double> & score, const std::vector<bool> & chosen, const std::vector<bool> & unknown, int n) {
    double least = INFINITY, most = 0.0;
    int count = 0;
    for (size_t i = 0; i < score.size(); i++) {
        if (unknown[i]) {
            continue;
        }
        count += chosen[i];
        (chosen[i] ? least : most) = chosen[i] ? std::min(least, score[i]) : std::max(most, score[i]);
    }
    if (count > 0 && least < most*(1 - 1e-6)) {
        return "one with a score of " + std::to_string(least) + " and not one with " + std::to_string(most);
    }
    return std::abs(count - n) > n/128 + 1 ? std::to_string(count) + " neurons instead of " + std::to_string(n) : "";
}

// Empty, or what is wrong
static std::string run(const test_case & c) {
    ggml_init_params init = { /*.mem_size =*/ 256u << 20, /*.mem_buffer =*/ nullptr, /*.no_alloc =*/ false };
    ggml_context * ctx = ggml_init(init);
    const std::shared_ptr<ggml_context> guard(ctx, ggml_free);

    const matrix up(ctx, c.up, c.n_embd, c.n_ff), gate(ctx, c.gate, c.n_embd, c.n_ff), down(ctx, c.down, c.n_ff, c.n_embd);
    // gate and up may be halves of one tensor
    const bool fused = c.up == c.gate && c.n_ff % 3 == 0;
    ggml_tensor * both = fused ? ggml_new_tensor_2d(ctx, c.up, c.n_embd, 2*c.n_ff) : nullptr;
    if (fused) {
        memcpy(both->data, gate.t->data, ggml_nbytes(gate.t));
        memcpy((char *) both->data + ggml_nbytes(gate.t), up.t->data, ggml_nbytes(up.t));
    }
    const auto rows_of = [&](const matrix & m, int64_t first) { return fused ? lacuna_rows { both, first, c.n_ff } : lacuna_rows { m.t, 0, c.n_ff }; };

    lacuna_plane_memory memory;
    const auto layer = std::make_shared<lacuna_plane_layer>(
        c.activation, rows_of(up, c.n_ff), c.has_gate ? rows_of(gate, 0) : lacuna_rows { nullptr, 0, 0 }, down.t, memory, c.n_thread);

    // both planes are the file's own values, bit for bit
    std::vector<float> row(std::max(c.n_embd, c.n_ff));
    for (int i = 0; i < c.n_ff; i++) {
        for (const auto & [rows, w] : { std::make_pair(&layer->up, &up), std::make_pair(layer->gate ? &*layer->gate : &layer->up, layer->gate ? &gate : &up) }) {
            rows->to_float(i, row.data());
            if (memcmp(row.data(), w->full.data() + (size_t) i*c.n_embd, c.n_embd*sizeof(float)) != 0) {
                return "row " + std::to_string(i) + " is not the file's";
            }
        }
        layer->down.to_float(i, row.data());
        for (int r = 0; r < c.n_embd; r++) {
            if (memcmp(&row[r], &down.full[(size_t) r*c.n_ff + i], sizeof(float)) != 0) {
                return "column " + std::to_string(i) + " is not the file's";
            }
        }
    }

    lacuna_choice_params params;
    params.gate = normals(c.n_ff, 1.0f);
    params.down = normals(c.n_ff, 1.0f);
    for (auto * w : { &params.gate, &params.down }) {
        std::transform(w->begin(), w->end(), w->begin(), [](float v) { return std::fabs(v); });
    }
    params.n_gate = c.n_gate;
    params.n_down = c.n_down;
    params.n_full = c.n_full;

    const auto up_b   = c.bias ? normals(c.n_ff, 0.5f) : std::vector<float>();
    const auto gate_b = c.bias ? normals(c.n_ff, 0.5f) : std::vector<float>();
    lacuna_choice_ffn ffn(std::make_shared<lacuna_choice_workspace>(c.kernels), layer, up_b, gate_b);
    ffn.set(params);

    ggml_tensor * x = ggml_new_tensor_2d(ctx, GGML_TYPE_F32, c.n_embd, c.n_token);
    const auto values = normals((size_t) c.n_embd*c.n_token, 1.0f);
    memcpy(x->data, values.data(), ggml_nbytes(x));

    ggml_tensor * y   = ffn.build(ctx, x);
    ggml_tensor * act = y->src[2];
    ggml_tensor * u   = act->src[1];
    for (ggml_tensor * t : { u, act, y }) {
        memset(t->data, 0xff, ggml_nbytes(t));
        compute(t, c.n_thread);
    }

    const auto differs = [](double a, double b, double size) { return !(std::fabs(a - b) <= 1e-5*size + 1e-30); };
    const auto at = [](const ggml_tensor * t, int i, int token, int part = 0) { return (double) ((const float *) t->data)[i + t->ne[0]*(token + t->ne[1]*part)]; };

    // neurons that any of the tokens of a batch wants are computed for those alone that want them
    const int group = layer->down.group_size();
    for (int t = 0; t < c.n_token; t++) {
        const auto xq = in_int8(values.data() + (size_t) t*c.n_embd, c.n_embd, 32);
        double norm = 0.0;
        for (const double v : xq) {
            norm += v*v;
        }
        norm = std::sqrt(norm);

        double size = 0.0;
        for (int i = 0; i < c.n_embd; i++) {
            size += (double) values[(size_t) t*c.n_embd + i]*values[(size_t) t*c.n_embd + i]/c.n_embd;
        }
        std::vector<double> score(c.n_ff), full_act(c.n_ff), a(c.n_ff), error(c.n_ff);
        std::vector<bool>   chosen(c.n_ff), unknown(c.n_ff);
        for (int i = 0; i < c.n_ff; i++) {
            const double want = dot(up.base.data() + (size_t) i*c.n_embd, xq) + (c.bias ? up_b[i] : 0.0f);
            if (differs(at(u, i, t), want, norm)) {
                return "up of neuron " + std::to_string(i) + " is " + std::to_string(at(u, i, t)) + " instead of " + std::to_string(want);
            }
            score[i]  = std::fabs(at(u, i, t))*params.gate[i];
            chosen[i]  = !c.has_gate || at(act, i, t, 1) != 0.0;
            unknown[i] = !chosen[i] && !differs(0.0, dot(gate.base.data() + (size_t) i*c.n_embd, xq) + (c.bias ? gate_b[i] : 0.0f), norm); // 0 where it is read, too
        }
        const auto wrong = c.has_gate ? wrong_choice(score, chosen, unknown, c.n_gate) : "";
        if (!wrong.empty()) {
            return "gates: " + wrong;
        }
        for (int i = 0; i < c.n_ff; i++) {
            const double g = dot(gate.base.data() + (size_t) i*c.n_embd, xq) + (c.bias ? gate_b[i] : 0.0f);
            a[i] = at(act, i, t);
            const double gate_part = c.has_gate ? at(act, i, t, 1) : at(u, i, t), up_part = c.has_gate ? at(u, i, t) : 1.0;
            if (chosen[i] && ((c.has_gate && differs(gate_part, g, norm)) || differs(a[i], activated(c.activation, gate_part)*up_part, std::fabs(a[i]) + 1e-3))) {
                return "the activation of neuron " + std::to_string(i) + " is wrong";
            }
            if (!chosen[i] && a[i] != 0.0) {
                return "neuron " + std::to_string(i) + " is active, though its gate was not read";
            }
            score[i] = std::fabs(a[i])*params.down[i];
            {
                // what an error of the parts does to the output, by derivatives
                const double ag = activated(c.activation, gate_part), sg = slope(c.activation, gate_part);
                double eu = 0.0, eg = 0.0, ed = 0.0, norm2 = 0.0;
                for (int j = 0; j < c.n_embd; j++) {
                    eu += std::pow((double) up  .full[(size_t) i*c.n_embd + j] - up  .base[(size_t) i*c.n_embd + j], 2);
                    eg += std::pow((double) gate.full[(size_t) i*c.n_embd + j] - gate.base[(size_t) i*c.n_embd + j], 2);
                    ed += std::pow((double) down.full[(size_t) j*c.n_ff + i] - down.base[(size_t) j*c.n_ff + i], 2);
                    norm2 += std::pow((double) down.full[(size_t) j*c.n_ff + i], 2);
                }
                const double by_parts = c.has_gate ? std::pow(ag, 2)*eu + std::pow(up_part*sg, 2)*eg : std::pow(sg, 2)*eu;
                error[i] = std::pow(params.down[i], 2)*(size*by_parts + std::pow(ag*up_part, 2)*(norm2 > 0.0 ? ed/norm2 : 0.0));
            }
            const double uf = dot(up  .full.data() + (size_t) i*c.n_embd, xq) + (c.bias ? up_b[i]   : 0.0f);
            const double gf = dot(gate.full.data() + (size_t) i*c.n_embd, xq) + (c.bias ? gate_b[i] : 0.0f);
            full_act[i] = c.has_gate ? activated(c.activation, gf)*uf : activated(c.activation, uf);
        }

        // limits that reach about as many neurons as asked for decide on a few of them: try all that may be meant
        const auto ranked = [&] {
            auto sorted = score;
            std::sort(sorted.begin(), sorted.end(), std::greater<>());
            return sorted;
        }();
        const auto sum_for = [&](int n_down, int n_full) {
            std::vector<double> out(c.n_embd, 0.0);
            const double least = n_down > 0 ? ranked[n_down - 1] : INFINITY;
            auto off = error;
            for (int i = 0; i < c.n_ff; i++) {
                off[i] = score[i] >= least ? off[i] : 0.0;
            }
            auto worst = off;
            std::sort(worst.begin(), worst.end(), std::greater<>());
            const double least_full = n_full > 0 ? std::max(worst[n_full - 1], 1e-38) : INFINITY;
            for (int g = 0; g < c.n_ff/group; g++) {
                std::vector<float> coef(group, 0.0f);
                for (int i = 0; i < group; i++) {
                    const int n = g*group + i;
                    coef[i] = score[n] > 0.0 && score[n] >= least ? (float) (off[n] >= least_full ? full_act[n] : a[n]) : 0.0f;
                }
                const auto q = in_int8(coef.data(), group, group);
                for (int i = 0; i < group; i++) {
                    const int n = g*group + i;
                    const auto & w = off[n] >= least_full ? down.full : down.base;
                    for (int r = 0; r < c.n_embd && q[i] != 0.0; r++) {
                        out[r] += q[i]*w[(size_t) r*c.n_ff + n];
                    }
                }
            }
            return out;
        };
        const auto range = [&](int n) { return std::make_pair(std::max(n == 0 ? 0 : 1, n - n/128), std::min((int) ranked.size(), n + n/128)); };
        const auto [d0, d1] = range(c.n_down);
        const auto [f0, f1] = range(c.n_full);
        double best = INFINITY;
        for (int d = d0; d <= d1; d++) {
            for (int f = f0; f <= f1; f++) {
                const auto out = sum_for(d, f);
                double worst = 0.0, size = 1e-30;
                for (int r = 0; r < c.n_embd; r++) {
                    worst = std::max(worst, std::fabs(out[r] - at(y, r, t)));
                    size  = std::max(size, std::fabs(out[r]));
                }
                best = std::min(best, worst/size);
            }
        }
        // a rounded activation may differ by one unit where two sums of floats differ in their last bit
        if (!(best < (c.n_full > 0 ? 4e-3 : 1e-4))) {
            return "down is off by " + std::to_string(best);
        }
    }
    return ffn.n_tokens() == (uint64_t) c.n_token ? "" : "tokens are miscounted";
}

int main(int argc, char ** argv) {
    const int limit = argc > 1 ? atoi(argv[1]) : 400;

    const ggml_type types[] = { GGML_TYPE_Q4_0, GGML_TYPE_Q4_1, GGML_TYPE_Q5_0, GGML_TYPE_Q5_1, GGML_TYPE_Q8_0, GGML_TYPE_Q4_K, GGML_TYPE_Q5_K, GGML_TYPE_Q6_K };
    constexpr int n_type = sizeof(types)/sizeof(types[0]);

    int n = 0, failed = 0;
    for (; n < limit; n++) {
        test_case c;
        c.up   = types[n % n_type];
        c.gate = n % 4 == 0 ? one_of(types) : c.up;
        c.down = types[n/n_type % n_type];

        int n_kernels = 0;
        while (lacuna_plane_all_kernels()[n_kernels]) {
            n_kernels++;
        }
        do {
            c.kernels = lacuna_plane_all_kernels()[below(n_kernels)]->name;
        } while (![&] { for (auto * k = lacuna_plane_all_kernels(); *k; k++) { if ((*k)->name == c.kernels) { return (*k)->supported(); } } return false; }());

        const bool k_rows = c.up > GGML_TYPE_Q8_0 || c.gate > GGML_TYPE_Q8_0;
        c.n_embd   = k_rows ? 256*(1 + below(3)) : 32*(1 + below(20));
        c.n_ff     = c.down > GGML_TYPE_Q8_0 ? 256*(1 + below(3)) : 32*(1 + below(20));
        c.n_token  = one_of({ 1, 1, 1, 2, 3, 9 });
        c.n_thread = one_of({ 1, 2, 3, 8 });
        c.n_gate   = 1 + below(c.n_ff);
        c.n_down   = 1 + below(c.n_gate);
        c.n_full   = one_of({ 0, below(c.n_down + 1), c.n_down });
        if (n % 10 == 0) {
            c.n_gate = c.n_down = c.n_full = c.n_ff;
        }
        c.bias = below(4) == 0;
        c.has_gate   = below(4) > 0;
        c.activation = below(2) == 0 ? LACUNA_SILU : LACUNA_GELU;

        const auto wrong = run(c);
        if (!wrong.empty()) {
            failed++;
            printf("%s: %s\n", c.name().c_str(), wrong.c_str());
        }
    }
    printf("%d cases, %d failed\n", n, failed);
    return failed > 0;
}
