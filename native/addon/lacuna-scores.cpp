#include "lacuna-scores.h"

#include "lacuna-parallel.h"

#include <cmath>
#include <random>
#include <stdexcept>

static const std::vector<std::pair<lacuna_metric, const char *>> METRIC_NAMES = {
    { LACUNA_METRIC_CORRECTED_GXO, "corrected-gxo" },
    { LACUNA_METRIC_GXO,           "gxo"           },
    { LACUNA_METRIC_SNIP,          "snip"          },
    { LACUNA_METRIC_GRADIENT,      "gradient"      },
    { LACUNA_METRIC_IG,            "ig"            },
    { LACUNA_METRIC_MAGNITUDE,     "magnitude"     },
    { LACUNA_METRIC_GRIFFIN,       "griffin"       },
    { LACUNA_METRIC_WANDA,         "wanda"         },
    { LACUNA_METRIC_FLAP,          "flap"          },
    { LACUNA_METRIC_RANDOM,        "random"        },
    { LACUNA_METRIC_CORRECTED_GXO_WEIGHTED, "corrected-gxo-weighted" },
};

lacuna_metric lacuna_metric_from_name(const std::string & name) {
    for (const auto & [metric, n] : METRIC_NAMES) {
        if (name == n) {
            return metric;
        }
    }
    throw std::invalid_argument("unknown metric: " + name);
}

const char * lacuna_metric_name(lacuna_metric metric) {
    for (const auto & [m, name] : METRIC_NAMES) {
        if (m == metric) {
            return name;
        }
    }
    return "";
}

const std::vector<lacuna_metric> & lacuna_all_metrics() {
    static const auto all = [] {
        std::vector<lacuna_metric> res;
        for (const auto & entry : METRIC_NAMES) {
            res.push_back(entry.first);
        }
        return res;
    }();
    return all;
}

// fn(first, last) over disjoint ranges of units
template <typename F> static void for_unit_ranges(const lacuna_units & u, F && fn) {
    lacuna_parallel(u.n_threads, [&](int ith) {
        const int64_t n = std::max(1, u.n_threads);
        fn((int) (u.n_unit*ith/n), (int) (u.n_unit*(ith + 1)/n));
    });
}

// a number for each token, which needs all units of that token
template <typename F> static std::vector<double> for_each_token(const lacuna_units & u, F && fn) {
    std::vector<double> res(u.n_token);
    lacuna_parallel(u.n_threads, [&](int ith) {
        for (int t = ith; t < u.n_token; t += std::max(1, u.n_threads)) {
            res[t] = fn(t);
        }
    });
    return res;
}

// the output of a unit as one number: |x| of a neuron, the L2 norm of a head
static double magnitude(const float * x, int width) {
    if (width == 1) {
        return std::fabs(x[0]);
    }
    double sum = 0.0;
    for (int d = 0; d < width; d++) {
        sum += (double) x[d]*x[d];
    }
    return std::sqrt(sum);
}

static double mean(const float * g, int width) {
    double sum = 0.0;
    for (int d = 0; d < width; d++) {
        sum += g[d];
    }
    return sum/width;
}

static double mean_product(const float * g, const float * x, int width) {
    double sum = 0.0;
    for (int d = 0; d < width; d++) {
        sum += (double) g[d]*x[d];
    }
    return sum/width;
}

static std::vector<float> & slot(lacuna_scores & out, uint32_t metrics, lacuna_metric metric, int n_unit, std::vector<float> & unused) {
    if (!(metrics & metric)) {
        return unused;
    }
    auto & res = out[metric];
    res.resize(n_unit);
    return res;
}

void lacuna_score_forward(const lacuna_units & u, const float * x, const float * w_norm, uint32_t metrics,
                          lacuna_scores & out, std::vector<float> * mean_out) {
    const size_t row = (size_t) u.n_unit*u.width;

    const auto norms = for_each_token(u, [&](int t) {
        double sum = 0.0;
        for (size_t i = 0; i < row; i++) {
            sum += (double) x[t*row + i]*x[t*row + i];
        }
        return std::sqrt(sum);
    });

    std::vector<float> unused(u.n_unit);
    auto & mag     = slot(out, metrics, LACUNA_METRIC_MAGNITUDE, u.n_unit, unused);
    auto & griffin = slot(out, metrics, LACUNA_METRIC_GRIFFIN,   u.n_unit, unused);
    auto & wanda   = slot(out, metrics, LACUNA_METRIC_WANDA,     u.n_unit, unused);
    auto & flap    = slot(out, metrics, LACUNA_METRIC_FLAP,      u.n_unit, unused);
    if (mean_out) {
        mean_out->resize(row);
    }

    for_unit_ranges(u, [&](int first, int last) {
        // token by token, so that memory is read in order
        const size_t n = (size_t) (last - first)*u.width;
        std::vector<double> sum(n), sum_sq(n), sum_mag(last - first), sum_rel(last - first);

        for (int t = 0; t < u.n_token; t++) {
            const float * xt = x + t*row + (size_t) first*u.width;
            for (size_t i = 0; i < n; i++) {
                sum[i]    += xt[i];
                sum_sq[i] += (double) xt[i]*xt[i];
            }
            const double scale = norms[t] > 0.0 ? 1.0/norms[t] : 0.0;
            for (int k = 0; k < last - first; k++) {
                const double m = magnitude(xt + (size_t) k*u.width, u.width);
                sum_mag[k] += m;
                sum_rel[k] += (m*scale)*(m*scale);
            }
        }

        for (int k = 0; k < last - first; k++) {
            double sq = 0.0, var = 0.0;
            for (int d = 0; d < u.width; d++) {
                const size_t i  = (size_t) k*u.width + d;
                const double w  = w_norm[(size_t) first*u.width + i];
                const double mu = sum[i]/u.n_token;
                const double ms = sum_sq[i]/u.n_token;
                sq  += ms*w*w;
                var += std::max(0.0, ms - mu*mu)*w*w;
                if (mean_out) {
                    (*mean_out)[(size_t) first*u.width + i] = (float) mu;
                }
            }
            const auto set = [&](std::vector<float> & v, double value) {
                if (&v != &unused) {
                    v[first + k] = (float) value;
                }
            };
            set(mag,     sum_mag[k]/u.n_token);
            set(griffin, std::sqrt(sum_rel[k]));
            set(wanda,   std::sqrt(sq));
            set(flap,    std::sqrt(var));
        }
    });
}

