#include "lacuna-sizes.h"

#include "lacuna-parallel.h"

#include <cmath>
#include <cstdint>

lacuna_sizes lacuna_measure_sizes(const float * x, const float * up, int n_ff, int n_token, int n_threads) {
    lacuna_sizes res;
    res.up.resize(n_ff);
    res.x .resize(n_ff);

    lacuna_parallel(n_threads, [&](int ith) {
        const int i0 = (int) ((int64_t) n_ff*ith/n_threads);
        const int i1 = (int) ((int64_t) n_ff*(ith + 1)/n_threads);

        for (auto [values, sizes] : { std::make_pair(up, &res.up), std::make_pair(x, &res.x) }) {
            for (int t = 0; t < n_token; t++) {
                for (int i = i0; i < i1; i++) {
                    const float v = values[(size_t) t*n_ff + i];
                    (*sizes)[i] += v*v;
                }
            }
            for (int i = i0; i < i1; i++) {
                (*sizes)[i] = std::sqrt((*sizes)[i]/n_token);
            }
        }
    });
    return res;
}
