#pragma once

#include "lacuna-graph.h"

#include "llama-model.h"

#include <vector>

// Pieces of the graph of a llama, qwen2 or qwen3 model on n_pos tokens. lacuna-support.cpp decides which models these
// describe rightly.
//
// Shapes: E = n_embd, N = evaluated positions, D = head_dim, H = query heads, K = key/value heads, M = n_ff. The first
// dimension is contiguous, as in ggml.

// [D, R*H/K, K] queries (those of a group as extra rows), [D, N, K] keys and values, [N, R*H/K, K] probabilities
struct lacuna_attention {
    ggml_tensor * q, * k, * v, * p;
    ggml_tensor * out; // [D*H, R]
};

class lacuna_blocks {
public:
    using T  = ggml_tensor *;
    using io = lacuna_runner::io;

    lacuna_blocks(const llama_model & model, int n_pos);

    const llama_model   & model;
    const llama_hparams & hp;

    const int n_layer, E, D, H, K, M, V;
    const int n_pos; // N

    T f32(io & g, T t) const { return t->type == GGML_TYPE_F32 ? t : ggml_cast(g.ctx, t, GGML_TYPE_F32); }
    T rows(io & g, T t, int r0, int n) const {
        return n == t->ne[1] ? t : ggml_view_2d(g.ctx, t, t->ne[0], n, t->nb[1], r0*t->nb[1]);
    }
    T linear(io & g, T w, T b, T x) const;
    T rms(io & g, T x, T w) const { return ggml_mul(g.ctx, ggml_rms_norm(g.ctx, x, hp.f_norm_rms_eps), w); }
    T rms_vjp(io & g, T x, T w, T dy) const;

    // x: [D, n_head, n]; sign -1 rotates back, which is the vector-Jacobian product
    T rope(io & g, T x, T pos, int il, float sign) const;

    T to_heads(io & g, T x) const;   // [D, n_head, n] -> [D, n, n_head]
    T from_heads(io & g, T x) const; // [D, n, n_head] -> [D*n_head, n]
    T transpose(io & g, T x) const { return ggml_cont(g.ctx, ggml_transpose(g.ctx, x)); }

    float attention_scale() const;

    // causal attention of the positions from r0 on; q: [D*H, R] of those, k and v: [D*K, N]; before norms and RoPE
    lacuna_attention attend(io & g, int il, T q, T k, T v, int r0);

    T ffn_down(io & g, int il, T x, T fi) const; // x: [M, R] activations, fi: [E, R] input of the FFN

    std::vector<int32_t> positions; // 0..N-1

private:
    std::vector<float> mask;        // [N, N - r0] for the r0 it was made for
    int                mask_r0 = -1;

protected:
    size_t mask_bytes() const { return mask.capacity()*sizeof(float); }
};
