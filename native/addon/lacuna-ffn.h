#pragma once

#include "lacuna-sparse.h"
#include "lacuna-weights.h"

#include "llama.h"

#include <memory>
#include <optional>
#include <vector>

// The packed FFNs of one context: for each layer, the rows of gate and up and the columns of down that are kept,
// in the buffer type that decodes fastest

struct lacuna_ffn_options {
    // down is quantised along the neurons, so its columns cannot be gathered byte by byte
    std::optional<ggml_type> down_type; // default: Q8_0 for quantised models, otherwise as in the model

    std::vector<float> mean;            // [n_ff] or empty: what the dropped neurons leave behind

    // If set: of the rows, up and down of those whose |silu(gate)|*weight is below this are not read, token by token
    std::optional<float> threshold;
    std::vector<float>   weight;        // [n_ff] or empty
    std::string          kernels;       // of lacuna-sparse-kernels.h; empty: the fastest

    int n_threads = 1;
};

class lacuna_ffn {
public:
    explicit lacuna_ffn(std::shared_ptr<lacuna_weights> weights);
    ~lacuna_ffn();

    // rows: ascending and unique; throws std::invalid_argument, or std::runtime_error if llama.cpp refuses.
    // Returns the packed bytes of the layer. Does nothing if the layer is packed like that already.
    size_t set_rows(llama_context * ctx, int il, const std::vector<int32_t> & rows, const lacuna_ffn_options & options);

    // back to the dense layer
    void clear(llama_context * ctx, int il);

    size_t packed_bytes() const;

    // what the layers with a threshold have computed since they were packed, summed over the layers
    struct counters {
        uint64_t tokens     = 0;
        uint64_t active     = 0; // neurons whose up and down were read, summed over the tokens
        uint64_t candidates = 0; // neurons whose gate was, likewise
    };
    counters read() const;

private:
    struct packed_layer;

    std::shared_ptr<lacuna_weights> weights;
    std::shared_ptr<lacuna_sparse_workspace> workspace;
    std::vector<std::unique_ptr<packed_layer>> layers;
};

// Row counts are padded to a multiple of this
int lacuna_ffn_row_multiple(const llama_model & model);
