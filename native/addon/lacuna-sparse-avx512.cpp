#include "lacuna-sparse-kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

#if defined(__clang__)
#    pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c"))), apply_to = function)
#else
#    pragma GCC push_options
#    pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")
#endif

namespace {

struct simd {
    typedef __m512 V;
    static constexpr int W = 16;

    static inline V load(const float * p) { return _mm512_loadu_ps(p); }
    static inline void store(float * p, V v) { _mm512_storeu_ps(p, v); }
    static inline V set1(float f) { return _mm512_set1_ps(f); }
    static inline V mul(V a, V b) { return _mm512_mul_ps(a, b); }
    static inline V sub(V a, V b) { return _mm512_sub_ps(a, b); }
    static inline V div(V a, V b) { return _mm512_div_ps(a, b); }
    static inline V min(V a, V b) { return _mm512_min_ps(a, b); }
    static inline V max(V a, V b) { return _mm512_max_ps(a, b); }
    static inline V exp2_low_bits(V v) {
        return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_slli_epi32(_mm512_castps_si512(v), 23), _mm512_set1_epi32(127 << 23)));
    }
    static inline V fma(V acc, V a, V b) { return _mm512_fmadd_ps(a, b, acc); }

    static inline V from_i8(const int8_t * p) {
        return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *) p)));
    }
    static inline void from_i4(const uint8_t * p, V & low, V & high) {
        const __m512i v = _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *) p));
        low  = _mm512_cvtepi32_ps(_mm512_srai_epi32(_mm512_slli_epi32(v, 28), 28));
        high = _mm512_cvtepi32_ps(_mm512_srai_epi32(v, 4));
    }
    static inline V from_f16(const uint16_t * p) { return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *) p)); }
    static inline V from_bf16(const uint16_t * p) {
        return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *) p)), 16));
    }
};

#include "lacuna-sparse-generic.h"

// as in ggml-common.h
constexpr int QK_K = 256;
struct block_q4_K {
    uint16_t d, dmin;
    uint8_t  scales[12];
    uint8_t  qs[QK_K/2];
};
struct block_q8_K {
    float   d;
    int8_t  qs[QK_K];
    int16_t bsums[QK_K/16];
};
static_assert(sizeof(block_q4_K) == 144 && sizeof(block_q8_K) == 292, "not ggml's blocks");

// The sub-blocks in the order in which 64 bytes of nibbles hold them: 0 2 1 3, 4 6 5 7; then their eight sums
void prepare_q4_K(void * vx, int n) {
    auto * x = (block_q8_K *) vx;

    for (int i = 0; i < n/QK_K; i++) {
        for (int half = 0; half < 2; half++) {
            int8_t * q = x[i].qs + 128*half;
            const __m256i one = _mm256_loadu_si256((const __m256i *) (q + 32));
            const __m256i two = _mm256_loadu_si256((const __m256i *) (q + 64));
            _mm256_storeu_si256((__m256i *) (q + 32), two);
            _mm256_storeu_si256((__m256i *) (q + 64), one);
        }
        for (int j = 0; j < QK_K/32; j++) {
            x[i].bsums[j] = x[i].bsums[2*j] + x[i].bsums[2*j + 1];
        }
    }
}

// shuffles eight scales of 16 bits: the lower half of a vector gets scale low, the upper half scale high
inline __m512i scale_pattern(int low, int high) {
    return _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_set1_epi16((short) (0x0100 + 0x0202*low))), _mm256_set1_epi16((short) (0x0100 + 0x0202*high)), 1);
}

