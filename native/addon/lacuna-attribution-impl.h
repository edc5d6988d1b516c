#pragma once

#include "lacuna-attribution.h"
#include "lacuna-blocks.h"

#include <algorithm>

// Shapes as in lacuna-blocks.h, and P = predicting positions, the last P of the N

// What the backward pass needs of a layer's forward pass
struct lacuna_kept_layer {
    ggml_tensor * x;      // [E, N] input of the layer
    ggml_tensor * fi;     // [E, P] input of the FFN
    ggml_tensor * ao;     // [E, P] output of the attention, and of the FFN, before the norms that come after them; null: there are none
    ggml_tensor * fo;
    ggml_tensor * q;      // [D*H, P] before q norm and RoPE
    ggml_tensor * k, * v; // [D*K, N] likewise
    ggml_tensor * gate;   // [M, P]; null: the FFN has none
    ggml_tensor * up;     // [M, P]
};

enum lacuna_unit_kind { UNIT_NEURONS, UNIT_HEADS };

struct lacuna_attribution::impl : lacuna_blocks {
    const lacuna_weights & weights;
    const lacuna_attribution_params params;

    const int n_pred; // P
    const int first;  // the first predicting position

    const bool backward;
    const bool ig;
    const bool has_gate;
    const bool parallel; // the FFN gets the attention's normalised input

    lacuna_runner runner;

    ggml_context_ptr        ctx;
    ggml_backend_buffer_ptr buf;
    ggml_type               wt_type;

    std::vector<lacuna_kept_layer> kept;
    std::vector<bool>              recompute;

    T h      = nullptr;                   // [E, N] residual stream of the forward pass
    T hn     = nullptr;                   // [E, P] normalised, input of the output layer
    T G      = nullptr;                   // [E, P] dF/d(residual stream)
    T R      = nullptr;                   // [E, P] the same after attention
    T dn     = nullptr;                   // [E, P] dF/d(normalised input of the FFN)
    T da     = nullptr;                   // [E, P] of that, what an FFN beside the attention adds to the attention's; null: they are in sequence
    T dgate  = nullptr, dup = nullptr;    // [M, P]
    T wt     = nullptr;                   // transposed weights, as bytes

    std::vector<uint8_t> wt_staging;      // for devices

    // online softmax over slices of the vocabulary
    std::vector<float>  logits, label_rows, label_slope, row_scale, z_inv;
    std::vector<double> row_max, row_sum, label_logit;

    std::vector<lacuna_layer_scores> scores;
    double F = 0.0;

    // where the next step is
    lacuna_phase phase = LACUNA_PHASE_FORWARD;
    int          layer = 0;
    int          slice = 0;
    int          ig_unit = UNIT_NEURONS, ig_step = 1;
    std::vector<float>  diagonal; // [P, P] for own_term
    std::vector<double> ig_sum;
    std::vector<float>  ig_x;

    double  cost_done = 0.0;
    int64_t us_forward = 0, us_backward = 0;
    int64_t us_logits = 0; // the forward part of the last output slice
    size_t  peak = 0;

    impl(const lacuna_weights & weights, lacuna_attribution_params p);

    // sizes

    int64_t n_weights_attn() const { return (int64_t) E*D*(2*H + 2*K); }
    int64_t n_weights_ffn()  const { return (int64_t) (has_gate ? 3 : 2)*E*M; }
    int     n_slice_rows()   const { return std::min(M, V); }
    int     n_slices()       const { return (V + n_slice_rows() - 1)/n_slice_rows(); }

    double cost_layer() const { return (double) (n_weights_attn() + n_weights_ffn()); }
    double cost_slice() const { return (double) n_slice_rows()*E*(backward ? 2 : 1); }
    double cost_total() const;

    void allocate();
    void check_memory();

    // pieces of graphs

    T ffn(io & g, int il, T fi, T an, int r0, T * x_out, T * up_out = nullptr);
    T ffn_output(io & g, int il, T x, T fi, int r0);
    T attention_output(io & g, int il, T attn, T x, int r0);
    T normalised(io & g, int il, T x) const { return norm(g, x, model.layers[il].attn_norm, model.layers[il].attn_norm_b); }

    // dF/d(what a branch computes before the norm w), from dF/d(residual stream): see lacuna_blocks::add
    T branch_vjp(io & g, T out, T w, T d) const;

    // passes

    void embed();
    void forward_layer(int il, int r0, bool score);
    void begin_output();
    void output_slice(int i, bool with_gradient);
    void end_output(bool with_gradient);
    void backward_ffn(int il, bool score, lacuna_values * dx_out, bool stop_at_neurons);
    void backward_attention(int il, bool score, lacuna_values * da_out, bool stop_at_heads);
    void backward_layer(int il, bool score);
    void forward_scaled(int il, lacuna_unit_kind kind, float scale);
    void ig_evaluate(int il, lacuna_unit_kind kind, int k);

    // w^T, to multiply gradients with: [rows.n, w->ne[0]], at `offset` elements of the shared buffer
    T transposed(io & g, const lacuna_rows & rows, int64_t offset = 0);

    lacuna_units units(lacuna_unit_kind kind) const {
        return kind == UNIT_NEURONS ? lacuna_units { M, 1, n_pred, params.n_threads } : lacuna_units { H, D, n_pred, params.n_threads };
    }

    int32_t label(int t) const { return params.labels.empty() ? params.tokens[params.start + t] : params.labels[t]; }

    // norms of the outgoing weights, if a metric needs them
    std::vector<float> w_norms(T w, bool always = false) const;

    lacuna_progress step();
    lacuna_progress progress() const { return { phase, layer, std::min(1.0, cost_done/cost_total()) }; }
    void advance();
};
