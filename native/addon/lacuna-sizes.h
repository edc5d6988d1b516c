#pragma once

#include <vector>

// How large the parts of each neuron are over the positions of a window: what a token's choice compares with
struct lacuna_sizes {
    std::vector<float> up;   // [n_ff] RMS of up
    std::vector<float> x;    // [n_ff] RMS of the activation
    std::vector<float> down; // [n_ff] norms of the columns of down
};

// x: silu(gate)*up, up: both [n_token, n_ff]; down is left empty
lacuna_sizes lacuna_measure_sizes(const float * x, const float * up, int n_ff, int n_token, int n_threads);
