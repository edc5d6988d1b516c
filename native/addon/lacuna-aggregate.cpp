#include "lacuna-aggregate.h"

#include <cmath>
#include <stdexcept>

lacuna_aggregation lacuna_aggregation_from_name(const std::string & name) {
    if (name == "mean") {
        return LACUNA_AGGREGATION_MEAN;
    }
    if (name == "of-mean") {
        return LACUNA_AGGREGATION_OF_MEAN;
    }
    if (name == "norm") {
        return LACUNA_AGGREGATION_NORM;
    }
    throw std::invalid_argument("unknown aggregation: " + name);
}

static std::vector<float> mean_over_tokens(const lacuna_units & u, const float * values) {
    const size_t row = (size_t) u.n_unit*u.width;

    std::vector<double> sum(row);
    for (int t = 0; t < u.n_token; t++) {
        for (size_t i = 0; i < row; i++) {
            sum[i] += values[t*row + i];
        }
    }
    std::vector<float> res(row);
    for (size_t i = 0; i < row; i++) {
        res[i] = (float) (sum[i]/u.n_token);
    }
    return res;
}

// fn(t, scores of that token)
template <typename F>
static void for_each_token(const lacuna_units & u, const float * x, const float * g, const float * w_norm, uint32_t metrics, F && fn) {
    const size_t row = (size_t) u.n_unit*u.width;

    lacuna_scores scores;
    for (int t = 0; t < u.n_token; t++) {
        lacuna_score_backward({ u.n_unit, u.width, 1, 1 }, x + t*row, g + t*row, w_norm, metrics, scores);
        fn(t, scores);
    }
}

static void aggregate_norm(const lacuna_units & u, const float * x, const float * g, const float * w_norm, uint32_t metrics,
                           lacuna_scores & out) {
    std::map<lacuna_metric, std::vector<double>> sums;

    for_each_token(u, x, g, w_norm, metrics, [&](int, const lacuna_scores & scores) {
        for (const auto & [metric, values] : scores) {
            auto & sum = sums[metric];
            sum.resize(u.n_unit);

            double norm2 = 0.0;
            for (const float v : values) {
                norm2 += (double) v*v;
            }
            for (int k = 0; k < u.n_unit && norm2 > 0.0; k++) {
                sum[k] += (double) values[k]*values[k]/norm2;
            }
        }
    });
    for (const auto & [metric, sum] : sums) {
        auto & res = out[metric];
        res.resize(u.n_unit);
        for (int k = 0; k < u.n_unit; k++) {
            res[k] = (float) std::sqrt(sum[k]);
        }
    }
}

void lacuna_aggregate_backward(const lacuna_units & u, const float * x, const float * g, const float * w_norm, uint32_t metrics,
                               lacuna_aggregation aggregation, lacuna_scores & out) {
    switch (aggregation) {
        case LACUNA_AGGREGATION_MEAN: {
            lacuna_score_backward(u, x, g, w_norm, metrics, out);
        } break;
        case LACUNA_AGGREGATION_OF_MEAN: {
            const auto x_mean = mean_over_tokens(u, x);
            const auto g_mean = mean_over_tokens(u, g);
            lacuna_score_backward({ u.n_unit, u.width, 1, u.n_threads }, x_mean.data(), g_mean.data(), w_norm, metrics, out);
        } break;
        case LACUNA_AGGREGATION_NORM: {
            aggregate_norm(u, x, g, w_norm, metrics, out);
        } break;
    }
}

void lacuna_score_tokens(const lacuna_units & u, const float * x, const float * g, const float * w_norm, uint32_t metrics,
                         lacuna_scores & out) {
    for_each_token(u, x, g, w_norm, metrics, [&](int, const lacuna_scores & scores) {
        for (const auto & [metric, values] : scores) {
            out[metric].insert(out[metric].end(), values.begin(), values.end());
        }
    });
}
