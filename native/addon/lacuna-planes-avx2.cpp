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
    static constexpr int VECTORS = LACUNA_PLANE_UNIT/CODES;

    typedef __m256  V;
    typedef __m256i I;

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
    static inline V exp2_low_bits(V v) {
        return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_slli_epi32(_mm256_castps_si256(v), 23), _mm256_set1_epi32(127 << 23)));
    }
    static inline float sum(V v) {
        __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
        s = _mm_add_ps(s, _mm_movehl_ps(s, s));
        s = _mm_add_ss(s, _mm_movehdup_ps(s));
        return _mm_cvtss_f32(s);
    }
    static inline int count_ge(V a, V b) { return __builtin_popcount(_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_GE_OQ))); }

    static inline V from_f16(const uint16_t * p) { return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *) p)); }
    static inline V from_i8 (const int8_t   * p) { return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32 (_mm_loadl_epi64((const __m128i *) p))); }
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
    static inline V spread_pairs(const float * p) {
        return _mm256_permutevar8x32_ps(_mm256_castps128_ps256(_mm_loadu_ps(p)), _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3));
    }
    template <int BLOCK> static inline V spread(const float * factor) {
        if (BLOCK == 32) {
            return _mm256_broadcast_ss(factor);
        }
        return _mm256_blend_ps(_mm256_broadcast_ss(factor), _mm256_broadcast_ss(factor + 1), 0xf0);
    }

    template <int BITS> static inline void unpack(const uint8_t * p, I * c) {
        const auto load = [](const uint8_t * from) { return _mm256_loadu_si256((const __m256i *) from); };
        const auto bit  = [](const uint8_t * from, int v) {
            const __m256i twice = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *) from));
            return _mm256_and_si256(_mm256_srlv_epi32(twice, _mm256_setr_epi32(2*v, 2*v, 2*v, 2*v, 2*v + 1, 2*v + 1, 2*v + 1, 2*v + 1)), _mm256_set1_epi8(1));
        };
        if (BITS == 1) {
            for (int v = 0; v < 4; v++) {
                c[v] = bit(p, v);
            }
        } else if (BITS == 2) {
            const __m256i q = load(p), three = _mm256_set1_epi8(3);
            c[0] = _mm256_and_si256(q, three);
            c[1] = _mm256_and_si256(_mm256_srli_epi16(q, 2), three);
            c[2] = _mm256_and_si256(_mm256_srli_epi16(q, 4), three);
            c[3] = _mm256_and_si256(_mm256_srli_epi16(q, 6), three);
        } else if (BITS == 3) {
            const __m256i q = load(p), six = _mm256_set1_epi8(6);
            c[0] = _mm256_or_si256(_mm256_and_si256(_mm256_slli_epi16(q, 1), six), bit(p + 32, 0));
            c[1] = _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi16(q, 1), six), bit(p + 32, 1));
            c[2] = _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi16(q, 3), six), bit(p + 32, 2));
            c[3] = _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi16(q, 5), six), bit(p + 32, 3));
        } else {
            const __m256i a = load(p), b = load(p + 32), nibble = _mm256_set1_epi8(15);
            c[0] = _mm256_and_si256(a, nibble);
            c[1] = _mm256_and_si256(b, nibble);
            c[2] = _mm256_and_si256(_mm256_srli_epi16(a, 4), nibble);
            c[3] = _mm256_and_si256(_mm256_srli_epi16(b, 4), nibble);
        }
    }
    // sums of four products each
    static inline V dot4(I c, const int8_t * q) {
        const __m256i two = _mm256_maddubs_epi16(c, _mm256_loadu_si256((const __m256i *) q));
        return _mm256_cvtepi32_ps(_mm256_madd_epi16(two, _mm256_set1_epi16(1)));
    }

    static inline I zero() { return _mm256_setzero_si256(); }
    static inline I pair(int8_t a, int8_t b) { return _mm256_set1_epi16((short) ((uint8_t) a | (uint8_t) b << 8)); }
    static inline void add_pair(I & first, I & second, I a, I b, I coef) {
        first  = _mm256_add_epi16(first,  _mm256_maddubs_epi16(_mm256_unpacklo_epi8(a, b), coef));
        second = _mm256_add_epi16(second, _mm256_maddubs_epi16(_mm256_unpackhi_epi8(a, b), coef));
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
const lacuna_plane_kernels lacuna_planes_avx2 = { "avx2", supported, row, group, activate, error, count };

#endif
