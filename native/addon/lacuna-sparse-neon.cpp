#include "lacuna-sparse-kernels.h"

#if defined(__aarch64__)

#include <arm_neon.h>

namespace {

struct simd {
    typedef float32x4_t V;
    static constexpr int W = 4;

    static inline V load(const float * p) { return vld1q_f32(p); }
    static inline void store(float * p, V v) { vst1q_f32(p, v); }
    static inline V set1(float f) { return vdupq_n_f32(f); }
    static inline V mul(V a, V b) { return vmulq_f32(a, b); }
    static inline V sub(V a, V b) { return vsubq_f32(a, b); }
    static inline V div(V a, V b) { return vdivq_f32(a, b); }
    static inline V min(V a, V b) { return vminq_f32(a, b); }
    static inline V max(V a, V b) { return vmaxq_f32(a, b); }
    static inline V exp2_low_bits(V v) {
        return vreinterpretq_f32_u32(vaddq_u32(vshlq_n_u32(vreinterpretq_u32_f32(v), 23), vdupq_n_u32(127u << 23)));
    }
    static inline V fma(V acc, V a, V b) { return vfmaq_f32(acc, a, b); }

    static inline int32x4_t widen(const void * p) {
        int32_t four;
        __builtin_memcpy(&four, p, sizeof(four));
        return vmovl_s16(vget_low_s16(vmovl_s8(vreinterpret_s8_s32(vdup_n_s32(four)))));
    }
    static inline V from_i8(const int8_t * p) { return vcvtq_f32_s32(widen(p)); }
    static inline void from_i4(const uint8_t * p, V & low, V & high) {
        const int32x4_t v = widen(p);
        low  = vcvtq_f32_s32(vshrq_n_s32(vshlq_n_s32(v, 28), 28));
        high = vcvtq_f32_s32(vshrq_n_s32(v, 4));
    }
    static inline V from_f16(const uint16_t * p) { return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p))); }
    static inline V from_bf16(const uint16_t * p) { return vreinterpretq_f32_u32(vshlq_n_u32(vmovl_u16(vld1_u16(p)), 16)); }
};

#include "lacuna-sparse-generic.h"

// part of every AArch64 processor
bool supported() {
    return true;
}

} // namespace

extern const lacuna_sparse_kernels lacuna_sparse_neon;
const lacuna_sparse_kernels lacuna_sparse_neon = { "neon", supported, select, accumulate, nullptr, nullptr };

#endif