// norms of the units' outgoing weights over their mean
static std::vector<double> relative_norms(const lacuna_units & u, const float * w_norm) {
    std::vector<double> res(u.n_unit);
    double sum = 0.0;
    for (int k = 0; k < u.n_unit; k++) {
        res[k] = magnitude(w_norm + (size_t) k*u.width, u.width);
        sum += res[k];
    }
    for (auto & r : res) {
        r = sum > 0.0 ? r*u.n_unit/sum : 1.0;
    }
    return res;
}

void lacuna_score_backward(const lacuna_units & u, const float * x, const float * g, const float * w_norm, uint32_t metrics,
                           lacuna_scores & out) {
    const size_t row = (size_t) u.n_unit*u.width;

    // || dF/dx || of the layer, same token; for heads: over the heads' mean gradients
    const auto g_norms = for_each_token(u, [&](int t) {
        double sum = 0.0;
        for (int k = 0; k < u.n_unit; k++) {
            const double m = mean(g + t*row + (size_t) k*u.width, u.width);
            sum += m*m;
        }
        return std::sqrt(sum);
    });

    std::vector<float> unused(u.n_unit);
    auto & corrected = slot(out, metrics, LACUNA_METRIC_CORRECTED_GXO, u.n_unit, unused);
    auto & gxo       = slot(out, metrics, LACUNA_METRIC_GXO,           u.n_unit, unused);
    auto & snip      = slot(out, metrics, LACUNA_METRIC_SNIP,          u.n_unit, unused);
    auto & gradient  = slot(out, metrics, LACUNA_METRIC_GRADIENT,      u.n_unit, unused);
    auto & weighted  = slot(out, metrics, LACUNA_METRIC_CORRECTED_GXO_WEIGHTED, u.n_unit, unused);

    const auto w_rel = relative_norms(u, w_norm);

    for_unit_ranges(u, [&](int first, int last) {
        struct sums { double correction = 0.0, gxo = 0.0, snip = 0.0, gradient = 0.0; };
        std::vector<sums> acc(last - first);

        for (int t = 0; t < u.n_token; t++) {
            for (int k = 0; k < last - first; k++) {
                const float * xk = x + t*row + (size_t) (first + k)*u.width;
                const float * gk = g + t*row + (size_t) (first + k)*u.width;
                const double  gx = mean_product(gk, xk, u.width);
                acc[k].gxo        += gx;
                acc[k].snip       += std::fabs(gx);
                acc[k].gradient   += mean(gk, u.width);
                acc[k].correction += 0.5*magnitude(xk, u.width)*g_norms[t];
            }
        }

        for (int k = 0; k < last - first; k++) {
            const auto set = [&](std::vector<float> & v, double value) {
                if (&v != &unused) {
                    v[first + k] = (float) (value/u.n_token);
                }
            };
            set(corrected, acc[k].gxo + acc[k].correction);
            set(weighted,  acc[k].gxo + acc[k].correction*w_rel[first + k]);
            set(gxo,       acc[k].gxo);
            set(snip,      acc[k].snip);
            set(gradient,  acc[k].gradient);
        }
    });
}

void lacuna_score_ig(const lacuna_units & u, const float * x, const std::vector<double> & g_sum, int n_steps, lacuna_scores & out) {
    const size_t row = (size_t) u.n_unit*u.width;

    auto & ig = out[LACUNA_METRIC_IG];
    ig.assign(u.n_unit, 0.0f);

    for (int k = 0; k < u.n_unit; k++) {
        double sum = 0.0;
        for (int t = 0; t < u.n_token; t++) {
            for (int d = 0; d < u.width; d++) {
                const size_t i = t*row + (size_t) k*u.width + d;
                sum += x[i]*g_sum[i];
            }
        }
        ig[k] = (float) (sum/n_steps/u.width/u.n_token);
    }
}

void lacuna_score_random(int n_unit, uint32_t seed, uint32_t layer, lacuna_scores & out) {
    // std::mt19937_64 is specified bit by bit, the distributions of <random> are not
    std::mt19937_64 rng(((uint64_t) seed << 32) | layer);

    auto & scores = out[LACUNA_METRIC_RANDOM];
    scores.resize(n_unit);
    for (auto & score : scores) {
        score = (float) (rng() >> 40)/(float) (1 << 24);
    }
}
