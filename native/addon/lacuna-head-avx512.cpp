#include "lacuna-head-kernels.h"
#include "lacuna-processor.h"

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

    static inline void store(float * p, V v) { _mm512_storeu_ps(p, v); }
    static inline V set1(float f) { return _mm512_set1_ps(f); }
    static inline V add(V a, V b) { return _mm512_add_ps(a, b); }
    static inline V fma(V acc, V a, V b) { return _mm512_fmadd_ps(a, b, acc); }
    static inline V from_f16(const uint16_t * p) { return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *) p)); }

    template <int BITS> static inline V group(const uint8_t * codes, const int8_t * z) {
        const __m512i mask = _mm512_set1_epi8((1 << BITS) - 1);

        __m512i sum = _mm512_setzero_si512();
        for (int piece = 0; piece < BITS; piece++) {
            __m512i v = _mm512_loadu_si512(codes + 64*piece);
            for (int s = 0; s < 8/BITS; s++) {
                int four;
                __builtin_memcpy(&four, z + 4*(piece*(8/BITS) + s), sizeof(four));
                sum = _mm512_dpbusd_epi32(sum, _mm512_and_si512(v, mask), _mm512_set1_epi32(four));
                v = _mm512_srli_epi16(v, BITS);
            }
        }
        return _mm512_cvtepi32_ps(sum);
    }
};

#include "lacuna-head-generic.h"

bool supported() { return lacuna_this_x86().avx512; }

} // namespace

#if defined(__clang__)
#    pragma clang attribute pop
#else
#    pragma GCC pop_options
#endif

extern const lacuna_head_kernels lacuna_head_avx512;
const lacuna_head_kernels lacuna_head_avx512 = { "avx512", supported, score };

#endif
