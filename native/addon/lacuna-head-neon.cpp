#include "lacuna-head-kernels.h"

#if defined(__aarch64__)

#include <arm_neon.h>

namespace {

struct simd {
    typedef float32x4_t V;
    static constexpr int W = 4;

    static inline void store(float * p, V v) { vst1q_f32(p, v); }
    static inline V set1(float f) { return vdupq_n_f32(f); }
    static inline V add(V a, V b) { return vaddq_f32(a, b); }
    static inline V fma(V acc, V a, V b) { return vfmaq_f32(acc, a, b); }
    static inline V from_f16(const uint16_t * p) { return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p))); }

    template <int BITS> static inline V group(const uint8_t * codes, const int8_t * z) {
        const uint8x16_t mask = vdupq_n_u8((1 << BITS) - 1);

        // eight products of a code below 16 and an input of at most 127 stay within 16 bits
        int16x8_t low  = vdupq_n_s16(0);
        int16x8_t high = vdupq_n_s16(0);
        for (int piece = 0; piece < BITS; piece++) {
            uint8x16_t v = vld1q_u8(codes + 64*piece);
            for (int s = 0; s < 8/BITS; s++) {
                int32_t four;
                __builtin_memcpy(&four, z + 4*(piece*(8/BITS) + s), sizeof(four));
                const int8x8_t  x = vreinterpret_s8_s32(vdup_n_s32(four));
                const int8x16_t c = vreinterpretq_s8_u8(vandq_u8(v, mask));
                low  = vmlal_s8(low,  vget_low_s8(c),  x);
                high = vmlal_s8(high, vget_high_s8(c), x);
                v = vshrq_n_u8(v, BITS);
            }
        }
        return vcvtq_f32_s32(vpaddq_s32(vpaddlq_s16(low), vpaddlq_s16(high)));
    }
};

#include "lacuna-head-generic.h"

// part of every AArch64 processor
bool supported() {
    return true;
}

} // namespace

extern const lacuna_head_kernels lacuna_head_neon;
const lacuna_head_kernels lacuna_head_neon = { "neon", supported, score };

#endif
