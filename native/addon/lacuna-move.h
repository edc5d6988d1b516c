#pragma once

#include "llama.h"

#include <vector>

// Parts of what sequence 0 of a context holds, set aside to follow other tokens than before: the entries keep what they were computed from,
// and their keys are turned to their new positions

struct lacuna_part {
    int from = 0; // first token of it in the sequence
    int to   = 0; // behind the last
    int at   = 0; // where the first is to be
};

// Whether a token's entries can be used at another position
bool lacuna_can_move(llama_context * ctx);

// Sets parts aside, in the order in which they are to be and apart from each other, and forgets everything else that the sequence holds from position on.
// What has been set aside before is forgotten. Throws std::invalid_argument
void lacuna_set_aside(llama_context * ctx, int position, const std::vector<lacuna_part> & parts);

// Puts the part that was given as the index-th one behind the first tokens of the sequence, up to position, where it is to be; what else the
// sequence holds there is forgotten. Throws std::invalid_argument
void lacuna_take_back(llama_context * ctx, int position, int index);
