#include "lacuna-move.h"

#include <algorithm>
#include <stdexcept>

// A part waits as a sequence of its own, from 1 on: cells of a cache with one stream belong to any of them
static const int MAX_PARTS = 8;

bool lacuna_can_move(llama_context * ctx) {
    const auto * model = llama_get_model(ctx);

    // what has no RoPE may have learned absolute positions; a recurrent state is one of all tokens
    return llama_memory_can_shift(llama_get_memory(ctx)) && llama_model_rope_type(model) != LLAMA_ROPE_TYPE_NONE &&
        !llama_model_is_recurrent(model) && !llama_model_is_hybrid(model) && llama_n_seq_max(ctx) == 1;
}

void lacuna_set_aside(llama_context * ctx, int position, const std::vector<lacuna_part> & parts) {
    auto * mem = llama_get_memory(ctx);

    const int end = llama_memory_seq_pos_max(mem, 0) + 1;

    int at = position;
    for (const auto & part : parts) {
        const bool apart = std::all_of(parts.begin(), parts.end(), [&](const auto & other) {
            return &other == &part || other.to <= part.from || part.to <= other.from;
        });
        if (!apart || part.from < position || part.to <= part.from || part.to > end || part.at < at) {
            throw std::invalid_argument("the parts of a sequence must be in it, apart, and in the order in which they are to be");
        }
        at = part.at + part.to - part.from;
    }
    if (parts.size() > MAX_PARTS || at > (int) llama_n_ctx_seq(ctx)) {
        throw std::invalid_argument("the parts of a sequence must fit into the context");
    }
    if (!parts.empty() && !lacuna_can_move(ctx)) {
        throw std::invalid_argument("the model's entries cannot be used elsewhere");
    }

    for (int i = 0; i < MAX_PARTS; i++) {
        llama_memory_seq_rm(mem, i + 1, -1, -1);
    }
    for (int i = 0; i < (int) parts.size(); i++) {
        llama_memory_seq_cp(mem, 0, i + 1, parts[i].from, parts[i].to);
    }
    llama_memory_seq_rm(mem, 0, position, -1);
    for (int i = 0; i < (int) parts.size(); i++) {
        llama_memory_seq_add(mem, i + 1, parts[i].from, parts[i].to, parts[i].at - parts[i].from);
    }
}

void lacuna_take_back(llama_context * ctx, int position, int index) {
    auto * mem = llama_get_memory(ctx);

    if (index < 0 || index >= MAX_PARTS || llama_memory_seq_pos_min(mem, index + 1) != position ||
        llama_memory_seq_pos_max(mem, 0) + 1 < position) {
        throw std::invalid_argument("there is no such part that follows the sequence");
    }
    llama_memory_seq_rm(mem, 0, position, -1);
    llama_memory_seq_cp(mem, index + 1, 0, -1, -1);
    llama_memory_seq_rm(mem, index + 1, -1, -1);
}
