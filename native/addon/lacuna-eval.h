#pragma once

#include "llama.h"

#include <vector>

struct lacuna_eval_params {
    std::vector<llama_token> tokens;
    int  from        = 0; // positions [from, n - 1) predict tokens[from + 1 .. n)
    int  dense_until = 0; // positions before this one use the dense FFN
    bool logits      = false;
};

struct lacuna_eval_result {
    std::vector<float>   log_likelihood; // ln p(tokens[i + 1]), [n - 1 - from]
    std::vector<int32_t> top1;           // [n - 1 - from]
    std::vector<float>   logits;         // [n - from, n_vocab] if asked for
};

// Teacher-forced evaluation on sequence 0, which is cleared before and after.
// throws std::invalid_argument, or std::runtime_error if decoding fails
lacuna_eval_result lacuna_eval(llama_context * ctx, const lacuna_eval_params & params);
