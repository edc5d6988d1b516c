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

    typedef __m512  V;
    typedef __m512i I, A;

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
    static inline V abs(V a) { return _mm512_abs_ps(a); }
    static inline V first(V a, int n) { return _mm512_maskz_mov_ps((__mmask16) ((1 << n) - 1), a); }
    static inline V select(uint32_t bits, V a) { return _mm512_maskz_mov_ps((__mmask16) bits, a); }
    static inline V exp2_low_bits(V v) {
        return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_slli_epi32(_mm512_castps_si512(v), 23), _mm512_set1_epi32(127 << 23)));
    }
    static inline float sum(V v) { return _mm512_reduce_add_ps(v); }
    static inline uint32_t bits_ge(V a, V b) { return _mm512_cmp_ps_mask(a, b, _CMP_GE_OQ); }
    static inline int count_ge(V a, V b) { return __builtin_popcount(bits_ge(a, b)); }

    static inline V from_f16(const uint16_t * p) { return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *) p)); }
    static inline V from_i8 (const int8_t   * p) { return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32 (_mm_loadu_si128((const __m128i *) p))); }
    static inline V from_u8 (const uint8_t  * p) { return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32 (_mm_loadu_si128((const __m128i *) p))); }
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
    static inline void six_bits(const uint8_t * low, const uint8_t * upper, uint8_t * s, uint8_t * m) {
        const __m512i nibble = _mm512_set1_epi8(15), two = _mm512_set1_epi8(3 << 4);
        const __m512i wide = _mm512_cvtepu8_epi16(_mm256_loadu_si256((const __m256i *) upper));
        const __m512i bits = _mm512_and_si512(_mm512_or_si512(wide, _mm512_slli_epi16(wide, 4)), _mm512_set1_epi16(0x0f0f)); // one in each byte
        const __m512i lo   = _mm512_loadu_si512(low);
        _mm512_storeu_si512(s, _mm512_or_si512(_mm512_and_si512(lo, nibble), _mm512_and_si512(_mm512_slli_epi16(bits, 4), two)));
        _mm512_storeu_si512(m, _mm512_or_si512(_mm512_and_si512(_mm512_srli_epi16(lo, 4), nibble), _mm512_and_si512(_mm512_slli_epi16(bits, 2), two)));
    }

    static inline I codes(const uint8_t * p) { return _mm512_loadu_si512(p); }
    // (byte >> SHIFT) & mask
    template <int SHIFT, int MASK> static inline I field(I x) { return _mm512_and_si512(SHIFT == 0 ? x : _mm512_srli_epi16(x, SHIFT), _mm512_set1_epi8(MASK)); }
    static inline I both(I a, I b) { return _mm512_or_si512(a, b); }

    // sums of four products each
    static inline A no_products() { return _mm512_setzero_si512(); }
    static inline A dot4(A acc, I c, const int8_t * q) { return _mm512_dpbusd_epi32(acc, c, _mm512_loadu_si512(q)); }
    static inline V sums(A acc) { return _mm512_cvtepi32_ps(acc); }

    static inline I zero() { return _mm512_setzero_si512(); }
    static inline I load_i16(const int16_t * p) { return _mm512_loadu_si512(p); }
    static inline void store_i16(int16_t * p, I v) { _mm512_storeu_si512(p, v); }
    // of two columns
    static inline I pair(const int8_t * coef) {
        int16_t two;
        __builtin_memcpy(&two, coef, sizeof(two));
        return _mm512_set1_epi16(two);
    }
    struct zipped { I first, second; };
    static inline zipped zip(I a, I b) { return { _mm512_unpacklo_epi8(a, b), _mm512_unpackhi_epi8(a, b) }; }
    static inline void add_pair(I & first, I & second, const zipped & codes, I coef) {
        first  = _mm512_add_epi16(first,  _mm512_maddubs_epi16(codes.first,  coef));
        second = _mm512_add_epi16(second, _mm512_maddubs_epi16(codes.second, coef));
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
const lacuna_plane_kernels lacuna_planes_avx512 = { "avx512", supported, rows, groups, activate, error, count, score, reach };

#endif
