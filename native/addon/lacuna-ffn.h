#pragma once

#include "lacuna-choice.h"
#include "lacuna-weights.h"

#include "llama.h"

#include <memory>
#include <optional>
#include <vector>

// What the FFNs of one context read: a choice for every token, or a mask for all of them. Of a mask, the rows of gate and up and the columns
// of down that are kept are packed, in the buffer type that decodes fastest

struct lacuna_ffn_options {
    // down is quantised along the neurons, so its columns cannot be gathered byte by byte
    std::optional<ggml_type> down_type; // default: Q8_0 for quantised models, otherwise as in the model

    std::vector<float> mean;            // [n_ff] or empty: what the dropped neurons leave behind

    int n_threads = 1;
};

class lacuna_ffn {
public:
    lacuna_ffn(std::shared_ptr<lacuna_weights> weights, std::shared_ptr<lacuna_planes> planes);
    ~lacuna_ffn();

    // rows: ascending and unique; throws std::invalid_argument, or std::runtime_error if llama.cpp refuses.
    // Returns the packed bytes of the layer. Does nothing if the layer is packed like that already.
    size_t set_rows(llama_context * ctx, int il, const std::vector<int32_t> & rows, const lacuna_ffn_options & options);

    // Every token chooses for itself from now on. The layer's planes must have been made. kernels: empty: the fastest.
    // Throws std::invalid_argument, or std::runtime_error if llama.cpp refuses
    void set_choice(llama_context * ctx, int il, lacuna_choice_params params, const std::string & kernels);

    // back to the dense layer
    void clear(llama_context * ctx, int il);

    size_t packed_bytes() const;

    // tokens that chose, summed over the layers
    uint64_t n_chosen() const;

private:
    struct packed_layer;

    void replace(llama_context * ctx, int il, std::unique_ptr<packed_layer> layer);

    std::shared_ptr<lacuna_weights> weights;
    std::shared_ptr<lacuna_planes>  planes;
    std::shared_ptr<lacuna_choice_workspace> workspace;
    std::vector<std::unique_ptr<packed_layer>> layers;
};

// Row counts are padded to a multiple of this
int lacuna_ffn_row_multiple(const llama_model & model);
