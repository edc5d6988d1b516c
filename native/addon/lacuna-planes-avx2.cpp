#include "lacuna-planes-kernels.h"
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
    static constexpr int W       = 8;
    static constexpr int CODES   = 32;

    typedef __m256  V;
    typedef __m256i I, A;

    static inline V load(const float * p) { return _mm256_loadu_ps(p); }
    static inline void store(float * p, V v) { _mm256_storeu_ps(p, v); }
    static inline V set1(float f) { return _mm256_set1_ps(f); }
    static inline V add(V a, V b) { return _mm256_add_ps(a, b); }
    static inline V sub(V a, V b) { return _mm256_sub_ps(a, b); }
    static inline V mul(V a, V b) { return _mm256_mul_ps(a, b); }
    static inline V div(V a, V b) { return _mm256_div_ps(a, b); }
    static inline V min(V a, V b) { return _mm256_min_ps(a, b); }
    static inline V max(V a, V b) { return _mm256_max_ps(a, b); }
    static inline V fma(V acc, V a, V b) { return _mm256_fmadd_ps(a, b, acc); }
    static inline V abs(V a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a); }
    static inline V first(V a, int n) {
        return _mm256_and_ps(a, _mm256_castsi256_ps(_mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7))));
    }
    static inline V select(uint32_t bits, V a) {
        const __m256i each = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
        return _mm256_and_ps(a, _mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32((int) bits), each), each)));
    }
    static inline V exp2_low_bits(V v) {
        return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_slli_epi32(_mm256_castps_si256(v), 23), _mm256_set1_epi32(127 << 23)));
    }
    static inline float sum(V v) {
        __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
        s = _mm_add_ps(s, _mm_movehl_ps(s, s));
        s = _mm_add_ss(s, _mm_movehdup_ps(s));
        return _mm_cvtss_f32(s);
    }
    static inline uint32_t bits_ge(V a, V b) { return (uint32_t) _mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_GE_OQ)); }
    static inline int count_ge(V a, V b) { return __builtin_popcount(bits_ge(a, b)); }

    static inline V from_f16(const uint16_t * p) { return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *) p)); }
    static inline V from_i8 (const int8_t   * p) { return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32 (_mm_loadl_epi64((const __m128i *) p))); }
    static inline V from_u8 (const uint8_t  * p) { return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32 (_mm_loadl_epi64((const __m128i *) p))); }
    static inline V from_i16(const int16_t  * p) { return _mm256_cvtepi32_ps(_mm256_cvtepi16_epi32(_mm_loadu_si128((const __m128i *) p))); }
    static inline void from_6_bits(const uint8_t * low, const uint8_t * upper, V & s, V & m) {
        int32_t four;
        __builtin_memcpy(&four, upper, sizeof(four));
        const __m128i nibble = _mm_set1_epi8(15), two = _mm_set1_epi8(3 << 4);
        const __m128i wide = _mm_cvtepu8_epi16(_mm_cvtsi32_si128(four));
        const __m128i bits = _mm_and_si128(_mm_or_si128(wide, _mm_slli_epi16(wide, 4)), _mm_set1_epi16(0x0f0f)); // one block in each byte
        const __m128i lo   = _mm_loadl_epi64((const __m128i *) low);
        const __m128i si = _mm_or_si128(_mm_and_si128(lo, nibble), _mm_and_si128(_mm_slli_epi16(bits, 4), two));
        const __m128i mi = _mm_or_si128(_mm_and_si128(_mm_srli_epi16(lo, 4), nibble), _mm_and_si128(_mm_slli_epi16(bits, 2), two));
        s = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(si));
        m = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(mi));
    }
    // one super-block, or half of one
    static inline V spread_f16(const uint16_t * p, int) { return _mm256_set1_ps(_cvtsh_ss(*p)); }
    static inline void six_bits(const uint8_t * low, const uint8_t * upper, uint8_t * s, uint8_t * m) {
        const __m256i nibble = _mm256_set1_epi8(15), two = _mm256_set1_epi8(3 << 4);
        const __m256i wide = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *) upper));
        const __m256i bits = _mm256_and_si256(_mm256_or_si256(wide, _mm256_slli_epi16(wide, 4)), _mm256_set1_epi16(0x0f0f)); // one in each byte
        const __m256i lo   = codes(low);
        _mm256_storeu_si256((__m256i *) s, _mm256_or_si256(_mm256_and_si256(lo, nibble), _mm256_and_si256(_mm256_slli_epi16(bits, 4), two)));
        _mm256_storeu_si256((__m256i *) m, _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi16(lo, 4), nibble), _mm256_and_si256(_mm256_slli_epi16(bits, 2), two)));
    }

    static inline I codes(const uint8_t * p) { return _mm256_loadu_si256((const __m256i *) p); }
    // (byte >> SHIFT) & mask
    template <int SHIFT, int MASK> static inline I field(I x) { return _mm256_and_si256(SHIFT == 0 ? x : _mm256_srli_epi16(x, SHIFT), _mm256_set1_epi8(MASK)); }
    static inline I both(I a, I b) { return _mm256_or_si256(a, b); }

    // sums of two products each, in 16 bits: those of eight vectors fit
    static inline A no_products() { return _mm256_setzero_si256(); }
    static inline A dot4(A acc, I c, const int8_t * q) { return _mm256_add_epi16(acc, _mm256_maddubs_epi16(c, codes((const uint8_t *) q))); }
    static inline V sums(A acc) { return _mm256_cvtepi32_ps(_mm256_madd_epi16(acc, _mm256_set1_epi16(1))); }

    static inline I zero() { return _mm256_setzero_si256(); }
    static inline I load_i16(const int16_t * p) { return _mm256_loadu_si256((const __m256i *) p); }
    static inline void store_i16(int16_t * p, I v) { _mm256_storeu_si256((__m256i *) p, v); }
    // of two columns
    static inline I pair(const int8_t * coef) {
        int16_t two;
        __builtin_memcpy(&two, coef, sizeof(two));
        return _mm256_set1_epi16(two);
    }
    struct zipped { I first, second; };
    static inline zipped zip(I a, I b) { return { _mm256_unpacklo_epi8(a, b), _mm256_unpackhi_epi8(a, b) }; }
    static inline void add_pair(I & first, I & second, const zipped & codes, I coef) {
        first  = _mm256_add_epi16(first,  _mm256_maddubs_epi16(codes.first,  coef));
        second = _mm256_add_epi16(second, _mm256_maddubs_epi16(codes.second, coef));
    }
    static inline void store_pair(int16_t * p, I first, I second) {
        _mm256_storeu_si256((__m256i *) p,        _mm256_permute2x128_si256(first, second, 0x20));
        _mm256_storeu_si256((__m256i *) (p + 16), _mm256_permute2x128_si256(first, second, 0x31));
    }
};

#include "lacuna-planes-generic.h"

bool supported() { return lacuna_this_x86().avx2; }

} // namespace

#if defined(__clang__)
#    pragma clang attribute pop
#else
#    pragma GCC pop_options
#endif

extern const lacuna_plane_kernels lacuna_planes_avx2;
const lacuna_plane_kernels lacuna_planes_avx2 = { "avx2", supported, rows, groups, activate, error, count, score, reach };

#endif
