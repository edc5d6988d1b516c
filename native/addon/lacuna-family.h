#pragma once

#include "lacuna-activation.h"
#include "lacuna-rows.h"

#include <string>

struct llama_layer;
struct llama_model;

enum lacuna_norm_kind {
    LACUNA_NORM_RMS,
    LACUNA_NORM_LAYER,
};

// What the blocks of a model compute beyond what their tensors tell. The tensors tell of biases, of norms after attention and FFN and of queries
// and keys, of a gate apart, fused with up, or missing, and of attention and FFN side by side (no norm before the FFN: it gets attention's)
struct lacuna_form {
    lacuna_norm_kind  norm;
    float             norm_eps;
    lacuna_activation activation;

    // factors; 1 where a model has none
    float embedding_scale;
    float attention_scale; // of queries times keys
    float residual_scale;  // of what attention and FFN add
    float logit_scale;

    // c*tanh(x/c) instead of x; 0: none
    float attention_cap;
    float logit_cap;

    // every rope_step-th layer has no RoPE; 0: all have
    int rope_step;

    // of what the output layer computes, [n]
    void finish_logits(float * logits, int n) const;

    // derivative of a finished logit by what the output layer computed
    float logit_slope(float logit) const { return logit_scale*(logit_cap > 0.0f ? 1.0f - (logit/logit_cap)*(logit/logit_cap) : 1.0f); }
};

// of a model that lacuna_unsupported_reason finds nothing wrong with
lacuna_form lacuna_form_of(const llama_model & model);

// matrices of a layer, wherever the file has them
lacuna_rows lacuna_query_rows(const llama_model & model, const llama_layer & layer);
lacuna_rows lacuna_key_rows  (const llama_model & model, const llama_layer & layer);
lacuna_rows lacuna_value_rows(const llama_model & model, const llama_layer & layer);
lacuna_rows lacuna_gate_rows (const llama_layer & layer);
lacuna_rows lacuna_up_rows   (const llama_layer & layer);

// Empty if what a model computes is known, otherwise a sentence for the user that names the first tensor or metadata key that is not
std::string lacuna_unsupported_reason(const llama_model & model);
