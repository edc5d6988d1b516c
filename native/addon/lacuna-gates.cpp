#include "lacuna-gates.h"

#include "lacuna-parallel.h"

#include <algorithm>
#include <cmath>
#include <cstring>

// 2*log2(v) + 24, rounded down: the exponent's and the first bit of the mantissa say on which side of sqrt(2) it is
static int bin_of(float v) {
    if (!(v > 0.0f)) {
        return 0;
    }
    uint32_t bits;
    memcpy(&bits, &v, sizeof(bits));
    const int exponent = (int) (bits >> 23 & 0xff) - 127;
    const int half     = (bits & 0x7fffff) >= 0x3504f3; // sqrt(2)

    return std::clamp(2*(exponent + 12) + half, 0, LACUNA_GATE_BINS - 1);
}

lacuna_gates lacuna_measure_gates(const float * act, const float * up, int n_ff, int n_token, int n_threads) {
    lacuna_gates res;
    res.histogram.resize((size_t) n_ff*LACUNA_GATE_BINS);
    res.up.resize(n_ff);

    lacuna_parallel(n_threads, [&](int ith) {
        const int i0 = (int) ((int64_t) n_ff*ith/n_threads);
        const int i1 = (int) ((int64_t) n_ff*(ith + 1)/n_threads);

        for (int t = 0; t < n_token; t++) {
            const float * a = act + (size_t) t*n_ff;
            const float * u = up  + (size_t) t*n_ff;
            for (int i = i0; i < i1; i++) {
                auto & count = res.histogram[(size_t) i*LACUNA_GATE_BINS + bin_of(std::fabs(a[i]))];
                count += count < UINT16_MAX;
                res.up[i] += std::fabs(u[i]);
            }
        }
        for (int i = i0; i < i1; i++) {
            res.up[i] /= n_token;
        }
    });
    return res;
}
