#include "lacuna-sparse-kernels.h"

namespace {

inline float half_to_float(uint16_t h);

struct simd {
    typedef float V;
    static constexpr int W = 1;

    static inline V load(const float * p) { return *p; }
    static inline void store(float * p, V v) { *p = v; }
    static inline V set1(float f) { return f; }
    static inline V mul(V a, V b) { return a*b; }
    static inline V sub(V a, V b) { return a - b; }
    static inline V div(V a, V b) { return a/b; }
    static inline V min(V a, V b) { return a < b ? a : b; }
    static inline V max(V a, V b) { return a > b ? a : b; }
    static inline V exp2_low_bits(V v) {
        return __builtin_bit_cast(float, (__builtin_bit_cast(uint32_t, v) << 23) + (127u << 23));
    }
    static inline V fma(V acc, V a, V b) { return acc + a*b; }

    static inline V from_i8(const int8_t * p) { return *p; }
    static inline void from_i4(const uint8_t * p, V & low, V & high) {
        low  = (float) ((int8_t) (*p << 4) >> 4);
        high = (float) ((int8_t) *p >> 4);
    }
    static inline V from_f16(const uint16_t * p) { return half_to_float(*p); }
    static inline V from_bf16(const uint16_t * p) { return __builtin_bit_cast(float, (uint32_t) *p << 16); }
};

#include "lacuna-sparse-generic.h"

bool supported() {
    return true;
}

} // namespace

extern const lacuna_sparse_kernels lacuna_sparse_scalar;
const lacuna_sparse_kernels lacuna_sparse_scalar = { "scalar", supported, select, accumulate, nullptr, nullptr };