float dot_q4_K(const void * vrow, const void * vahead, const void * vx, int n) {
    const auto * w = (const block_q4_K *) vrow;
    const auto * ahead = (const block_q4_K *) vahead;
    const auto * x = (const block_q8_K *) vx;

    const __m512i nibble = _mm512_set1_epi8(15);
    const __m512i p02 = scale_pattern(0, 2), p13 = scale_pattern(1, 3), p46 = scale_pattern(4, 6), p57 = scale_pattern(5, 7);

    __m512 sum  = _mm512_setzero_ps();
    __m128 mins = _mm_setzero_ps();

    for (int i = 0; i < n/QK_K; i++) {
        prefetch(ahead + i, sizeof(block_q4_K));

        // eight scales and eight minimums of six bits in twelve bytes
        uint64_t first;
        uint32_t last;
        __builtin_memcpy(&first, w[i].scales, sizeof(first));
        __builtin_memcpy(&last,  w[i].scales + 8, sizeof(last));
        const uint32_t s0 = (uint32_t) first, s1 = (uint32_t) (first >> 32);
        const uint64_t scales = (s0 & 0x3f3f3f3fu) | (uint64_t) (( last       & 0x0f0f0f0fu) | ((s0 >> 2) & 0x30303030u)) << 32;
        const uint64_t lows   = (s1 & 0x3f3f3f3fu) | (uint64_t) (((last >> 4) & 0x0f0f0f0fu) | ((s1 >> 2) & 0x30303030u)) << 32;

        const __m512i s = _mm512_broadcast_i32x4(_mm_cvtepu8_epi16(_mm_cvtsi64_si128((long long) scales)));
        const __m128i m = _mm_cvtepu8_epi16(_mm_cvtsi64_si128((long long) lows));

        const __m512i q0 = _mm512_loadu_si512(w[i].qs);
        const __m512i q1 = _mm512_loadu_si512(w[i].qs + 64);

        const __m512i d02 = _mm512_maddubs_epi16(_mm512_and_si512(q0, nibble),                       _mm512_loadu_si512(x[i].qs));
        const __m512i d13 = _mm512_maddubs_epi16(_mm512_and_si512(_mm512_srli_epi16(q0, 4), nibble), _mm512_loadu_si512(x[i].qs + 64));
        const __m512i d46 = _mm512_maddubs_epi16(_mm512_and_si512(q1, nibble),                       _mm512_loadu_si512(x[i].qs + 128));
        const __m512i d57 = _mm512_maddubs_epi16(_mm512_and_si512(_mm512_srli_epi16(q1, 4), nibble), _mm512_loadu_si512(x[i].qs + 192));

        const __m512i zero = _mm512_setzero_si512();
        const __m512i even = _mm512_dpwssd_epi32(_mm512_dpwssd_epi32(zero, d02, _mm512_shuffle_epi8(s, p02)), d46, _mm512_shuffle_epi8(s, p46));
        const __m512i odd  = _mm512_dpwssd_epi32(_mm512_dpwssd_epi32(zero, d13, _mm512_shuffle_epi8(s, p13)), d57, _mm512_shuffle_epi8(s, p57));

        const float d    = x[i].d*_cvtsh_ss(w[i].d);
        const float dmin = x[i].d*_cvtsh_ss(w[i].dmin);

        sum  = _mm512_fmadd_ps(_mm512_set1_ps(d), _mm512_cvtepi32_ps(_mm512_add_epi32(even, odd)), sum);
        mins = _mm_fmadd_ps(_mm_set1_ps(dmin), _mm_cvtepi32_ps(_mm_madd_epi16(m, _mm_loadu_si128((const __m128i *) x[i].bsums))), mins);
    }
    mins = _mm_add_ps(mins, _mm_movehl_ps(mins, mins));
    mins = _mm_add_ss(mins, _mm_movehdup_ps(mins));

    return _mm512_reduce_add_ps(sum) - _mm_cvtss_f32(mins);
}

bool supported() {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("avx2");
}

} // namespace

#if defined(__clang__)
#    pragma clang attribute pop
#else
#    pragma GCC pop_options
#endif

extern const lacuna_sparse_kernels lacuna_sparse_avx512;
const lacuna_sparse_kernels lacuna_sparse_avx512 = { "avx512", supported, select, accumulate, prepare_q4_K, dot_q4_K };

#endif
