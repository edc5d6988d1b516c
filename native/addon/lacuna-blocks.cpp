#include "lacuna-blocks.h"

#include <algorithm>
#include <cmath>

lacuna_blocks::lacuna_blocks(const llama_model & model, int n_pos, int n_ctx)
    : model(model), hp(model.hparams), form(lacuna_form_of(model)),
      n_layer((int) hp.n_layer()), E((int) hp.n_embd), D((int) hp.n_embd_head_v()), H((int) hp.n_head()), K((int) hp.n_head_kv()),
      M((int) hp.n_ff()), V((int) model.output->ne[1]), n_pos(n_pos), n_ctx(n_ctx), positions(std::max(0, n_pos)) {
    for (int i = 0; i < n_pos; i++) {
        positions[i] = i;
    }
}

ggml_tensor * lacuna_blocks::linear(io & g, T w, T b, T x) const {
    T y = ggml_mul_mat(g.ctx, w, x);

    return b ? ggml_add(g.ctx, y, b) : y;
}

// RMSNorm of the values less their mean is LayerNorm; taking the mean away is symmetric, so it is its own vector-Jacobian product
static ggml_tensor * centred(ggml_context * c, ggml_tensor * x) {
    return ggml_sub(c, x, ggml_scale(c, ggml_sum_rows(c, x), 1.0f/x->ne[0]));
}

ggml_tensor * lacuna_blocks::norm(io & g, T x, T w, T b) const {
    T xn = form.norm == LACUNA_NORM_RMS ? ggml_rms_norm(g.ctx, x, form.norm_eps) : ggml_norm(g.ctx, x, form.norm_eps);
    T y  = ggml_mul(g.ctx, xn, w);

    return b ? ggml_add(g.ctx, y, b) : y;
}

// y = w*xn with xn = x/r, r = sqrt(mean(x^2) + eps):  dx = (dy*w - xn*mean(dy*w*xn))/r
ggml_tensor * lacuna_blocks::norm_vjp(io & g, T x, T w, T dy) const {
    auto * c = g.ctx;
    const float n = (float) x->ne[0];
    const bool centre = form.norm == LACUNA_NORM_LAYER;

    if (centre) {
        x = centred(c, x);
    }
    T dyw = ggml_mul(c, dy, w);
    T xn  = ggml_rms_norm(c, x, form.norm_eps);
    T r   = ggml_sqrt(c, ggml_scale_bias(c, ggml_sum_rows(c, ggml_sqr(c, x)), 1.0f/n, form.norm_eps));
    T dot = ggml_scale(c, ggml_sum_rows(c, ggml_mul(c, dyw, xn)), 1.0f/n);
    T dx  = ggml_div(c, ggml_sub(c, dyw, ggml_mul(c, xn, dot)), r);

    return centre ? centred(c, dx) : dx;
}

namespace {

struct yarn {
    float ext;  // how much of the interpolation is YaRN's
    float attn; // what rotated columns are multiplied with
};

} // namespace

// as llama_context's constructor does, for a context that is asked for nothing
static yarn yarn_of(const llama_hparams & hp) {
    const float ext  = hp.yarn_ext_factor >= 0.0f ? hp.yarn_ext_factor : hp.rope_scaling_type_train == LLAMA_ROPE_SCALING_TYPE_YARN ? 1.0f : 0.0f;
    if (ext == 0.0f) {
        return { ext, hp.yarn_attn_factor*hp.rope_attn_factor };
    }
    const float factor = 1.0f/hp.rope_freq_scale_train;
    const auto  mscale = [&](float by) { return factor <= 1.0f ? 1.0f : 0.1f*by*logf(factor) + 1.0f; };
    const float wanted = hp.rope_yarn_log_mul != 0.0f ? mscale(1.0f)/mscale(hp.rope_yarn_log_mul) : mscale(1.0f);

    return { ext, wanted/(1.0f + 0.1f*logf(factor))*hp.rope_attn_factor }; // ggml multiplies by the divisor
}

