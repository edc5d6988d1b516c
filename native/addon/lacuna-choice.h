#pragma once

#include "lacuna-planes.h"

#include <atomic>
#include <memory>
#include <string>
#include <vector>

// An FFN of which every token reads what it needs, in three stages:
//
//   up    the upper plane of every row
//   gate  of the neurons with the largest |u|*weight_gate, the upper plane of the row; without a gate, there is no such stage
//   down  of those, the neurons with the largest |x|*weight_down, where x is the activation, a(g)*u or a(u): the upper plane of the column. For those of them that would be off
//         most without it, the lower planes of all three, too, with which their activation is computed anew
//
// The weights are those of a file, from attribution. How many neurons each stage reads is given, so a token's bytes are known; what it reads
// depends on the token alone, not on the number of threads.

struct lacuna_choice_params {
    std::vector<float> gate; // [n_ff] weights of |u|
    std::vector<float> down; // [n_ff] weights of |x|

    // neurons whose gate is read, whose down is, and that are read in full; n_gate >= n_down >= n_full
    int n_gate = 0;
    int n_down = 0;
    int n_full = 0;
};

// Of a context; its layers are computed one after the other
struct lacuna_choice_workspace {
    // name: of the kernels; empty: the fastest that this processor can run. Throws std::invalid_argument
    explicit lacuna_choice_workspace(const std::string & name);

    const std::string            asked;
    const lacuna_plane_kernels * kernels;

    // sums of parts of the neurons, which are the same for any number of threads
    static constexpr int MAX_PARTS = 64;
    std::vector<std::vector<float>> partial; // [MAX_PARTS][n_token*n_embd]
};

class lacuna_choice_ffn {
public:
    // biases: [n_ff] or empty. Throws std::invalid_argument if params do not fit
    lacuna_choice_ffn(std::shared_ptr<lacuna_choice_workspace> workspace, std::shared_ptr<const lacuna_plane_layer> layer,
                      std::vector<float> up_b, std::vector<float> gate_b);

    // may change between two evaluations; throws std::invalid_argument
    void set(lacuna_choice_params params);

    // x: [n_embd, n_tokens]; returns down(a(gate)*up)
    ggml_tensor * build(ggml_context * ctx, ggml_tensor * x);

    uint64_t n_tokens() const { return tokens.load(std::memory_order_relaxed); }

private:
    static void compute_up  (ggml_tensor * dst, int ith, int nth, void * self);
    static void compute_gate(ggml_tensor * dst, int ith, int nth, void * self);
    static void compute_down(ggml_tensor * dst, int ith, int nth, void * self);

    struct inputs;
    struct columns;
    struct buffers;
    void compute_full(const inputs & in, const ggml_tensor * up, const ggml_tensor * act, int t, int i0, int i1, buffers & buf) const;
    void find(columns & c, int first, int last, int token, const buffers & buf) const;
    void add (columns & c, const columns & next, void * work, float * y) const;

    std::shared_ptr<lacuna_choice_workspace>  workspace;
    std::shared_ptr<const lacuna_plane_layer> layer;
    const lacuna_plane_kernels *              kernels;

    lacuna_choice_params params;
    std::vector<float>   up_b, gate_b;

    // Pieces of an operation, which threads take one by one: none of them waits for a slower one
    struct pieces {
        std::atomic<int> taken { 0 }, left { 0 };

        int take() { return taken.fetch_add(1, std::memory_order_relaxed); }

        // by each thread once, when there is nothing to take; true: it was the last one
        bool leave(int nth) {
            if (left.fetch_add(1, std::memory_order_acq_rel) < nth - 1) {
                return false;
            }
            taken.store(0, std::memory_order_relaxed);
            left .store(0, std::memory_order_relaxed);
            return true;
        }
    };

    pieces work;
    std::atomic<uint64_t> tokens { 0 };
};
