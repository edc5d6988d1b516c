#pragma once

#include "lacuna-sparse-kernels.h"

#include "ggml-cpp.h"

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

struct llama_model;

// The second level of sparsity. Gate is computed for the neurons that were kept; up and down only for those whose
// |silu(gate)| reaches the layer's threshold, token by token. The weights of a neuron lie side by side in one record,
// so that an active one is a single read of 2-3 KB and an inactive one is none.

// Empty, or why the second level is not available for this model
std::string lacuna_sparse_unavailable_reason(const llama_model & model);

// How the down projection is stored in records; nothing for types that are not
std::optional<lacuna_down_type> lacuna_sparse_down_type(ggml_type type);

struct lacuna_sparse_layout {
    lacuna_sparse_layout(ggml_type up_type, ggml_type down_type, int64_t n_embd);

    ggml_type        up_type;
    lacuna_down_type down_type;

    int64_t n_embd;
    size_t  up_offset;   // of the row of up in a record; the column of down comes first
    size_t  record_size; // a multiple of the cache line
};

// Writes the columns of down into records: column i of record r is values[i*stride + r], for i in [i0, i0 + 32) or up to n_embd
void lacuna_sparse_write_down(const lacuna_sparse_layout & layout, uint8_t * record, int64_t i0, const float * values);

// What has been read since the beginning
struct lacuna_sparse_counters {
    uint64_t tokens = 0;
    uint64_t active = 0; // neurons, summed over the tokens
};

// The threads of a context's sparse FFNs, which run one after the other, and what they share
class lacuna_sparse_workspace {
public:
    // name: of the kernels; empty: the fastest that this processor can run. Throws std::invalid_argument
    lacuna_sparse_workspace(int64_t n_embd, const std::string & name);

    static constexpr int MAX_THREADS = 64; // more than that find nothing to do
    static constexpr int MAX_SHARED  = 8;  // tokens of a batch that threads work on together

    // [MAX_SHARED][n_embd]
    float * partial(int ith) { return partials.get() + (size_t) ith*MAX_SHARED*n_embd; }

    const std::string             asked;
    const lacuna_sparse_kernels * kernels;
    const int64_t                 n_embd;

private:
    std::unique_ptr<float[]> partials; // never touched for threads that do not exist
};

class lacuna_sparse_ffn {
public:
    lacuna_sparse_ffn(std::shared_ptr<lacuna_sparse_workspace> workspace, const lacuna_sparse_layout & layout, const uint8_t * records, int n_row);

    // x: [n_embd, n_tokens], gate: [n_row, n_tokens] or padded, before the activation; returns down(silu(gate)*up)
    ggml_tensor * build(ggml_context * ctx, ggml_tensor * x, ggml_tensor * gate);

    lacuna_sparse_counters counters() const;

    // may change between two evaluations
    float threshold = 0.0f;

    std::vector<float> weight; // [n_row] or empty: factors of |silu(gate)| in the comparison
    std::vector<float> up_b;   // [n_row] or empty

private:
    static void compute(ggml_tensor * dst, int ith, int nth, void * self);

    struct slice;
    void run(const slice & s) const;

    std::shared_ptr<lacuna_sparse_workspace> workspace;
    const lacuna_sparse_layout layout;
    const uint8_t * records;
    const int n_row;

    const struct ggml_type_traits_cpu * traits;     // of up
    void (*quantize)(const float *, void *, int64_t); // input -> what up is multiplied with
    size_t x_size;
    void  (*prepare)(void *, int);
    float (*dot)(const void *, const void *, const void *, int);    // null: ggml's vec_dot

    std::atomic<int>      finished { 0 };
    std::atomic<uint64_t> n_active { 0 };
    std::atomic<uint64_t> n_tokens { 0 };
};
