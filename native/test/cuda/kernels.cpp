// Runs the CUDA kernels of the sparse FFN on a CPU, with a thread for each of theirs, and compares them with sums in float64.
// It shows that what they compute is right; not that a GPU runs them, nor how fast. Exits with 0 if all is well.

#include <algorithm>
#include <barrier>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <thread>
#include <type_traits>
#include <vector>

using std::min;

// as much of CUDA and of ggml's CUDA backend as the kernels use; blocks run one after the other, so what they share is static

#define __global__
#define __device__
#define __forceinline__ inline
#define __shared__ static
#ifndef __align__
#    define __align__(n) __attribute__((aligned(n)))
#endif

static constexpr int WARP_SIZE = 32;
static constexpr int QK8_1     = 32;

enum ggml_type { GGML_TYPE_F32, GGML_TYPE_F16, GGML_TYPE_BF16, GGML_TYPE_Q4_0, GGML_TYPE_Q8_0, GGML_TYPE_Q4_K, GGML_TYPE_Q5_K, GGML_TYPE_Q6_K };

typedef _Float16 half;

struct nv_bfloat16 {
    uint16_t bits;
    operator float() const {
        const uint32_t w = (uint32_t) bits << 16;
        float res;
        memcpy(&res, &w, sizeof(res));
        return res;
    }
};

struct char4  { signed char x, y, z, w; };
struct float4 { float x, y, z, w; };

static float4 make_float4(float x, float y, float z, float w) { return { x, y, z, w }; }
static float  __half2float(half h) { return (float) h; }
static int    __popc(unsigned v)   { return __builtin_popcount(v); }

static void atomicAdd(unsigned long long * p, unsigned long long v) { *p += v; } // one thread of a block does

struct index3 { int x = 0, y = 0, z = 0; };

static thread_local index3 threadIdx;
static index3 blockIdx, gridDim, blockDim;

static std::unique_ptr<std::barrier<>> of_block;
static std::unique_ptr<std::barrier<>> of_warp[WARP_SIZE];
static float lanes[WARP_SIZE][WARP_SIZE];

static void __syncthreads() { of_block->arrive_and_wait(); }

// what all lanes of the warp have
template <typename F> static void exchange(float value, F && use) {
    const int warp = threadIdx.x/WARP_SIZE;
    lanes[warp][threadIdx.x%WARP_SIZE] = value;
    of_warp[warp]->arrive_and_wait();
    use(lanes[warp]);
    of_warp[warp]->arrive_and_wait();
}

static unsigned __ballot_sync(unsigned, bool vote) {
    unsigned res = 0;
    exchange(vote, [&](const float * votes) {
        for (int i = 0; i < WARP_SIZE; i++) {
            res |= (unsigned) (votes[i] != 0.0f) << i;
        }
    });
    return res;
}

static float warp_reduce_sum(float value) {
    float res = 0.0f;
    exchange(value, [&](const float * values) {
        for (int i = 0; i < WARP_SIZE; i++) {
            res += values[i];
        }
    });
    return res;
}

struct block_q8_0 { half d; int8_t qs[32]; };
struct block_q8_1 { half d, s; int8_t qs[32]; };

template <ggml_type type> struct ggml_cuda_type_traits;
template <> struct ggml_cuda_type_traits<GGML_TYPE_Q8_0> { static constexpr int qk = 32, qi = 8; };

static constexpr int VDR_Q4_0_Q8_1_MMVQ = 2, VDR_Q8_0_Q8_1_MMVQ = 2, VDR_Q4_K_Q8_1_MMVQ = 2, VDR_Q5_K_Q8_1_MMVQ = 2, VDR_Q6_K_Q8_1_MMVQ = 1;

static float vec_dot_q8_0_q8_1(const void * row, const block_q8_1 * x, const int & kbx, const int & iqs) {
    const auto & b = ((const block_q8_0 *) row)[kbx];
    int sum = 0;
    for (int i = 4*iqs; i < 4*(iqs + VDR_Q8_0_Q8_1_MMVQ); i++) {
        sum += b.qs[i]*x->qs[i];
    }
    return (float) b.d*(float) x->d*sum;
}

// ggml's own products of other types are not tried
static float vec_dot_q4_0_q8_1(const void *, const block_q8_1 *, const int &, const int &) { return NAN; }
static float vec_dot_q4_K_q8_1(const void *, const block_q8_1 *, const int &, const int &) { return NAN; }
static float vec_dot_q5_K_q8_1(const void *, const block_q8_1 *, const int &, const int &) { return NAN; }
static float vec_dot_q6_K_q8_1(const void *, const block_q8_1 *, const int &, const int &) { return NAN; }

