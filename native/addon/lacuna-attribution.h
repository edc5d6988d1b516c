#pragma once

#include "lacuna-aggregate.h"
#include "lacuna-sizes.h"
#include "lacuna-scores.h"
#include "lacuna-weights.h"

#include <memory>
#include <string>
#include <vector>

// Attribution of the log-likelihood of a window's tokens to FFN neurons and attention heads.
//
// F = sum of log p(tokens[i] | tokens[0..i)) for i in [start, end). Positions are predicting positions if they have a
// term in F: [start - 1, end - 1). Scores are means over those.
//
// The graph is our own: llama.cpp's writes K and V through the cache, where gradients end, and ggml's autodiff needs
// operations that few backends have for quantised weights. The vector-Jacobian products here are made of forward
// operations on the weights of the loaded model, so they run wherever inference runs. W^T g is a mul_mat with W
// transposed on the CPU into a buffer that all layers share.

struct lacuna_attribution_params {
    std::vector<int32_t> tokens;
    int      start      = 1;
    int      end        = 0;
    uint32_t metrics    = LACUNA_METRIC_CORRECTED_GXO;
    int      n_ig_steps = 20;
    uint32_t seed       = 1;
    int      n_threads  = 1;
    int      n_ctx      = 0; // see lacuna_blocks

    // Activations kept from the forward pass for the backward pass. What does not fit at full precision is kept at a
    // lower one, and what does not fit at all is computed again.
    size_t   keep_bytes = (size_t) 208*1024*1024;

    bool sizes = false; // keep lacuna_layer_scores::sizes

    // for studies

    std::vector<int32_t> labels; // [end - start] instead of the tokens; the model still reads the tokens
    lacuna_aggregation   aggregation = LACUNA_AGGREGATION_MEAN;

    // The gradient of each position's own term of F only, as if each were attributed alone: nothing flows to a position
    // from later ones.
    bool own_term = false;

    bool neurons_only = false; // integrated gradients of neurons only
    bool token_scores = false; // keep lacuna_layer_scores::tokens
};

struct lacuna_layer_scores {
    lacuna_scores neurons;
    lacuna_scores heads;
    lacuna_scores tokens; // of neurons, by gradient, if asked for: [end - start, n_ff]
    std::vector<float> mean; // [n_ff]
    lacuna_sizes  sizes;
};

enum lacuna_phase {
    LACUNA_PHASE_FORWARD,
    LACUNA_PHASE_OUTPUT,
    LACUNA_PHASE_BACKWARD,
    LACUNA_PHASE_IG,
    LACUNA_PHASE_DONE,
};

struct lacuna_progress {
    lacuna_phase phase;
    int          layer;
    double       fraction;
};

class lacuna_attribution {
public:
    // throws std::invalid_argument if the window is not inside the tokens, std::runtime_error if memory is short
    lacuna_attribution(const lacuna_weights & weights, lacuna_attribution_params params);
    ~lacuna_attribution();

    // computes the next piece: a layer forward, a slice of the vocabulary, or a layer backward
    lacuna_progress step();

    double F() const;
    const std::vector<lacuna_layer_scores> & layers() const;

    // compute buffers and kept activations, weights excluded
    size_t peak_bytes() const;

    double ms_forward()  const;
    double ms_backward() const;

private:
    struct impl;
    std::unique_ptr<impl> pimpl;
};
