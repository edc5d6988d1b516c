// Multiplies quantized weights, as their file has them, with many columns, and compares with sums in float64. The columns are integers
// that survive being quantized to eight bits, so what is computed is exact but for the rounding of float sums. Exits with 0 if all agree.
// An argument is the folder of a package's libraries, of which ggml chooses a CPU variant (or GGML_CPU_VARIANT names one); with 2 it exits if none of
// them runs on this processor.

#include "ggml.h"
#include "ggml-alloc.h"
#include "ggml-backend.h"

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <vector>

static std::mt19937 rng(1);

static int integer(int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(rng);
}

// offsets of the factors in a superblock, whose other bytes may be anything
struct superblock {
    ggml_type type;
    std::vector<size_t> factors;
};

static const superblock SUPERBLOCKS[] = {
    { GGML_TYPE_Q3_K, { 108 } },
    { GGML_TYPE_Q4_K, { 0, 2 } },
    { GGML_TYPE_Q5_K, { 0, 2 } },
    { GGML_TYPE_Q6_K, { 208 } },
};

static std::vector<uint8_t> random_rows(ggml_type type, int64_t k, int64_t n) {
    std::vector<uint8_t> rows(ggml_row_size(type, k)*n);
    for (const superblock & s : SUPERBLOCKS) {
        if (s.type == type) {
            for (uint8_t & byte : rows) {
                byte = integer(0, 255);
            }
            for (size_t i = 0; i < rows.size(); i += ggml_type_size(type)) {
                for (size_t f : s.factors) {
                    const ggml_fp16_t d = ggml_fp32_to_fp16(integer(1, 1000)*1e-5f);
                    memcpy(&rows[i + f], &d, sizeof(d));
                }
            }
            return rows;
        }
    }
    std::vector<float> values(k*n);
    for (float & v : values) {
        v = std::normal_distribution<float>()(rng);
    }
    ggml_quantize_chunk(type, values.data(), rows.data(), 0, n, k, nullptr);
    return rows;
}

// Of the CPU backend: a package's is found by its registry only
static ggml_backend_reg_t cpu() {
    return ggml_backend_dev_backend_reg(ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU));
}

static bool has_avx2() {
    auto features = (ggml_backend_get_features_t) ggml_backend_reg_get_proc_address(cpu(), "ggml_backend_get_features");
    for (auto * f = features(cpu()); f->name; f++) {
        if (strcmp(f->name, "AVX2") == 0) {
            return strcmp(f->value, "1") == 0;
        }
    }
    return false;
}

static std::vector<float> multiply(ggml_type type, const std::vector<uint8_t> & w, const std::vector<float> & x, int64_t k, int64_t n, int64_t m, int threads) {
    ggml_backend_t backend = ggml_backend_init_by_type(GGML_BACKEND_DEVICE_TYPE_CPU, nullptr);
    auto set_n_threads = (ggml_backend_set_n_threads_t) ggml_backend_reg_get_proc_address(cpu(), "ggml_backend_set_n_threads");
    set_n_threads(backend, threads);
    ggml_context * ctx = ggml_init({ 8*ggml_tensor_overhead() + ggml_graph_overhead(), nullptr, true });

    ggml_tensor * a = ggml_new_tensor_2d(ctx, type, k, n);
    ggml_tensor * b = ggml_new_tensor_2d(ctx, GGML_TYPE_F32, k, m);
    ggml_tensor * y = ggml_mul_mat(ctx, a, b);
    ggml_cgraph * graph = ggml_new_graph(ctx);
    ggml_build_forward_expand(graph, y);
    ggml_backend_buffer_t buffer = ggml_backend_alloc_ctx_tensors(ctx, backend);
    ggml_backend_tensor_set(a, w.data(), 0, w.size());
    ggml_backend_tensor_set(b, x.data(), 0, m*k*sizeof(float));

    std::vector<float> result(n*m);
    if (ggml_backend_graph_compute(backend, graph) == GGML_STATUS_SUCCESS) {
        ggml_backend_tensor_get(y, result.data(), 0, result.size()*sizeof(float));
    }
    ggml_backend_buffer_free(buffer);
    ggml_free(ctx);
    ggml_backend_free(backend);
    return result;
}

int main(int argc, char ** argv) {
    if (argc > 1) {
        ggml_backend_load_all_from_path(argv[1]);
    }
    if (!ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU)) {
        return 2;
    }
    const bool own_kernels = has_avx2();
    int n_cases = 0, n_failed = 0;
    const ggml_type types[] = {
        GGML_TYPE_Q4_0, GGML_TYPE_Q4_1, GGML_TYPE_Q5_0, GGML_TYPE_Q5_1, GGML_TYPE_Q8_0,
        GGML_TYPE_Q3_K, GGML_TYPE_Q4_K, GGML_TYPE_Q5_K, GGML_TYPE_Q6_K,
    };

    for (ggml_type type : types) {
        for (int64_t k : { 256, 2816 }) { // one superblock, and more than are unpacked at once
            const int64_t n = 160, m = 96;
            const std::vector<uint8_t> w = random_rows(type, k, n);
            std::vector<float> values(k*n), x(k*m);
            ggml_get_type_traits(type)->to_float(w.data(), values.data(), k*n);
            for (size_t i = 0; i < x.size(); i++) {
                x[i] = i % 32 == 0 ? (integer(0, 1) ? 127 : -127) : integer(-127, 127);
            }

            const std::vector<float> whole = multiply(type, w, x, k, n, m, 1);
            double worst = 0;
            for (int64_t j = 0; j < m; j++) {
                for (int64_t i = 0; i < n; i++) {
                    double sum = 0, size = 0;
                    for (int64_t l = 0; l < k; l++) {
                        const double p = (double) values[i*k + l]*x[j*k + l];
                        sum  += p;
                        size += std::fabs(p);
                    }
                    worst = std::fmax(worst, std::fabs(whole[j*n + i] - sum)/size);
                }
            }
            n_cases++;
            if (!(worst < 1e-6)) {
                n_failed++;
                printf("%s, %d values: off by %g of the sum of absolute products\n", ggml_type_name(type), (int) k, worst);
            }

            // what a column gives depends neither on the others nor on threads: pairs of tiles, partly empty ones, rows that threads do not divide
            for (int64_t some : { 32, 33, 47, 50, 64 }) {
                for (int threads : { 2, 3 }) {
                    const std::vector<float> part = multiply(type, w, x, k, n, some, threads);
                    double difference = 0;
                    for (size_t i = 0; i < part.size(); i++) {
                        difference = std::fmax(difference, std::fabs(part[i] - whole[i])/(1 + std::fabs(whole[i])));
                    }
                    // patches 0012 and 0018 have kernels for it; others may sum a column alone in another order
                    const bool same = own_kernels && type != GGML_TYPE_Q8_0;
                    n_cases++;
                    if (!(difference <= (same ? 0 : 1e-3))) {
                        n_failed++;
                        printf("%s, %d values: a column of %d is off by %g from one of %d\n", ggml_type_name(type), (int) k, (int) some, difference, (int) m);
                    }
                }
            }
        }
    }
    printf("%d cases, %d failed\n", n_cases, n_failed);

    return n_failed == 0 ? 0 : 1;
}
