// Holds the second level's operation against sums in float64: all types, sizes that are multiples of nothing, all kernels of this
// processor, batches, threads. Random cases, the same in every run; an argument limits their number. Exits with 0 if all is well.

#include "lacuna-sparse.h"

#include "ggml-cpu.h"
#include "ggml-impl.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <random>
#include <thread>

static std::mt19937 engine(1);

static int    below(int n)  { return (int) (engine() % (unsigned) n); }
static float  normal()      { return std::normal_distribution<float>()(engine); }
static double silu(double x) { return x/(1.0 + std::exp(-x)); }

template <typename T, size_t N> static T one_of(const T (&list)[N]) { return list[below(N)]; }

static std::vector<float> normals(size_t n, float std) {
    std::vector<float> res(n);
    for (auto & v : res) {
        v = std*normal();
    }
    return res;
}

// Exactly as large as it has to be, so that a sanitizer sees every byte beyond
struct aligned_bytes {
    explicit aligned_bytes(size_t size) : data((uint8_t *) ::operator new(size, std::align_val_t(64))) { memset(data, 0, size); }
    ~aligned_bytes() { ::operator delete(data, std::align_val_t(64)); }
    aligned_bytes(const aligned_bytes &) = delete;

    uint8_t * data;
};

static std::vector<double> decoded(ggml_type type, const void * data, int n) {
    std::vector<double> res(n);
    if (type == GGML_TYPE_Q8_K) { // float d, int8 q[256], int16 sums[16]; ggml does not decode it
        for (int i = 0; i < n; i++) {
            const auto * block = (const uint8_t *) data + i/256*292;
            float d;
            memcpy(&d, block, sizeof(d));
            res[i] = (double) d*(int8_t) block[4 + i%256];
        }
        return res;
    }
    std::vector<float> values(n);
    if (type == GGML_TYPE_F32) {
        memcpy(values.data(), data, n*sizeof(float));
    } else {
        ggml_get_type_traits(type)->to_float(data, values.data(), n);
    }
    std::copy(values.begin(), values.end(), res.begin());
    return res;
}

struct test_case {
    ggml_type    up;
    ggml_type    down;
    const char * kernels;
    int  n_embd, n_row, n_tokens, n_threads;
    int  pad; // of a row of gate
    bool weights, bias;

    std::string name() const {
        return std::string(ggml_type_name(up)) + " and " + ggml_type_name(down) + ", " + kernels + ", n_embd " + std::to_string(n_embd) + ", " +
            std::to_string(n_row) + " rows, " + std::to_string(n_tokens) + " tokens, " + std::to_string(n_threads) + " threads" +
            (weights ? ", weights" : "") + (bias ? ", bias" : "");
    }
};

// The middle of the widest gap between values near `about`: rounding must not decide which neurons are active
static float widest_gap(std::vector<double> values, double about) {
    values.push_back(0.75*about);
    values.push_back(1.25*about);
    std::sort(values.begin(), values.end());
    double middle = about, widest = 0.0;
    for (size_t i = 1; i < values.size(); i++) {
        if (values[i - 1] >= 0.75*about && values[i] <= 1.25*about && values[i] - values[i - 1] > widest) {
            widest = values[i] - values[i - 1];
            middle = (values[i] + values[i - 1])/2;
        }
    }
    return (float) middle;
}

// Runs the operation as ggml does: every thread calls it once
static void compute(ggml_tensor * dst, int n_threads) {
    ggml_custom_op_params params;
    memcpy(&params, dst->op_params, sizeof(params));

    std::vector<std::thread> threads;
    for (int i = 0; i < n_threads; i++) {
        threads.emplace_back([=] { params.fun(dst, i, n_threads, params.userdata); });
    }
    for (auto & thread : threads) {
        thread.join();
    }
}

