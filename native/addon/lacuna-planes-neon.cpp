#include "lacuna-planes-kernels.h"

#if defined(__aarch64__)

#include <arm_neon.h>
#include <cstring>

namespace {

struct simd {
    static constexpr int W       = 4;
    static constexpr int CODES   = 16;

    typedef float32x4_t V;
    typedef uint8x16_t  I;
    typedef int32x4_t   A;

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
    static inline V abs(V a) { return vabsq_f32(a); }
    static inline V first(V a, int) { return a; } // runs have whole vectors
    static inline V select(uint32_t bits, V a) {
        static const uint32_t each[W] = { 1, 2, 4, 8 };
        return vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(a), vtstq_u32(vdupq_n_u32(bits), vld1q_u32(each))));
    }
    static inline V exp2_low_bits(V v) { return vreinterpretq_f32_s32(vaddq_s32(vshlq_n_s32(vreinterpretq_s32_f32(v), 23), vdupq_n_s32(127 << 23))); }
    static inline float sum(V v) { return vaddvq_f32(v); }
    static inline int count_ge(V a, V b) { return (int) vaddvq_u32(vshrq_n_u32(vcgeq_f32(a, b), 31)); }

    static inline uint32_t bits_ge(V a, V b) {
        static const uint32_t bit[W] = { 1, 2, 4, 8 };
        return vaddvq_u32(vandq_u32(vcgeq_f32(a, b), vld1q_u32(bit)));
    }

    static inline V from_f16(const uint16_t * p) { return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p))); }
    // not eight: behind the last four there may be nothing
    static inline uint8x8_t four(const void * p) {
        uint32_t bytes;
        memcpy(&bytes, p, sizeof(bytes));
        return vcreate_u8(bytes);
    }
    static inline V from_i8 (const int8_t   * p) { return vcvtq_f32_s32(vmovl_s16(vget_low_s16(vmovl_s8(vreinterpret_s8_u8(four(p)))))); }
    static inline V from_u8 (const uint8_t  * p) { return vcvtq_f32_u32(vmovl_u16(vget_low_u16(vmovl_u8(four(p))))); }
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
    static inline void six_bits(const uint8_t * low, const uint8_t * upper, uint8_t * s, uint8_t * m) {
        const uint8x8_t  two  = vld1_u8(upper);
        const uint8x16_t bits = vcombine_u8(vzip1_u8(vand_u8(two, vdup_n_u8(15)), vshr_n_u8(two, 4)), vzip2_u8(vand_u8(two, vdup_n_u8(15)), vshr_n_u8(two, 4)));
        const uint8x16_t lo   = vld1q_u8(low);
        vst1q_u8(s, vorrq_u8(vandq_u8(lo, vdupq_n_u8(15)), vshlq_n_u8(vandq_u8(bits, vdupq_n_u8(3)), 4)));
        vst1q_u8(m, vorrq_u8(vshrq_n_u8(lo, 4), vshlq_n_u8(vshrq_n_u8(bits, 2), 4)));
    }

    static inline I codes(const uint8_t * p) { return vld1q_u8(p); }
    // (byte >> SHIFT) & mask
    template <int SHIFT, int MASK> static inline I field(I x) { return vandq_u8(SHIFT == 0 ? x : vshrq_n_u8(x, SHIFT == 0 ? 1 : SHIFT), vdupq_n_u8(MASK)); }
    static inline I both(I a, I b) { return vorrq_u8(a, b); }

    // sums of four products each; codes have no more than four bits
    static inline A no_products() { return vdupq_n_s32(0); }
    static inline A dot4(A acc, I code, const int8_t * q) {
        const int8x16_t x = vld1q_s8(q), c = vreinterpretq_s8_u8(code);
#if defined(__ARM_FEATURE_DOTPROD)
        return vdotq_s32(acc, c, x);
#else
        const int32x4_t a = vpaddlq_s16(vmull_s8(vget_low_s8(c), vget_low_s8(x)));
        const int32x4_t b = vpaddlq_s16(vmull_high_s8(c, x));
        return vaddq_s32(acc, vpaddq_s32(a, b));
#endif
    }
    static inline V sums(A acc) { return vcvtq_f32_s32(acc); }

    static inline I zero() { return vdupq_n_u8(0); }
    static inline I load_i16(const int16_t * p) { return vreinterpretq_u8_s16(vld1q_s16(p)); }
    static inline void store_i16(int16_t * p, I v) { vst1q_s16(p, vreinterpretq_s16_u8(v)); }
    // of two columns
    static inline I pair(const int8_t * coef) { return vreinterpretq_u8_s8(vcombine_s8(vdup_n_s8(coef[0]), vdup_n_s8(coef[1]))); }
    struct zipped { I first, second; };
    static inline zipped zip(I a, I b) { return { a, b }; }
    static inline void add_pair(I & first, I & second, const zipped & codes, I coef) {
        const int8x8_t  ca = vget_low_s8(vreinterpretq_s8_u8(coef)), cb = vget_high_s8(vreinterpretq_s8_u8(coef));
        const int8x16_t a = vreinterpretq_s8_u8(codes.first), b = vreinterpretq_s8_u8(codes.second);
        first  = vreinterpretq_u8_s16(vmlal_s8(vmlal_s8(vreinterpretq_s16_u8(first),  vget_low_s8(a),  ca), vget_low_s8(b),  cb));
        second = vreinterpretq_u8_s16(vmlal_s8(vmlal_s8(vreinterpretq_s16_u8(second), vget_high_s8(a), ca), vget_high_s8(b), cb));
    }
    static inline void store_pair(int16_t * p, I first, I second) {
        vst1q_s16(p,     vreinterpretq_s16_u8(first));
        vst1q_s16(p + 8, vreinterpretq_s16_u8(second));
    }
};

#include "lacuna-planes-generic.h"

bool supported() { return true; }

} // namespace

extern const lacuna_plane_kernels lacuna_planes_neon;
const lacuna_plane_kernels lacuna_planes_neon = { "neon", supported, rows, groups, activate, error, count, score, reach };

#endif
