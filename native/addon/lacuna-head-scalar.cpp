#include "lacuna-head-kernels.h"

#include "ggml.h"

namespace {

struct simd {
    typedef float V;
    static constexpr int W = 1;

    static inline void store(float * p, V v) { *p = v; }
    static inline V set1(float f) { return f; }
    static inline V add(V a, V b) { return a + b; }
    static inline V fma(V acc, V a, V b) { return acc + a*b; }
    static inline V from_f16(const uint16_t * p) { return ggml_fp16_to_fp32(*p); }

    template <int BITS> static inline V group(const uint8_t * codes, const int8_t * z) {
        int sum = 0;
        for (int piece = 0; piece < BITS; piece++) {
            for (int s = 0; s < 8/BITS; s++) {
                for (int i = 0; i < 4; i++) {
                    sum += (codes[64*piece + i] >> BITS*s & ((1 << BITS) - 1))*z[4*(piece*(8/BITS) + s) + i];
                }
            }
        }
        return (float) sum;
    }
};

#include "lacuna-head-generic.h"

bool supported() {
    return true;
}

} // namespace

extern const lacuna_head_kernels lacuna_head_scalar;
const lacuna_head_kernels lacuna_head_scalar = { "scalar", supported, score };