ggml_tensor * lacuna_blocks::rope(io & g, T x, T pos, int il, float sign) const {
    if (!hp.has_rope(il) || (form.rope_step > 0 && (il + 1) % form.rope_step == 0)) {
        return x;
    }
    // as llama_context and llama_model::get_rope_factors do
    const auto & l = model.layers[il];
    const bool swa = hp.is_swa(il);
    const float base  = swa ? hp.rope_freq_base_train_swa : hp.rope_freq_base_train;
    const float scale = swa ? hp.rope_freq_scale_train_swa : hp.rope_scaling_type_train == LLAMA_ROPE_SCALING_TYPE_NONE ? 1.0f : hp.rope_freq_scale_train;

    T factors = l.rope_freqs ? l.rope_freqs : n_ctx > (int64_t) hp.n_ctx_orig_yarn ? l.rope_long : l.rope_short;

    const auto y = yarn_of(hp);

    return (sign < 0.0f ? ggml_rope_ext_back : ggml_rope_ext)(g.ctx, x, pos, factors, (int) hp.n_rot(il), (int) llama_model_rope_type(&model),
            (int) hp.n_ctx_orig_yarn, base, scale, y.ext, y.attn, hp.yarn_beta_fast, hp.yarn_beta_slow);
}

ggml_tensor * lacuna_blocks::to_heads(io & g, T x) const {
    return ggml_cont(g.ctx, ggml_permute(g.ctx, x, 0, 2, 1, 3));
}

ggml_tensor * lacuna_blocks::from_heads(io & g, T x) const {
    T y = ggml_cont(g.ctx, ggml_permute(g.ctx, x, 0, 2, 1, 3));

    return ggml_reshape_2d(g.ctx, y, y->ne[0]*y->ne[1], y->ne[2]);
}

lacuna_projections lacuna_blocks::project(io & g, int il, T an) const {
    auto * c = g.ctx;
    const auto & l = model.layers[il];

    if (!l.wqkv) {
        return { linear(g, l.wq, l.wq_b, an), linear(g, l.wk, l.wk_b, an), linear(g, l.wv, l.wv_b, an) };
    }
    T all = linear(g, l.wqkv, l.wqkv_b, an);

    const auto part = [&](const lacuna_rows & r, T b) {
        T y = ggml_cont(c, ggml_view_2d(c, all, r.n, all->ne[1], all->nb[1], r.first*ggml_type_size(all->type)));

        return b && !l.wqkv_b ? ggml_add(c, y, b) : y;
    };
    return { part(lacuna_query_rows(model, l), l.wq_b), part(lacuna_key_rows(model, l), l.wk_b), part(lacuna_value_rows(model, l), l.wv_b) };
}