// Empty, or what is wrong
static std::string run(const test_case & c) {
    const lacuna_sparse_layout layout(c.up, c.down, c.n_embd);
    const auto stored_as = c.n_embd % ggml_blck_size(c.down) == 0 ? c.down : GGML_TYPE_F16;
    const auto input_as  = ggml_get_type_traits_cpu(c.up)->vec_dot_type;

    // weights
    aligned_bytes records(c.n_row*layout.record_size);
    std::vector<std::vector<double>> up, down;
    for (int r = 0; r < c.n_row; r++) {
        uint8_t * record = records.data + r*layout.record_size;

        const auto row = normals(c.n_embd, 1.0f/std::sqrt((float) c.n_embd));
        ggml_quantize_chunk(c.up, row.data(), record + layout.up_offset, 0, 1, c.n_embd, nullptr);
        up.push_back(decoded(c.up, record + layout.up_offset, c.n_embd));

        auto column = normals(c.n_embd, 1.0f);
        std::vector<uint8_t> encoded(ggml_row_size(stored_as, c.n_embd));
        if (ggml_is_quantized(stored_as)) {
            ggml_get_type_traits(stored_as)->from_float_ref(column.data(), encoded.data(), c.n_embd);
        } else {
            ggml_quantize_chunk(stored_as, column.data(), encoded.data(), 0, 1, c.n_embd, nullptr);
        }
        down.push_back(decoded(stored_as, encoded.data(), c.n_embd));
        column.resize(GGML_PAD(c.n_embd, 32));
        for (int i = 0; i < c.n_embd; i += 32) {
            lacuna_sparse_write_down(layout, record, i, column.data() + i);
        }
    }

    // inputs
    const int stride = c.n_row + c.pad;
    auto x    = normals((size_t) c.n_tokens*c.n_embd, 1.0f);
    auto gate = normals((size_t) (c.n_tokens - 1)*stride + c.n_row, 1.5f);

    lacuna_sparse_ffn ffn(std::make_shared<lacuna_sparse_workspace>(c.n_embd, c.kernels), layout, records.data, c.n_row);
    if (c.weights) {
        ffn.weight.resize(c.n_row);
        for (auto & w : ffn.weight) {
            w = 2.0f*std::abs(normal());
        }
    }
    if (c.bias) {
        ffn.up_b = normals(c.n_row, 0.5f);
    }
    const auto size = [&](int t, int r) {
        return std::abs(silu(gate[(size_t) t*stride + r]))*(c.weights ? ffn.weight[r] : 1.0f);
    };
    std::vector<double> sizes;
    for (int t = 0; t < c.n_tokens; t++) {
        for (int r = 0; r < c.n_row; r++) {
            sizes.push_back(size(t, r));
        }
    }

    // in float64
    const auto reference = [&](float threshold, uint64_t & active) {
        std::vector<double> y((size_t) c.n_tokens*c.n_embd);
        std::vector<uint8_t> encoded(ggml_row_size(input_as, c.n_embd));
        active = 0;
        for (int t = 0; t < c.n_tokens; t++) {
            const float * row = x.data() + (size_t) t*c.n_embd;
            if (input_as == GGML_TYPE_F32) {
                memcpy(encoded.data(), row, encoded.size());
            } else {
                ggml_get_type_traits_cpu(input_as)->from_float(row, encoded.data(), c.n_embd);
            }
            const auto input = decoded(input_as, encoded.data(), c.n_embd);
            for (int r = 0; r < c.n_row; r++) {
                if (size(t, r) < threshold) {
                    continue;
                }
                active++;
                double sum = c.bias ? ffn.up_b[r] : 0.0;
                for (int i = 0; i < c.n_embd; i++) {
                    sum += up[r][i]*input[i];
                }
                sum *= silu(gate[(size_t) t*stride + r]);
                for (int i = 0; i < c.n_embd; i++) {
                    y[(size_t) t*c.n_embd + i] += sum*down[r][i];
                }
            }
        }
        return y;
    };

    ggml_context_ptr ctx(ggml_init({ 16*ggml_tensor_overhead(), nullptr, true }));
    auto * tx = ggml_new_tensor_2d(ctx.get(), GGML_TYPE_F32, c.n_embd, c.n_tokens);
    auto * tg = ggml_new_tensor_2d(ctx.get(), GGML_TYPE_F32, c.n_row,  c.n_tokens);
    auto * ty = ffn.build(ctx.get(), tx, tg);
    std::vector<float> y((size_t) c.n_tokens*c.n_embd);
    tx->data  = x.data();
    tg->data  = gate.data();
    tg->nb[1] = stride*sizeof(float);
    ty->data  = y.data();

    uint64_t counted = 0;
    for (const float threshold : { 0.0f, widest_gap(sizes, 0.4), 1e9f }) {
        uint64_t active = 0;
        const auto expected = reference(threshold, active);
        ffn.threshold = threshold;
        std::fill(y.begin(), y.end(), NAN);
        compute(ty, c.n_threads);

        double largest = 1e-30, difference = 0.0;
        for (size_t i = 0; i < y.size(); i++) {
            largest    = std::max(largest, std::abs(expected[i]));
            difference = std::isnan(y[i]) ? INFINITY : std::max(difference, std::abs(y[i] - expected[i]));
        }
        if (!(difference <= 1e-4*largest)) {
            return "at threshold " + std::to_string(threshold) + " the difference is " + std::to_string(difference/largest) + " of the largest value";
        }
        const auto first = y;
        compute(ty, c.n_threads);
        if (first != y) {
            return "another run gives other numbers";
        }
        counted += 2*active;
        if (ffn.counters().active != counted) {
            return std::to_string(ffn.counters().active) + " active neurons counted, not " + std::to_string(counted);
        }
    }
    const uint64_t tokens = 6*(uint64_t) c.n_tokens;
    return ffn.counters().tokens == tokens ? "" : std::to_string(ffn.counters().tokens) + " tokens counted, not " + std::to_string(tokens);
}