#include "sparse-ffn-kernels.cuh"

static void launch(int grid_x, int grid_y, int n_threads, const std::function<void()> & kernel) {
    gridDim  = { grid_x, grid_y, 1 };
    blockDim = { n_threads, 1, 1 };

    for (int block = 0; block < grid_x*grid_y; block++) {
        blockIdx = { block%grid_x, block/grid_x, 0 };
        of_block = std::make_unique<std::barrier<>>(n_threads);
        for (int w = 0; w < n_threads/WARP_SIZE; w++) {
            of_warp[w] = std::make_unique<std::barrier<>>(WARP_SIZE);
        }
        std::vector<std::thread> threads;
        for (int t = 0; t < n_threads; t++) {
            threads.emplace_back([&, t] {
                threadIdx = { t, 0, 0 };
                kernel();
            });
        }
        for (auto & thread : threads) {
            thread.join();
        }
    }
}

struct shape { int n_embd, n_row, n_tokens, n_part; float threshold; };

static std::mt19937 rng(1);

static float normal() { return std::normal_distribution<float>()(rng); }

static int below(int n) { return (int) (rng()%n); }

// writes a value like `wanted` and returns what is there
static float write_plain(ggml_type type, char * p, int i, float wanted) {
    if (type == GGML_TYPE_F32) {
        return ((float *) p)[i] = wanted;
    }
    return ((half *) p)[i] = (half) wanted;
}

static size_t plain_size(ggml_type type) { return type == GGML_TYPE_F32 ? sizeof(float) : sizeof(half); }

// a column of down in the layout of ggml-sparse-ffn.h
static void write_down(ggml_type type, char * p, int n, float * values) {
    for (int i = 0; i < n; i++) {
        half * scales = (half *) (p + (type == GGML_TYPE_Q8_0 ? n : n/2));
        if (i%32 == 0 && (type == GGML_TYPE_Q8_0 || type == GGML_TYPE_Q4_0)) {
            scales[i/32] = (half) (0.01f + below(100)/1000.0f);
        }
        if (type == GGML_TYPE_Q8_0) {
            const int q = below(255) - 127;
            p[i]      = (char) q;
            values[i] = q*(float) scales[i/32];
        } else if (type == GGML_TYPE_Q4_0) {
            const int q = below(16) - 8;
            auto & byte = ((uint8_t *) p)[i/32*16 + i%16];
            byte = i%32 < 16 ? (byte & 0xf0) | (q & 0xf) : (byte & 0x0f) | (q & 0xf) << 4;
            values[i] = q*(float) scales[i/32];
        } else {
            values[i] = write_plain(type, p, i, normal());
        }
    }
}

static size_t down_size(ggml_type type, int n) {
    switch (type) {
        case GGML_TYPE_Q8_0: return n   + n/32*sizeof(half);
        case GGML_TYPE_Q4_0: return n/2 + n/32*sizeof(half);
        default:             return n*plain_size(type);
    }
}

