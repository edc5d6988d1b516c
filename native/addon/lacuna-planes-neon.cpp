#include "lacuna-planes-kernels.h"

#if defined(__aarch64__)

#include <arm_neon.h>

namespace {

struct simd {
    static constexpr int W       = 4;
    static constexpr int CODES   = 16;
    static constexpr int VECTORS = LACUNA_PLANE_UNIT/CODES;

    typedef float32x4_t V;
    typedef int8x16_t   I;

    static inline V load(const float * p) { return vld1q_f32(p); }
    static inline void store(float * p, V v) { vst1q_f32(p, v); }
    static inline V set1(float f) { return vdupq_n_f32(f); }
    static inline V add(V a, V b) { return vaddq_f32(a, b); }
    static inline V sub(V a, V b) { return vsubq_f32(a, b); }
    static inline V mul(V a, V b) { return vmulq_f32(a, b); }
    static inline V div(V a, V b) { return vdivq_f32(a, b); }
    static inline V min(V a, V b) { return vminq_f32(a, b); }
    static inline V max(V a, V b) { return vmaxq_f32(a, b); }
    static inline V fma(V acc, V a, V b) { return vfmaq_f32(acc, a, b); }
    static inline V exp2_low_bits(V v) { return vreinterpretq_f32_s32(vaddq_s32(vshlq_n_s32(vreinterpretq_s32_f32(v), 23), vdupq_n_s32(127 << 23))); }
    static inline float sum(V v) { return vaddvq_f32(v); }
    static inline int count_ge(V a, V b) { return (int) vaddvq_u32(vshrq_n_u32(vcgeq_f32(a, b), 31)); }

    static inline V from_f16(const uint16_t * p) { return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p))); }
    static inline V from_i8 (const int8_t   * p) { return vcvtq_f32_s32(vmovl_s16(vget_low_s16(vmovl_s8(vld1_s8(p))))); }
    static inline V from_i16(const int16_t  * p) { return vcvtq_f32_s32(vmovl_s16(vld1_s16(p))); }
    static inline void from_6_bits(const uint8_t * low, const uint8_t * upper, V & s, V & m) {
        float si[W], mi[W];
        for (int i = 0; i < W; i++) {
            const int top = upper[i/2] >> 4*(i % 2);
            si[i] = (float) ((low[i] & 15) | (top & 3) << 4);
            mi[i] = (float) ((low[i] >> 4) | (top >> 2 & 3) << 4);
        }
        s = vld1q_f32(si);
        m = vld1q_f32(mi);
    }
    // a part of a super-block
    static inline V spread_f16(const uint16_t * p, int) { return vdupq_laneq_f32(vcvt_f32_f16(vreinterpret_f16_u16(vld1_dup_u16(p))), 0); }
    static inline V spread_pairs(const float * p) {
        const float32x2_t v = vld1_f32(p);
        return vcombine_f32(vdup_lane_f32(v, 0), vdup_lane_f32(v, 1));
    }
    template <int BLOCK> static inline V spread(const float * factor) { return vld1q_dup_f32(factor); }

    template <int BITS> static inline void unpack(const uint8_t * p, I * c) {
        // vector v of planes of `bits` bits
        const auto part = [](const uint8_t * from, int bits, int v) {
            const int n = bits; // vectors that 16*bits bytes are
            return vandq_u8(vshlq_u8(vld1q_u8(from + 16*(v % n)), vdupq_n_s8((int8_t) -(bits*(v/n)))), vdupq_n_u8((uint8_t) ((1 << bits) - 1)));
        };
        for (int v = 0; v < VECTORS; v++) {
            const uint8x16_t code = BITS == 3 ? vorrq_u8(vshlq_n_u8(part(p, 2, v), 1), part(p + 32, 1, v)) : part(p, BITS, v);
            c[v] = vreinterpretq_s8_u8(code);
        }
    }
    // sums of four products each
    static inline V dot4(I c, const int8_t * q) {
        const int8x16_t x = vld1q_s8(q);
        const int32x4_t a = vpaddlq_s16(vmull_s8(vget_low_s8(c), vget_low_s8(x)));
        const int32x4_t b = vpaddlq_s16(vmull_high_s8(c, x));
        return vcvtq_f32_s32(vpaddq_s32(a, b));
    }

    static inline I zero() { return vdupq_n_s8(0); }
    static inline I pair(int8_t a, int8_t b) { return vcombine_s8(vdup_n_s8(a), vdup_n_s8(b)); }
    static inline void add_pair(I & first, I & second, I a, I b, I coef) {
        const int8x8_t ca = vget_low_s8(coef), cb = vget_high_s8(coef);
        first  = vreinterpretq_s8_s16(vmlal_s8(vmlal_s8(vreinterpretq_s16_s8(first),  vget_low_s8(a),  ca), vget_low_s8(b),  cb));
        second = vreinterpretq_s8_s16(vmlal_s8(vmlal_s8(vreinterpretq_s16_s8(second), vget_high_s8(a), ca), vget_high_s8(b), cb));
    }
    static inline void store_pair(int16_t * p, I first, I second) {
        vst1q_s16(p,     vreinterpretq_s16_s8(first));
        vst1q_s16(p + 8, vreinterpretq_s16_s8(second));
    }
};

#include "lacuna-planes-generic.h"

bool supported() { return true; }

} // namespace

extern const lacuna_plane_kernels lacuna_planes_neon;
const lacuna_plane_kernels lacuna_planes_neon = { "neon", supported, row, group, activate, error, count };

#endif
