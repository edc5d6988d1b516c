#pragma once

#include "lacuna-sparse.h"

// The second level where a layer's weights are in the memory of a device: an operation of that device's backend, which the patch series
// adds to CUDA (ggml-sparse-ffn.h). Threshold, list of active neurons and counters stay on the device.

// Whether the backend of dev has the operation for these weights
bool lacuna_sparse_device_supported(ggml_backend_dev_t dev, const lacuna_sparse_layout & layout);

class lacuna_sparse_device {
public:
    // tensors in the device's memory: I8 [record_size, n_row], F32 [n_row], I64 [2], F32 [n_row] or null
    lacuna_sparse_device(const lacuna_sparse_layout & layout, ggml_tensor * records, ggml_tensor * limit, ggml_tensor * counted, ggml_tensor * up_b);

    // weight: [n_row] or empty; as in lacuna_sparse_ffn. May change between two evaluations
    void set_threshold(float threshold, const std::vector<float> & weight);

    // as lacuna_sparse_ffn::build
    ggml_tensor * build(ggml_context * ctx, ggml_tensor * x, ggml_tensor * gate) const;

    // waits for the device
    lacuna_sparse_counters counters() const;

private:
    const lacuna_sparse_layout layout;

    ggml_tensor * const records;
    ggml_tensor * const limit;
    ggml_tensor * const counted;
    ggml_tensor * const up_b;
};
