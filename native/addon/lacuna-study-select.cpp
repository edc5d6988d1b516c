#include "lacuna-study-select.h"

#include "lacuna-parallel.h"

#include <cmath>

// The least of the `top` largest values; a threshold for >=
static float threshold_of_top(std::vector<float> values, int top) {
    if (top >= (int) values.size()) {
        return -INFINITY;
    }
    std::nth_element(values.begin(), values.begin() + (top - 1), values.end(), std::greater<>());

    return values[top - 1];
}

int64_t lacuna_study_select(const lacuna_layer_mask & mask, int M, int n_token, const float * gate, float * x, int n_threads) {
    std::vector<int64_t> active(std::max(1, n_threads));

    lacuna_parallel(n_threads, [&](int ith) {
        std::vector<float> value(M), candidates;

        for (int t = ith; t < n_token; t += std::max(1, n_threads)) {
            const float   * gt = gate + (size_t) t*M;
            float         * xt = x + (size_t) t*M;
            const uint8_t * kt = mask.token_keep.empty() ? nullptr : mask.token_keep.data() + (size_t) t*M;

            const auto is_kept = [&](int i) { return (mask.keep.empty() || mask.keep[i]) && (!kt || kt[i]); };

            float threshold = -INFINITY;
            if (mask.choice != LACUNA_CHOICE_NONE) {
                candidates.clear();
                for (int i = 0; i < M; i++) {
                    value[i] = std::fabs(mask.choice == LACUNA_CHOICE_GATE ? gt[i] : xt[i]);
                    if (!mask.weight.empty()) {
                        value[i] *= mask.weight[i];
                    }
                    if (mask.top > 0 && is_kept(i)) {
                        candidates.push_back(value[i]);
                    }
                }
                threshold = mask.top > 0 ? threshold_of_top(candidates, mask.top) : mask.threshold;
            }

            for (int i = 0; i < M; i++) {
                if (is_kept(i) && (mask.choice == LACUNA_CHOICE_NONE || value[i] >= threshold)) {
                    active[ith]++;
                } else {
                    const bool dropped = !mask.keep.empty() && !mask.keep[i];
                    xt[i] = dropped && !mask.mean.empty() ? mask.mean[i] : 0.0f;
                }
            }
        }
    });

    int64_t res = 0;
    for (const auto n : active) {
        res += n;
    }
    return res;
}
