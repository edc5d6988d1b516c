#pragma once

#include "lacuna-scores.h"

// How the per-token values of the metrics that need gradients become one score for each unit
enum lacuna_aggregation {
    LACUNA_AGGREGATION_MEAN,    // mean of the per-token values
    LACUNA_AGGREGATION_OF_MEAN, // the metric of the mean activation and the mean gradient
    LACUNA_AGGREGATION_NORM,    // L2 norm over the tokens of the values over their norm in the layer, as GRIFFIN does with |x|
};

// throws std::invalid_argument
lacuna_aggregation lacuna_aggregation_from_name(const std::string & name);

// lacuna_score_backward with any aggregation
void lacuna_aggregate_backward(const lacuna_units & units, const float * x, const float * g, const float * w_norm, uint32_t metrics,
                               lacuna_aggregation aggregation, lacuna_scores & out);

// The values of every token: metric -> [n_token*n_unit]
void lacuna_score_tokens(const lacuna_units & units, const float * x, const float * g, const float * w_norm, uint32_t metrics,
                         lacuna_scores & out);
