#include "lacuna-sparse-kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

#if defined(__clang__)
#    pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#else
#    pragma GCC push_options
#    pragma GCC target("avx2,fma,f16c")
#endif

namespace {

struct simd {
    typedef __m256 V;
    static constexpr int W = 8;

    static inline V load(const float * p) { return _mm256_loadu_ps(p); }
    static inline void store(float * p, V v) { _mm256_storeu_ps(p, v); }
    static inline V set1(float f) { return _mm256_set1_ps(f); }
    static inline V mul(V a, V b) { return _mm256_mul_ps(a, b); }
    static inline V sub(V a, V b) { return _mm256_sub_ps(a, b); }
    static inline V div(V a, V b) { return _mm256_div_ps(a, b); }
    static inline V min(V a, V b) { return _mm256_min_ps(a, b); }
    static inline V max(V a, V b) { return _mm256_max_ps(a, b); }
    static inline V exp2_low_bits(V v) {
        return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_slli_epi32(_mm256_castps_si256(v), 23), _mm256_set1_epi32(127 << 23)));
    }
    static inline V fma(V acc, V a, V b) { return _mm256_fmadd_ps(a, b, acc); }

    static inline V from_i8(const int8_t * p) {
        return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *) p)));
    }
    static inline void from_i4(const uint8_t * p, V & low, V & high) {
        const __m256i v = _mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *) p));
        low  = _mm256_cvtepi32_ps(_mm256_srai_epi32(_mm256_slli_epi32(v, 28), 28));
        high = _mm256_cvtepi32_ps(_mm256_srai_epi32(v, 4));
    }
    static inline V from_f16(const uint16_t * p) { return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *) p)); }
    static inline V from_bf16(const uint16_t * p) {
        return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *) p)), 16));
    }
};

#include "lacuna-sparse-generic.h"

bool supported() {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
}

} // namespace

#if defined(__clang__)
#    pragma clang attribute pop
#else
#    pragma GCC pop_options
#endif

extern const lacuna_sparse_kernels lacuna_sparse_avx2;
const lacuna_sparse_kernels lacuna_sparse_avx2 = { "avx2", supported, select, accumulate, nullptr, nullptr };

#endif
