#include "lacuna-planes-kernels.h"
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
    static constexpr int W       = 16;
    static constexpr int CODES   = 64;
    static constexpr int VECTORS = LACUNA_PLANE_UNIT/CODES;

    typedef __m512  V;
    typedef __m512i I;

    static inline V load(const float * p) { return _mm512_loadu_ps(p); }
    static inline void store(float * p, V v) { _mm512_storeu_ps(p, v); }
    static inline V set1(float f) { return _mm512_set1_ps(f); }
    static inline V add(V a, V b) { return _mm512_add_ps(a, b); }
    static inline V sub(V a, V b) { return _mm512_sub_ps(a, b); }
    static inline V mul(V a, V b) { return _mm512_mul_ps(a, b); }
    static inline V div(V a, V b) { return _mm512_div_ps(a, b); }
    static inline V min(V a, V b) { return _mm512_min_ps(a, b); }
    static inline V max(V a, V b) { return _mm512_max_ps(a, b); }
    static inline V fma(V acc, V a, V b) { return _mm512_fmadd_ps(a, b, acc); }
    static inline V exp2_low_bits(V v) {
        return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_slli_epi32(_mm512_castps_si512(v), 23), _mm512_set1_epi32(127 << 23)));
    }
    static inline float sum(V v) { return _mm512_reduce_add_ps(v); }
    static inline int count_ge(V a, V b) { return __builtin_popcount(_mm512_cmp_ps_mask(a, b, _CMP_GE_OQ)); }

    static inline V from_f16(const uint16_t * p) { return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *) p)); }
    static inline V from_i8 (const int8_t   * p) { return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32 (_mm_loadu_si128((const __m128i *) p))); }
    static inline V from_i16(const int16_t  * p) { return _mm512_cvtepi32_ps(_mm512_cvtepi16_epi32(_mm256_loadu_si256((const __m256i *) p))); }
    static inline void from_6_bits(const uint8_t * low, const uint8_t * upper, V & s, V & m) {
        const __m128i nibble = _mm_set1_epi8(15), two = _mm_set1_epi8(3 << 4);
        const __m128i wide = _mm_cvtepu8_epi16(_mm_loadl_epi64((const __m128i *) upper));
        const __m128i bits = _mm_and_si128(_mm_or_si128(wide, _mm_slli_epi16(wide, 4)), _mm_set1_epi16(0x0f0f)); // one block in each byte
        const __m128i lo   = _mm_loadu_si128((const __m128i *) low);
        const __m128i si = _mm_or_si128(_mm_and_si128(lo, nibble), _mm_and_si128(_mm_slli_epi16(bits, 4), two));
        const __m128i mi = _mm_or_si128(_mm_and_si128(_mm_srli_epi16(lo, 4), nibble), _mm_and_si128(_mm_slli_epi16(bits, 2), two));
        s = _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(si));
        m = _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(mi));
    }
    // one super-block, or two
    static inline V spread_f16(const uint16_t * p, int each) {
        const V first = _mm512_set1_ps(_cvtsh_ss(p[0]));
        return each == W ? first : _mm512_mask_mov_ps(first, 0xff00, _mm512_set1_ps(_cvtsh_ss(p[1])));
    }
    static inline V spread_pairs(const float * p) {
        return _mm512_permutexvar_ps(_mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7), _mm512_castps256_ps512(_mm256_loadu_ps(p)));
    }
    template <int BLOCK> static inline V spread(const float * factor) {
        if (BLOCK == 32) {
            return _mm512_mask_broadcastss_ps(_mm512_set1_ps(factor[0]), 0xff00, _mm_load_ss(factor + 1));
        }
        return _mm512_permutexvar_ps(_mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3), _mm512_castps128_ps512(_mm_loadu_ps(factor)));
    }

    template <int BITS> static inline void unpack(const uint8_t * p, I * c) {
        const auto counts = [](int a, int b, int c0, int d) { return _mm512_setr_epi32(a, a, a, a, b, b, b, b, c0, c0, c0, c0, d, d, d, d); };
        if (BITS == 1 || BITS == 3) {
            const __m512i q = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *) (p + (BITS == 3 ? 32 : 0))));
            const __m512i one = _mm512_set1_epi8(1);
            c[0] = _mm512_and_si512(_mm512_srlv_epi32(q, counts(0, 1, 2, 3)), one);
            c[1] = _mm512_and_si512(_mm512_srlv_epi32(q, counts(4, 5, 6, 7)), one);
        }
        if (BITS == 2 || BITS == 3) {
            const __m512i q = _mm512_broadcast_i64x4(_mm256_loadu_si256((const __m256i *) p));
            if (BITS == 2) {
                const __m512i three = _mm512_set1_epi8(3);
                c[0] = _mm512_and_si512(_mm512_srlv_epi32(q, counts(0, 0, 2, 2)), three);
                c[1] = _mm512_and_si512(_mm512_srlv_epi32(q, counts(4, 4, 6, 6)), three);
            } else { // one bit higher, and the last bit: (a & b) | c
                const __m512i six = _mm512_set1_epi8(6);
                c[0] = _mm512_ternarylogic_epi32(_mm512_rorv_epi32(q, counts(31, 31, 1, 1)), six, c[0], 0xea);
                c[1] = _mm512_ternarylogic_epi32(_mm512_rorv_epi32(q, counts(3, 3, 5, 5)),   six, c[1], 0xea);
            }
        }
        if (BITS == 4) {
            const __m512i q = _mm512_loadu_si512(p), nibble = _mm512_set1_epi8(15);
            c[0] = _mm512_and_si512(q, nibble);
            c[1] = _mm512_and_si512(_mm512_srli_epi16(q, 4), nibble);
        }
    }
    // sums of four products each
    static inline V dot4(I c, const int8_t * q) { return _mm512_cvtepi32_ps(_mm512_dpbusd_epi32(_mm512_setzero_si512(), c, _mm512_loadu_si512(q))); }

    static inline I zero() { return _mm512_setzero_si512(); }
    static inline I pair(int8_t a, int8_t b) { return _mm512_set1_epi16((short) ((uint8_t) a | (uint8_t) b << 8)); }
    static inline void add_pair(I & first, I & second, I a, I b, I coef) {
        first  = _mm512_add_epi16(first,  _mm512_maddubs_epi16(_mm512_unpacklo_epi8(a, b), coef));
        second = _mm512_add_epi16(second, _mm512_maddubs_epi16(_mm512_unpackhi_epi8(a, b), coef));
    }
    static inline void store_pair(int16_t * p, I first, I second) {
        _mm512_storeu_si512(p,      _mm512_permutex2var_epi64(first, _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11), second));
        _mm512_storeu_si512(p + 32, _mm512_permutex2var_epi64(first, _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15), second));
    }
};

#include "lacuna-planes-generic.h"

bool supported() { return lacuna_this_x86().avx512; }

} // namespace

#if defined(__clang__)
#    pragma clang attribute pop
#else
#    pragma GCC pop_options
#endif

extern const lacuna_plane_kernels lacuna_planes_avx512;
const lacuna_plane_kernels lacuna_planes_avx512 = { "avx512", supported, row, group, activate, error, count };

#endif
