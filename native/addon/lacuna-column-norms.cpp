#include "lacuna-column-norms.h"

#include "lacuna-parallel.h"
#include "lacuna-weights.h"

#include <cmath>

std::vector<float> lacuna_column_norms(const ggml_tensor * w, int n_threads) {
    std::vector<std::vector<double>> sums(n_threads, std::vector<double>(w->ne[0]));
    lacuna_parallel(n_threads, [&](int ith) {
        std::vector<float> row(w->ne[0]);
        for (int64_t r = ith; r < w->ne[1]; r += n_threads) {
            lacuna_row_to_float(w, r, 0, w->ne[0], row.data());
            for (size_t i = 0; i < row.size(); i++) {
                sums[ith][i] += (double) row[i]*row[i];
            }
        }
    });

    std::vector<float> res(w->ne[0]);
    for (size_t i = 0; i < res.size(); i++) {
        double sum = 0.0;
        for (const auto & s : sums) {
            sum += s[i];
        }
        res[i] = (float) std::sqrt(sum);
    }
    return res;
}
