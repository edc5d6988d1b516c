#include "lacuna-blocks.h"

#include <algorithm>
#include <cmath>

lacuna_blocks::lacuna_blocks(const llama_model & model, int n_pos)
    : model(model), hp(model.hparams),
      n_layer((int) hp.n_layer()), E((int) hp.n_embd), D((int) hp.n_embd_head_v()), H((int) hp.n_head()), K((int) hp.n_head_kv()),
      M((int) hp.n_ff()), V((int) model.output->ne[1]), n_pos(n_pos), positions(std::max(0, n_pos)) {
    for (int i = 0; i < n_pos; i++) {
        positions[i] = i;
    }
}

ggml_tensor * lacuna_blocks::linear(io & g, T w, T b, T x) const {
    T y = ggml_mul_mat(g.ctx, w, x);

    return b ? ggml_add(g.ctx, y, b) : y;
}

// y = w*xn with xn = x/r, r = sqrt(mean(x^2) + eps):  dx = (dy*w - xn*mean(dy*w*xn))/r
ggml_tensor * lacuna_blocks::rms_vjp(io & g, T x, T w, T dy) const {
    auto * c = g.ctx;
    const float n = (float) x->ne[0];

    T dyw = ggml_mul(c, dy, w);
    T xn  = ggml_rms_norm(c, x, hp.f_norm_rms_eps);
    T r   = ggml_sqrt(c, ggml_scale_bias(c, ggml_sum_rows(c, ggml_sqr(c, x)), 1.0f/n, hp.f_norm_rms_eps));
    T dot = ggml_scale(c, ggml_sum_rows(c, ggml_mul(c, dyw, xn)), 1.0f/n);

    return ggml_div(c, ggml_sub(c, dyw, ggml_mul(c, xn, dot)), r);
}

ggml_tensor * lacuna_blocks::rope(io & g, T x, T pos, int il, float sign) const {
    // as llama_context does
    const float scale = hp.rope_scaling_type_train == LLAMA_ROPE_SCALING_TYPE_NONE ? 1.0f : hp.rope_freq_scale_train;

    return ggml_rope_ext(g.ctx, x, pos, model.layers[il].rope_freqs, D, (int) llama_model_rope_type(&model), (int) hp.n_ctx_orig_yarn,
            hp.rope_freq_base_train, sign*scale, 0.0f, 1.0f, 32.0f, 1.0f);
}

float lacuna_blocks::attention_scale() const {
    return hp.f_attention_scale == 0.0f ? 1.0f/sqrtf((float) D) : hp.f_attention_scale;
}

ggml_tensor * lacuna_blocks::to_heads(io & g, T x) const {
    return ggml_cont(g.ctx, ggml_permute(g.ctx, x, 0, 2, 1, 3));
}

ggml_tensor * lacuna_blocks::from_heads(io & g, T x) const {
    T y = ggml_cont(g.ctx, ggml_permute(g.ctx, x, 0, 2, 1, 3));

    return ggml_reshape_2d(g.ctx, y, y->ne[0]*y->ne[1], y->ne[2]);
}

lacuna_attention lacuna_blocks::attend(io & g, int il, T q, T k, T v, int r0) {
    auto * c = g.ctx;
    const auto & l = model.layers[il];
    const int R = n_pos - r0;

    if (mask_r0 != r0) {
        mask.assign((size_t) n_pos*R, -INFINITY);
        for (int i = 0; i < R; i++) {
            std::fill_n(mask.begin() + (size_t) i*n_pos, r0 + i + 1, 0.0f);
        }
        mask_r0 = r0;
    }
    T m     = g.input(GGML_TYPE_F32, { n_pos, R }, mask.data());
    T pos_q = g.input(GGML_TYPE_I32, { R },     positions.data() + r0);
    T pos_k = g.input(GGML_TYPE_I32, { n_pos }, positions.data());

    q = ggml_reshape_3d(c, q, D, H, R);
    k = ggml_reshape_3d(c, k, D, K, n_pos);
    v = ggml_reshape_3d(c, v, D, K, n_pos);
    if (l.attn_q_norm) {
        q = rms(g, q, l.attn_q_norm);
    }
    if (l.attn_k_norm) {
        k = rms(g, k, l.attn_k_norm);
    }

    lacuna_attention res;
    res.q = ggml_reshape_3d(c, to_heads(g, rope(g, q, pos_q, il, 1.0f)), D, R*H/K, K);
    res.k = to_heads(g, rope(g, k, pos_k, il, 1.0f));
    res.v = to_heads(g, v);

    T s   = ggml_reshape_3d(c, ggml_mul_mat(c, res.k, res.q), n_pos, R, H);
    res.p = ggml_reshape_3d(c, ggml_soft_max_ext(c, s, m, attention_scale(), 0.0f), n_pos, R*H/K, K);

    T o = ggml_mul_mat(c, transpose(g, res.v), res.p);
    res.out = from_heads(g, ggml_reshape_3d(c, o, D, R, H));

    return res;
}

ggml_tensor * lacuna_blocks::ffn_down(io & g, int il, T x, T fi) const {
    const auto & l = model.layers[il];

    return ggml_add(g.ctx, linear(g, l.ffn_down, l.ffn_down_b, x), fi);
}
