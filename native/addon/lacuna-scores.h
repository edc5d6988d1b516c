#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

// Per-token metrics and their means over the predicting positions of a window.
// Corrected GxO: arXiv 2406.06562; GRIFFIN: arXiv 2404.01365; Wanda: arXiv 2306.11695; FLAP: arXiv 2312.11983.

enum lacuna_metric : uint32_t {
    LACUNA_METRIC_CORRECTED_GXO = 1 << 0,
    LACUNA_METRIC_GXO           = 1 << 1,
    LACUNA_METRIC_SNIP          = 1 << 2,
    LACUNA_METRIC_GRADIENT      = 1 << 3,
    LACUNA_METRIC_IG            = 1 << 4,
    LACUNA_METRIC_MAGNITUDE     = 1 << 5,
    LACUNA_METRIC_GRIFFIN       = 1 << 6,
    LACUNA_METRIC_WANDA         = 1 << 7,
    LACUNA_METRIC_FLAP          = 1 << 8,
    LACUNA_METRIC_RANDOM        = 1 << 9,
    LACUNA_METRIC_CORRECTED_GXO_WEIGHTED = 1 << 10,
};

constexpr uint32_t LACUNA_METRICS_BACKWARD =
    LACUNA_METRIC_CORRECTED_GXO | LACUNA_METRIC_GXO | LACUNA_METRIC_SNIP | LACUNA_METRIC_GRADIENT | LACUNA_METRIC_CORRECTED_GXO_WEIGHTED;

// throws std::invalid_argument
lacuna_metric lacuna_metric_from_name(const std::string & name);
const char *  lacuna_metric_name(lacuna_metric metric);
const std::vector<lacuna_metric> & lacuna_all_metrics();

// metric -> one score for each unit
using lacuna_scores = std::map<lacuna_metric, std::vector<float>>;

// The units of one layer: neurons (width 1) or attention heads (width = head_dim).
// Values are stored token by token: v[t*n_unit*width + unit*width + d].
struct lacuna_units {
    int n_unit;
    int width;
    int n_token;
    int n_threads;
};

// Metrics that need activations only; w_norm[n_unit*width]: norms of the outgoing weights.
// mean (may be null) receives the mean activation, [n_unit*width].
void lacuna_score_forward(const lacuna_units & units, const float * x, const float * w_norm, uint32_t metrics,
                          lacuna_scores & out, std::vector<float> * mean);

// Metrics that need dF/dx as well; w_norm as above
void lacuna_score_backward(const lacuna_units & units, const float * x, const float * g, const float * w_norm, uint32_t metrics,
                           lacuna_scores & out);

// Integrated gradients from the sum of the gradients over the steps
void lacuna_score_ig(const lacuna_units & units, const float * x, const std::vector<double> & g_sum, int n_steps, lacuna_scores & out);

// Uniform in [0, 1), a function of the seed and the layer only
void lacuna_score_random(int n_unit, uint32_t seed, uint32_t layer, lacuna_scores & out);
