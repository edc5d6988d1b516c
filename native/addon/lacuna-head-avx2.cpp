#include "lacuna-head-kernels.h"
#include "lacuna-processor.h"

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

    static inline void store(float * p, V v) { _mm256_storeu_ps(p, v); }
    static inline V set1(float f) { return _mm256_set1_ps(f); }
    static inline V add(V a, V b) { return _mm256_add_ps(a, b); }
    static inline V fma(V acc, V a, V b) { return _mm256_fmadd_ps(a, b, acc); }
    static inline V from_f16(const uint16_t * p) { return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *) p)); }

    template <int BITS> static inline V group(const uint8_t * codes, const int8_t * z) {
        const __m256i mask = _mm256_set1_epi8((1 << BITS) - 1);

        // eight products of two codes below 16 and inputs of at most 127 stay within 16 bits
        __m256i sum = _mm256_setzero_si256();
        for (int piece = 0; piece < BITS; piece++) {
            __m256i v = _mm256_loadu_si256((const __m256i *) (codes + 64*piece));
            for (int s = 0; s < 8/BITS; s++) {
                int four;
                __builtin_memcpy(&four, z + 4*(piece*(8/BITS) + s), sizeof(four));
                sum = _mm256_add_epi16(sum, _mm256_maddubs_epi16(_mm256_and_si256(v, mask), _mm256_set1_epi32(four)));
                v = _mm256_srli_epi16(v, BITS);
            }
        }
        return _mm256_cvtepi32_ps(_mm256_madd_epi16(sum, _mm256_set1_epi16(1)));
    }
};

#include "lacuna-head-generic.h"

bool supported() { return lacuna_this_x86().avx2; }

} // namespace

#if defined(__clang__)
#    pragma clang attribute pop
#else
#    pragma GCC pop_options
#endif

extern const lacuna_head_kernels lacuna_head_avx2;
const lacuna_head_kernels lacuna_head_avx2 = { "avx2", supported, score };

#endif
