#pragma once

#include <cstdint>

struct ggml_tensor;

// Rows [first, first + n) of a weight: files may hold several matrices in one tensor. w is null for what a model does not have
struct lacuna_rows {
    ggml_tensor * w     = nullptr;
    int64_t       first = 0;
    int64_t       n     = 0;

    explicit operator bool() const { return w != nullptr; }
};
