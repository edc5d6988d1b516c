#pragma once

#include "lacuna-planes-codes.h"
#include "lacuna-planes-memory.h"
#include "lacuna-rows.h"

#include "ggml.h"

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

// The weights of an FFN, neuron by neuron, the codes of its quantised values divided into two planes: their upper bits, which alone are about
// what a file of fewer bits would be, and the rest. Both together are the file's own values. A row of up or gate is read along n_embd as in the file; down is
// transposed, so that the column of a neuron is a row here, too, and its scales, which 32 (or 16) neurons share, lie apart.

struct llama_layer;

// Rows of up or gate
struct lacuna_plane_rows {
    // rows: readable by the CPU, [n_embd, n_ff]
    lacuna_plane_rows(const lacuna_rows & rows, lacuna_plane_memory & memory, int n_threads);

    const uint8_t * scales(int64_t i) const { return base.get() + i*base_size; }
    const uint8_t * high  (int64_t i) const { return scales(i) + scales_size; }
    const uint8_t * low   (int64_t i) const { return rest.get() + i*rest_size; }

    // values of row i, [n_embd], as the file has them
    void to_float(int64_t i, float * dst) const;

    lacuna_plane_type type;
    int64_t n_embd, n_ff;
    size_t  scales_size, base_size, rest_size; // of a row

    std::vector<float> error; // [n_ff] norms of what the lower plane adds

private:
    std::shared_ptr<uint8_t> base, rest;
};

// Columns of down
struct lacuna_plane_columns {
    // w: readable by the CPU, [n_ff, n_embd]
    lacuna_plane_columns(const ggml_tensor * w, lacuna_plane_memory & memory, int n_threads);

    int group_size() const { return lacuna_scale_block(type.kind); }

    const uint8_t * high(int64_t i) const { return base.get() + i*base_size; }
    const uint8_t * low (int64_t i) const { return rest.get() + i*rest_size; }

    const uint8_t * super (int64_t group) const { return shared.get() + n_group*group_scales + group*group_size()/LACUNA_SUPER_BLOCK*super_size; }
    const uint8_t * scales(int64_t group) const { return shared.get() + group*group_scales; }

    // values of neuron i, [n_embd], as the file has them
    void to_float(int64_t i, float * dst) const;

    lacuna_plane_type type;
    int64_t n_embd, n_padded, n_ff, n_group; // n_embd, and to whole units
    size_t  base_size, rest_size;            // of a column
    size_t  group_scales, super_size, shared_size;

    std::vector<float> error; // [n_ff] norms of what the lower plane adds, in relation to the column's

private:
    std::shared_ptr<uint8_t> base, rest, shared;
};

struct lacuna_plane_layer {
    // of weights that are readable by the CPU; gate may be none
    lacuna_plane_layer(lacuna_activation activation, const lacuna_rows & up, const lacuna_rows & gate, const ggml_tensor * down, lacuna_plane_memory & memory,
                       int n_threads);

    lacuna_activation activation;

    lacuna_plane_rows                up;
    std::optional<lacuna_plane_rows> gate;
    lacuna_plane_columns             down;

    size_t bytes() const;
};

// How many bytes a token reads of a layer
struct lacuna_plane_sizes {
    double file;                       // all of it, as the file has it
    double up, gate, down;             // upper planes of all neurons
    double shared;                     // scales of down, which are always read
    double up_rest, gate_rest, down_rest; // what a neuron in full has beyond, for all of them
};

lacuna_plane_sizes lacuna_plane_sizes_of(const llama_layer & layer);

class lacuna_weights;

// The planes of a model, which its contexts share; layers are made one by one
class lacuna_planes {
public:
    explicit lacuna_planes(std::shared_ptr<lacuna_weights> weights);

    // Does nothing if the layer is there. Returns its bytes. Throws std::invalid_argument if it cannot be divided, std::bad_alloc
    size_t make(int il, int n_threads);

    // null: not made yet
    std::shared_ptr<const lacuna_plane_layer> layer(int il) const;

    // of all layers that were made
    size_t bytes() const;

    // contexts that use them keep theirs
    void clear();

private:
    std::shared_ptr<lacuna_weights> weights;
    std::mutex making;
    lacuna_plane_memory memory;
    mutable std::mutex mutex;
    std::vector<std::shared_ptr<const lacuna_plane_layer>> layers;
};

// Empty, or why a token cannot choose with this model
std::string lacuna_choice_unavailable_reason(const lacuna_weights & weights);
