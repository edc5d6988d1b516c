#pragma once

#include "lacuna-weights.h"

#include <memory>
#include <vector>

// Teacher-forced forward passes of a masked model, for studies. Any neuron of any token can be left out: nothing is
// saved by it, but whatever an engine could leave out can be tried.
//
// Positions [from, n - 1) are evaluated; each predicts the next token. R = n - 1 - from, M = n_ff.

struct lacuna_study_params {
    std::vector<int32_t> tokens;
    int  from             = 0;
    bool keep_activations = false; // of all n - 1 positions, see lacuna_study::activations
    int  n_threads        = 1;
};

// By what a token chooses among the neurons that are kept for it
enum lacuna_choice {
    LACUNA_CHOICE_NONE,
    LACUNA_CHOICE_GATE, // of the gate, |silu(gate)|
    LACUNA_CHOICE_X,    // |silu(gate)*up|
};

struct lacuna_layer_mask {
    std::vector<uint8_t> keep;       // [M] or empty: all
    std::vector<float>   mean;       // [M] or empty: what neurons outside of `keep` leave behind
    std::vector<uint8_t> token_keep; // [R, M] or empty: all; needs dense_prefix
    std::vector<uint8_t> heads;      // [n_head] or empty: all

    lacuna_choice      choice    = LACUNA_CHOICE_NONE;
    std::vector<float> weight;       // [M] or empty: 1; what the value is multiplied with
    float              threshold = 0.0f; // the least value that is kept,
    int                top       = 0;    // or how many of the largest, if not 0
};

struct lacuna_study_variant {
    std::vector<lacuna_layer_mask> layers; // [n_layer]
    bool dense_prefix = true;  // positions before `from` are dense; otherwise masked, too
    bool logits       = false;
};

struct lacuna_study_result {
    std::vector<float>   log_likelihood; // [R] ln p(next token)
    std::vector<int32_t> top1;           // [R]
    std::vector<float>   kl;             // [R] KL(dense || masked) over the whole vocabulary, nats
    std::vector<double>  active;         // [n_layer] neurons per evaluated token
    std::vector<float>   logits;         // [R, n_vocab] if asked for
};

struct lacuna_study_activations {
    std::vector<float> x;    // [n - 1, M] silu(gate)*up, or as the model has it
    std::vector<float> gate; // [n - 1, M] silu(gate), or as the model has it; x where there is no gate
};

class lacuna_study {
public:
    // Evaluates the dense model. throws std::invalid_argument, or std::runtime_error if memory is short.
    lacuna_study(const lacuna_weights & weights, lacuna_study_params params);
    ~lacuna_study();

    const lacuna_study_result & dense() const; // kl is zero

    // throws std::invalid_argument if the sizes of a mask are wrong
    lacuna_study_result run(const lacuna_study_variant & variant);

    // Of the dense pass; throws std::invalid_argument if they were not kept
    const lacuna_study_activations & activations(int il) const;

private:
    struct impl;
    std::unique_ptr<impl> pimpl;
};