lacuna_attention lacuna_blocks::attend(io & g, int il, T q, T k, T v, int r0) {
    auto * c = g.ctx;
    const auto & l = model.layers[il];
    const int R = n_pos - r0;
    const int n_seen = hp.is_swa(il) ? (int) hp.n_swa : n_pos;

    auto & mask = hp.is_swa(il) ? window_mask : this->mask;
    if (mask.r0 != r0) {
        mask.values.assign((size_t) n_pos*R, -INFINITY);
        for (int i = 0; i < R; i++) {
            const int last = r0 + i, n = std::min(last + 1, n_seen);
            std::fill_n(mask.values.begin() + (size_t) i*n_pos + last + 1 - n, n, 0.0f);
        }
        mask.r0 = r0;
    }
    T m     = g.input(GGML_TYPE_F32, { n_pos, R }, mask.values.data());
    T pos_q = g.input(GGML_TYPE_I32, { R },     positions.data() + r0);
    T pos_k = g.input(GGML_TYPE_I32, { n_pos }, positions.data());

    q = ggml_reshape_3d(c, q, D, H, R);
    k = ggml_reshape_3d(c, k, D, K, n_pos);
    v = ggml_reshape_3d(c, v, D, K, n_pos);
    if (l.attn_q_norm) {
        q = norm(g, q, l.attn_q_norm, nullptr);
    }
    if (l.attn_k_norm) {
        k = norm(g, k, l.attn_k_norm, nullptr);
    }

    lacuna_attention res;
    res.q = ggml_reshape_3d(c, to_heads(g, rope(g, q, pos_q, il, 1.0f)), D, R*H/K, K);
    res.k = to_heads(g, rope(g, k, pos_k, il, 1.0f));
    res.v = to_heads(g, v);
    res.tanh = nullptr;

    T s = ggml_reshape_3d(c, ggml_mul_mat(c, res.k, res.q), n_pos, R, H);
    float scale = form.attention_scale;
    if (form.attention_cap > 0.0f) {
        s        = ggml_tanh(c, ggml_scale(c, s, scale/form.attention_cap));
        scale    = form.attention_cap;
        res.tanh = ggml_reshape_3d(c, s, n_pos, R*H/K, K);
    }
    res.p = ggml_reshape_3d(c, ggml_soft_max_ext(c, s, m, scale, 0.0f), n_pos, R*H/K, K);

    T o = ggml_mul_mat(c, transpose(g, res.v), res.p);
    res.out = from_heads(g, ggml_reshape_3d(c, o, D, R, H));

    return res;
}

lacuna_hidden lacuna_blocks::hidden(io & g, int il, T fi, T an) const {
    auto * c = g.ctx;
    const auto & l = model.layers[il];

    T fn = l.ffn_norm ? norm(g, fi, l.ffn_norm, l.ffn_norm_b) : an;
    T up = linear(g, l.ffn_up, l.ffn_up_b, fn);

    const auto gate_rows = lacuna_gate_rows(l);
    if (gate_rows.w == l.ffn_up) {
        const auto half = [&](const lacuna_rows & r) { return ggml_cont(c, ggml_view_2d(c, up, r.n, up->ne[1], up->nb[1], r.first*ggml_type_size(up->type))); };
        return { half(gate_rows), half(lacuna_up_rows(l)) };
    }
    return { gate_rows ? linear(g, l.ffn_gate, l.ffn_gate_b, fn) : nullptr, up };
}

// not ggml_gelu, which the CPU looks up in a table of halves
ggml_tensor * lacuna_blocks::squashed(io & g, T x) const {
    return form.activation == LACUNA_SILU ? x : ggml_mul(g.ctx, ggml_scale_bias(g.ctx, ggml_sqr(g.ctx, x), LACUNA_GELU_Z3, LACUNA_GELU_Z1), x);
}

ggml_tensor * lacuna_blocks::slope(io & g, T x) const {
    return form.activation == LACUNA_SILU ? nullptr : ggml_scale_bias(g.ctx, ggml_sqr(g.ctx, x), 3*LACUNA_GELU_Z3, LACUNA_GELU_Z1);
}

ggml_tensor * lacuna_blocks::activate(io & g, const lacuna_hidden & h) const {
    if (form.activation == LACUNA_SILU && h.gate) {
        return ggml_swiglu_split(g.ctx, h.gate, h.up);
    }
    T x = h.gate ? h.gate : h.up;
    T a = ggml_mul(g.ctx, ggml_sigmoid(g.ctx, squashed(g, x)), x);

    return h.gate ? ggml_mul(g.ctx, a, h.up) : a;
}

ggml_tensor * lacuna_blocks::add(io & g, T x, T out, T w) const {
    if (w) {
        out = norm(g, out, w, nullptr);
    }
    if (form.residual_scale != 1.0f) {
        out = ggml_scale(g.ctx, out, form.residual_scale);
    }
    return ggml_add(g.ctx, out, x);
}
