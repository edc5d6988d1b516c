#pragma once

#include "ggml.h"

#include <vector>

// L2 norms of the columns of w, [w->ne[0]]: the outgoing weights of the units that w is applied to.
// w is readable by the CPU, of any type; n_threads >= 1.
std::vector<float> lacuna_column_norms(const ggml_tensor * w, int n_threads);
