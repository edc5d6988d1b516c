#pragma once

#include "lacuna-family.h"
#include "lacuna-graph.h"

#include "llama-model.h"

#include <vector>

// Pieces of a model's graph on n_pos tokens, as its form and its tensors tell. lacuna_unsupported_reason decides which models these
// describe rightly.
//
// Shapes: E = n_embd, N = evaluated positions, D = head_dim, H = query heads, K = key/value heads, M = n_ff. The first
// dimension is contiguous, as in ggml.

// [D, R*H/K, K] queries (those of a group as extra rows), [D, N, K] keys and values, [N, R*H/K, K] probabilities
struct lacuna_attention {
    ggml_tensor * q, * k, * v, * p;
    ggml_tensor * tanh; // [N, R*H/K, K] of capped scores; null: they are not
    ggml_tensor * out;  // [D*H, R]
};

struct lacuna_projections { ggml_tensor * q, * k, * v; };

struct lacuna_hidden {
    ggml_tensor * gate; // [M, R]; null: the FFN has none
    ggml_tensor * up;   // [M, R]
};

class lacuna_blocks {
public:
    using T  = ggml_tensor *;
    using io = lacuna_runner::io;

    // n_ctx: of the context that is spoken of, as some models' RoPE depends on it; 0: no longer than what they were first trained on
    lacuna_blocks(const llama_model & model, int n_pos, int n_ctx);

    const llama_model   & model;
    const llama_hparams & hp;
    const lacuna_form     form;

    const int n_layer, E, D, H, K, M, V;
    const int n_pos; // N
    const int n_ctx;

    T f32(io & g, T t) const { return t->type == GGML_TYPE_F32 ? t : ggml_cast(g.ctx, t, GGML_TYPE_F32); }
    T rows(io & g, T t, int r0, int n) const {
        return n == t->ne[1] ? t : ggml_view_2d(g.ctx, t, t->ne[0], n, t->nb[1], r0*t->nb[1]);
    }
    T linear(io & g, T w, T b, T x) const;
    T norm(io & g, T x, T w, T b) const; // b may be null
    T norm_vjp(io & g, T x, T w, T dy) const;

    // x: [D, n_head, n]; sign -1 rotates back, which is the vector-Jacobian product
    T rope(io & g, T x, T pos, int il, float sign) const;

    T to_heads(io & g, T x) const;   // [D, n_head, n] -> [D, n, n_head]
    T from_heads(io & g, T x) const; // [D, n, n_head] -> [D*n_head, n]
    T transpose(io & g, T x) const { return ggml_cont(g.ctx, ggml_transpose(g.ctx, x)); }

    lacuna_projections project(io & g, int il, T an) const; // before norms and RoPE

    // causal attention of the positions from r0 on; q: [D*H, R] of those, k and v: [D*K, N]; before norms and RoPE
    lacuna_attention attend(io & g, int il, T q, T k, T v, int r0);

    // an: [E, R] normalised input of the attention, which an FFN beside it gets, too
    lacuna_hidden hidden(io & g, int il, T fi, T an) const;

    // z(x) of lacuna-activation.h, and its derivative; the latter is null where it is 1
    T squashed(io & g, T x) const;
    T slope(io & g, T x) const;

    T activate(io & g, const lacuna_hidden & h) const; // [M, R]

    // x + what a branch (attention or FFN) adds to it: out, after the norm w, which may be null
    T add(io & g, T x, T out, T w) const;

    T ffn_down(io & g, int il, T x) const { return linear(g, model.layers[il].ffn_down, model.layers[il].ffn_down_b, x); }

    std::vector<int32_t> positions; // 0..N-1

private:
    // [N, N - r0] for the r0 that it was made for
    struct causal_mask {
        std::vector<float> values;
        int                r0 = -1;
    };
    causal_mask mask, window_mask; // the latter for layers that see n_swa positions

protected:
    size_t mask_bytes() const { return (mask.values.capacity() + window_mask.values.capacity())*sizeof(float); }
};
