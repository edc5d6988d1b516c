#pragma once

#include "lacuna-study.h"

// Masks the activations x [n_token, M] in place, gate: [n_token, M] after the activation function.
// Returns the neurons that are active, over all tokens.
int64_t lacuna_study_select(const lacuna_layer_mask & mask, int M, int n_token, const float * gate, float * x, int n_threads);

