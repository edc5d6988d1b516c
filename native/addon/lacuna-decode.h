#pragma once

#include "lacuna-head.h"

#include "llama.h"

#include <cstdint>
#include <vector>

// Greedy decoding on sequence 0 of a context of our own, without the samplers and queues around llama_decode, which
// take longer than a small model does

struct lacuna_decode_params {
    std::vector<llama_token> tokens; // [n >= 1], at most a batch

    int position  = 0; // of tokens[0]; what the sequence holds from there on is forgotten
    int n_outputs = 0; // 0 .. n

    std::vector<llama_token> allowed; // if any, the only ones to choose from
    std::vector<llama_token> labels;  // [n_outputs] or empty: what really comes next

    bool full_head = false; // even if the context has a screened one
};

struct lacuna_decode_result {
    // after each of the last n_outputs tokens:
    std::vector<int32_t> next;           // the likeliest token, of equals the first
    std::vector<float>   log_likelihood; // ln p(label), if there are labels
};

// Throws std::invalid_argument, or std::runtime_error if llama.cpp fails; then the sequence ends at position.
// head: of the context; may be null
lacuna_decode_result lacuna_decode(llama_context * ctx, const lacuna_decode_params & params, lacuna_head * head);
