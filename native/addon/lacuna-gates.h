#pragma once

#include <cstdint>
#include <vector>

// How large the activated gate of each neuron is over the positions of a window, for thresholds of any subset of the neurons

// |silu(gate)| in steps of half an octave: bin i holds [2^(i/2 - 12), 2^((i + 1)/2 - 12)), the first and the last what is beyond
constexpr int LACUNA_GATE_BINS = 32;

struct lacuna_gates {
    std::vector<uint16_t> histogram; // [n_ff, LACUNA_GATE_BINS]: positions, at most 65535
    std::vector<float>    up;        // [n_ff]: mean of |up|
    std::vector<float>    down;      // [n_ff]: norms of the columns of down
};

// act: silu(gate), up: both [n_token, n_ff]
lacuna_gates lacuna_measure_gates(const float * act, const float * up, int n_ff, int n_token, int n_threads);
