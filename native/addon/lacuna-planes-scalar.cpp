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

// One value of a unit at a time would unpack it again and again: a vector of codes is a unit
struct simd {
    static constexpr int W       = 8;
    static constexpr int CODES   = 32;
    static constexpr int VECTORS = LACUNA_PLANE_UNIT/CODES;

    struct V { float v[W]; };
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
    static inline int count_ge(V a, V b) {
        int res = 0;
        for (int i = 0; i < W; i++) {
            res += a.v[i] >= b.v[i];
        }
        return res;
    }

    static inline V from_f16(const uint16_t * p) { return make([p](int i) { return half_to_float(p[i]); }); }
    static inline V from_i8 (const int8_t   * p) { return make([p](int i) { return (float) p[i]; }); }
    static inline V from_i16(const int16_t  * p) { return make([p](int i) { return (float) p[i]; }); }
    static inline void from_6_bits(const uint8_t * low, const uint8_t * upper, V & s, V & m) {
        const auto top = [upper](int i) { return upper[i/2] >> 4*(i % 2); };
        s = make([&](int i) { return (float) ((low[i] & 15) | (top(i) & 3) << 4); });
        m = make([&](int i) { return (float) ((low[i] >> 4) | (top(i) >> 2 & 3) << 4); });
    }
    // p[0] for the first `each` of them, and so on
    static inline V spread_f16(const uint16_t * p, int each) { return make([&](int i) { return half_to_float(p[i/each]); }); }
    static inline V spread_pairs(const float * p) { return make([p](int i) { return p[i/2]; }); }
    template <int BLOCK> static inline V spread(const float * factor) {
        return make([&](int i) { return factor[4*i/BLOCK]; });
    }

    template <int BITS> static inline void unpack(const uint8_t * p, I * c) {
        for (int j = 0; j < LACUNA_PLANE_UNIT; j++) {
            uint8_t code;
            switch (BITS) {
                case 1:  code = p[j % 16] >> j/16 & 1; break;
                case 2:  code = p[j % 32] >> 2*(j/32) & 3; break;
                case 3:  code = (p[j % 32] >> 2*(j/32) & 3) << 1 | (p[32 + j % 16] >> j/16 & 1); break;
                default: code = p[j % 64] >> 4*(j/64) & 15; break;
            }
            c[j/CODES].u8[j % CODES] = code;
        }
    }
    // sums of four products each
    static inline V dot4(const I & c, const int8_t * q) {
        return make([&](int i) { return (float) (c.u8[4*i]*q[4*i] + c.u8[4*i + 1]*q[4*i + 1] + c.u8[4*i + 2]*q[4*i + 2] + c.u8[4*i + 3]*q[4*i + 3]); });
    }

    static inline I zero() { return {}; }
    static inline I pair(int8_t a, int8_t b) {
        I res;
        res.i16[0] = a;
        res.i16[1] = b;
        return res;
    }
    static inline void add_pair(I & first, I & second, const I & a, const I & b, const I & coef) {
        for (int i = 0; i < CODES/2; i++) {
            first .i16[i] += a.u8[i]*coef.i16[0] + b.u8[i]*coef.i16[1];
            second.i16[i] += a.u8[CODES/2 + i]*coef.i16[0] + b.u8[CODES/2 + i]*coef.i16[1];
        }
    }
    static inline void store_pair(int16_t * p, const I & first, const I & second) {
        __builtin_memcpy(p, first.i16, sizeof(first));
        __builtin_memcpy(p + CODES/2, second.i16, sizeof(second));
    }
};

#include "lacuna-planes-generic.h"

bool supported() { return true; }

} // namespace

extern const lacuna_plane_kernels lacuna_planes_scalar;
const lacuna_plane_kernels lacuna_planes_scalar = { "scalar", supported, row, group, activate, error, count };
