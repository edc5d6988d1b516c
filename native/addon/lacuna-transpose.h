#pragma once

#include "ggml.h"

// dst[c*n_row + r] = w[first + r][c] for the n_row rows from first on; dst is F32 or BF16, [n_row, w->ne[0]].
// w is readable by the CPU, of any type.
void lacuna_transpose(const ggml_tensor * w, int64_t first, int64_t n_row, ggml_type dst_type, void * dst, int n_threads);