int main(int argc, char ** argv) {
    const int limit = argc > 1 ? atoi(argv[1]) : 1 << 30;

    struct type_and_sizes { ggml_type type; std::vector<int> sizes; };
    const type_and_sizes plain[] = {
        { GGML_TYPE_F32,  { 1, 7, 33, 80, 257 } }, { GGML_TYPE_F16,  { 2, 15, 64, 100, 333 } }, { GGML_TYPE_BF16, { 3, 17, 48, 200, 301 } },
        { GGML_TYPE_Q8_0, { 32, 96, 224, 544 } },  { GGML_TYPE_Q4_0, { 32, 160, 256, 352 } },
        { GGML_TYPE_Q4_K, { 256, 768 } },          { GGML_TYPE_Q5_K, { 256, 768 } },            { GGML_TYPE_Q6_K, { 256, 768 } },
    };
    const ggml_type downs[] = { GGML_TYPE_F32, GGML_TYPE_F16, GGML_TYPE_BF16, GGML_TYPE_Q8_0, GGML_TYPE_Q4_0 };
    const int rows[]    = { 1, 5, 16, 17, 47, 130 };
    const int tokens[]  = { 1, 1, 2, 7, 8, 9, 64 };
    const int threads[] = { 1, 2, 3, 4, 5, 6, 7, 8 };

    ggml_cpu_init();

    std::vector<test_case> cases;
    for (const auto & [type, sizes] : plain) {
        for (const int n_embd : sizes) {
            for (const auto down : downs) {
                for (auto * k = lacuna_sparse_all_kernels(); *k; k++) {
                    if ((*k)->supported()) {
                        cases.push_back({ type, down, (*k)->name, n_embd, one_of(rows), one_of(tokens), one_of(threads), below(3), below(2) == 0, below(2) == 0 });
                    }
                }
            }
        }
    }
    std::shuffle(cases.begin(), cases.end(), engine);
    cases.resize(std::min((int) cases.size(), limit));

    int failed = 0;
    for (const auto & c : cases) {
        const auto message = run(c);
        if (!message.empty()) {
            printf("FAILED: %s: %s\n", c.name().c_str(), message.c_str());
            failed++;
        }
    }
    printf("%d cases, %d failed\n", (int) cases.size(), failed);
    return failed > 0;
}