template <ggml_type up_type, ggml_type down_type>
static bool check(const char * name, const shape & s) {
    const auto [n_embd, n_row, n_tokens, n_part, threshold] = s;
    constexpr bool quantized = up_type == GGML_TYPE_Q8_0;

    const int    gate_stride = n_row + 3; // gate is padded
    const int    x_blocks    = (n_embd + 511)/512*512/QK8_1;
    const size_t up_offset   = (down_size(down_type, n_embd) + 31)/32*32;
    const size_t up_size     = quantized ? n_embd/32*sizeof(block_q8_0) : n_embd*plain_size(up_type);
    const size_t record_size = (up_offset + up_size + 63)/64*64;

    std::vector<float> up((size_t) n_row*n_embd), down(up.size()), x((size_t) n_tokens*n_embd);
    std::vector<float> gate((size_t) n_tokens*gate_stride), limit(n_row), up_b(n_row);
    std::generate(gate.begin(), gate.end(), normal);
    std::generate(up_b.begin(), up_b.end(), normal);
    std::generate(x.begin(), x.end(), normal);
    for (auto & l : limit) {
        l = threshold*(0.5f + below(100)/100.0f);
    }

    std::vector<float4> memory(n_row*record_size/sizeof(float4)); // aligned
    char * records = (char *) memory.data();
    for (int r = 0; r < n_row; r++) {
        write_down(down_type, records + r*record_size, n_embd, down.data() + (size_t) r*n_embd);
        char * row = records + r*record_size + up_offset;
        for (int i = 0; i < n_embd; i++) {
            float & value = up[(size_t) r*n_embd + i];
            if (quantized) {
                auto & b = ((block_q8_0 *) row)[i/32];
                b.d        = (half) 0.02f;
                b.qs[i%32] = (int8_t) (below(255) - 127);
                value      = (float) b.d*b.qs[i%32];
            } else {
                value = write_plain(up_type, row, i, normal());
            }
        }
    }
    std::vector<block_q8_1> x_q8_1((size_t) n_tokens*x_blocks);
    for (int i = 0; i < n_tokens*n_embd && quantized; i++) {
        auto & b = x_q8_1[(size_t) (i/n_embd)*x_blocks + i%n_embd/32];
        b.d             = (half) 0.03f;
        b.qs[i%n_embd%32] = (int8_t) (below(255) - 127);
        x[i]            = (float) b.d*b.qs[i%n_embd%32];
    }
    const char *  x_data   = quantized ? (const char *) x_q8_1.data() : (const char *) x.data();
    const int64_t x_stride = quantized ? x_blocks*sizeof(block_q8_1) : n_embd*sizeof(float);

    const int n_out = n_tokens*n_embd;
    std::vector<float>   act((size_t) n_tokens*n_row), out(n_out, NAN);
    std::vector<float4>  partial((size_t) n_part*n_out/4, make_float4(NAN, NAN, NAN, NAN));
    std::vector<int32_t> active((size_t) n_tokens*(n_row + 1), -1);
    unsigned long long   counters[2] = { 0, 0 };

    launch(n_tokens, 1, SELECT_THREADS, [&] {
        sparse_ffn_select(gate.data(), gate_stride, limit.data(), n_row, act.data(), active.data(), counters);
    });
    launch(n_part, n_tokens, THREADS, [&] {
        sparse_ffn_compute<up_type, down_type>(records, (int64_t) record_size, (int) up_offset, x_data, x_stride, act.data(), active.data(),
            up_b.data(), n_row, n_embd, (float *) partial.data());
    });
    launch((n_out + THREADS - 1)/THREADS, 1, THREADS, [&] {
        sparse_ffn_add_up((const float *) partial.data(), n_part, n_out, out.data());
    });

    double error = 0.0, size = 0.0;
    unsigned long long n_active = 0;
    for (int t = 0; t < n_tokens; t++) {
        std::vector<double> y(n_embd);
        for (int r = 0; r < n_row; r++) {
            const float g = gate[(size_t) t*gate_stride + r];
            const float a = g/(1.0f + expf(-g));
            if (fabsf(a) < limit[r]) {
                continue;
            }
            n_active++;
            double u = up_b[r];
            for (int i = 0; i < n_embd; i++) {
                u += (double) up[(size_t) r*n_embd + i]*x[(size_t) t*n_embd + i];
            }
            for (int i = 0; i < n_embd; i++) {
                y[i] += u*a*down[(size_t) r*n_embd + i];
            }
        }
        for (int i = 0; i < n_embd; i++) {
            error += std::pow(out[(size_t) t*n_embd + i] - y[i], 2);
            size  += y[i]*y[i];
        }
    }
    const double relative = size > 0.0 ? std::sqrt(error/size) : std::sqrt(error);
    const bool   ok       = relative < 1e-5 && counters[0] == (unsigned) n_tokens && counters[1] == n_active;

    printf("%s: %s, n_embd %d, %llu of %d active, error %.1e\n", ok ? "ok" : "WRONG", name, n_embd, counters[1], n_tokens*n_row, relative);
    return ok;
}

int main() {
    bool ok = true;
    ok &= check<GGML_TYPE_F32,  GGML_TYPE_Q8_0>("F32, Q8_0",       {   96,  333, 1, 5, 0.3f });
    ok &= check<GGML_TYPE_F32,  GGML_TYPE_Q4_0>("F32, Q4_0",       {   64,   70, 2, 3, 0.3f });
    ok &= check<GGML_TYPE_F16,  GGML_TYPE_F16 >("F16, F16",        {  160, 1500, 1, 4, 0.4f });
    ok &= check<GGML_TYPE_F32,  GGML_TYPE_F32 >("F32, F32",        { 1088,  130, 1, 1, 0.1f });
    ok &= check<GGML_TYPE_Q8_0, GGML_TYPE_Q8_0>("Q8_0, Q8_0",      {  416,   90, 2, 4, 0.3f });
    ok &= check<GGML_TYPE_F32,  GGML_TYPE_Q8_0>("all of them",     {   64,   40, 1, 7, 0.0f });
    ok &= check<GGML_TYPE_F32,  GGML_TYPE_Q8_0>("none of them",    {   64,   40, 1, 7, 1e9f });
    return ok ? 0 : 1;
}
