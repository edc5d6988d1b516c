#include "lacuna-planes-kernels.h"

namespace {

inline float half_to_float(uint16_t h) {
    const uint32_t w    = (uint32_t) h << 16;
    const uint32_t sign = w & 0x80000000u;
    const uint32_t two  = w + w;
    uint32_t bits;
    if (two < (1u << 27)) { // subnormal
        const uint32_t magic = 126u << 23;
        const float f = __builtin_bit_cast(float, (two >> 17) | magic) - 0.5f;
        bits = __builtin_bit_cast(uint32_t, f);
    } else {
        const float f = __builtin_bit_cast(float, (two >> 4) + (0xE0u << 23)) * __builtin_bit_cast(float, 0x7800000u);
        bits = __builtin_bit_cast(uint32_t, f);
    }
    return __builtin_bit_cast(float, sign | bits);
}

struct simd {
    static constexpr int W       = 8;
    static constexpr int CODES   = 32;

    struct V { float v[W]; };
    struct A { int v[W]; };
    union  I { uint8_t u8[CODES]; int16_t i16[CODES/2]; };

    template <typename F> static inline V make(F && f) {
        V res;
        for (int i = 0; i < W; i++) {
            res.v[i] = f(i);
        }
        return res;
    }
    static inline V load(const float * p) { return make([p](int i) { return p[i]; }); }
    static inline void store(float * p, V v) { __builtin_memcpy(p, v.v, sizeof(v.v)); }
    static inline V set1(float f) { return make([f](int) { return f; }); }
    static inline V add(V a, V b) { return make([&](int i) { return a.v[i] + b.v[i]; }); }
    static inline V sub(V a, V b) { return make([&](int i) { return a.v[i] - b.v[i]; }); }
    static inline V mul(V a, V b) { return make([&](int i) { return a.v[i]*b.v[i]; }); }
    static inline V div(V a, V b) { return make([&](int i) { return a.v[i]/b.v[i]; }); }
    static inline V min(V a, V b) { return make([&](int i) { return a.v[i] < b.v[i] ? a.v[i] : b.v[i]; }); }
    static inline V max(V a, V b) { return make([&](int i) { return a.v[i] > b.v[i] ? a.v[i] : b.v[i]; }); }
    static inline V fma(V acc, V a, V b) { return make([&](int i) { return acc.v[i] + a.v[i]*b.v[i]; }); }
    static inline V abs(V a) { return make([&](int i) { return __builtin_fabsf(a.v[i]); }); }
    static inline V first(V a, int n) { return make([&](int i) { return i < n ? a.v[i] : 0.0f; }); }
    static inline V select(uint32_t bits, V a) { return make([&](int i) { return bits >> i & 1 ? a.v[i] : 0.0f; }); }
    static inline V exp2_low_bits(V v) {
        return make([&](int i) { return __builtin_bit_cast(float, (__builtin_bit_cast(uint32_t, v.v[i]) << 23) + (127u << 23)); });
    }
    static inline float sum(V v) {
        float res = 0.0f;
        for (const float f : v.v) {
            res += f;
        }
        return res;
    }
    static inline uint32_t bits_ge(V a, V b) {
        uint32_t res = 0;
        for (int i = 0; i < W; i++) {
            res |= (uint32_t) (a.v[i] >= b.v[i]) << i;
        }
        return res;
    }
    static inline int count_ge(V a, V b) { return __builtin_popcount(bits_ge(a, b)); }

    static inline V from_f16(const uint16_t * p) { return make([p](int i) { return half_to_float(p[i]); }); }
    static inline V from_i8 (const int8_t   * p) { return make([p](int i) { return (float) p[i]; }); }
    static inline V from_u8 (const uint8_t  * p) { return make([p](int i) { return (float) p[i]; }); }
    static inline V from_i16(const int16_t  * p) { return make([p](int i) { return (float) p[i]; }); }
    static inline void from_6_bits(const uint8_t * low, const uint8_t * upper, V & s, V & m) {
        const auto top = [upper](int i) { return upper[i/2] >> 4*(i % 2); };
        s = make([&](int i) { return (float) ((low[i] & 15) | (top(i) & 3) << 4); });
        m = make([&](int i) { return (float) ((low[i] >> 4) | (top(i) >> 2 & 3) << 4); });
    }
    // p[0] for the first `each` of them, and so on
    static inline V spread_f16(const uint16_t * p, int each) { return make([&](int i) { return half_to_float(p[i/each]); }); }
    static inline void six_bits(const uint8_t * low, const uint8_t * upper, uint8_t * s, uint8_t * m) {
        for (int i = 0; i < CODES; i++) {
            const int top = upper[i/2] >> 4*(i % 2);
            s[i] = (low[i] & 15) | (top & 3) << 4;
            m[i] = (low[i] >> 4) | (top >> 2 & 3) << 4;
        }
    }

    static inline I codes(const uint8_t * p) {
        I res;
        __builtin_memcpy(res.u8, p, sizeof(res.u8));
        return res;
    }
    // (byte >> SHIFT) & mask
    template <int SHIFT, int MASK> static inline I field(const I & x) {
        I res;
        for (int i = 0; i < CODES; i++) {
            res.u8[i] = x.u8[i] >> SHIFT & MASK;
        }
        return res;
    }
    static inline I both(const I & a, const I & b) {
        I res;
        for (int i = 0; i < CODES; i++) {
            res.u8[i] = a.u8[i] | b.u8[i];
        }
        return res;
    }

    // sums of four products each
    static inline A no_products() { return {}; }
    static inline A dot4(A acc, const I & c, const int8_t * q) {
        for (int i = 0; i < CODES; i++) {
            acc.v[i/4] += c.u8[i]*q[i];
        }
        return acc;
    }
    static inline V sums(const A & acc) { return make([&](int i) { return (float) acc.v[i]; }); }

    static inline I zero() { return {}; }
    static inline I load_i16(const int16_t * p) {
        I res;
        __builtin_memcpy(res.i16, p, sizeof(res.i16));
        return res;
    }
    static inline void store_i16(int16_t * p, const I & v) { __builtin_memcpy(p, v.i16, sizeof(v.i16)); }
    // of two columns
    static inline I pair(const int8_t * coef) {
        I res;
        res.i16[0] = coef[0];
        res.i16[1] = coef[1];
        return res;
    }
    struct zipped { I first, second; };
    static inline zipped zip(const I & a, const I & b) { return { a, b }; }
    static inline void add_pair(I & first, I & second, const zipped & codes, const I & coef) {
        for (int i = 0; i < CODES/2; i++) {
            first .i16[i] += codes.first.u8[i]*coef.i16[0] + codes.second.u8[i]*coef.i16[1];
            second.i16[i] += codes.first.u8[CODES/2 + i]*coef.i16[0] + codes.second.u8[CODES/2 + i]*coef.i16[1];
        }
    }
    static inline void store_pair(int16_t * p, const I & first, const I & second) {
        __builtin_memcpy(p, first.i16, sizeof(first));
        __builtin_memcpy(p + CODES/2, second.i16, sizeof(second));
    }
};

// the reference, which need not be fast: unrolled and inlined, it takes minutes to compile
#define INLINE inline
#if !defined(__clang__)
#    pragma GCC optimize ("O1")
#endif

#include "lacuna-planes-generic.h"

bool supported() { return true; }

} // namespace

extern const lacuna_plane_kernels lacuna_planes_scalar;
const lacuna_plane_kernels lacuna_planes_scalar = { "scalar", supported, rows, groups, activate, error, count, score, reach };
