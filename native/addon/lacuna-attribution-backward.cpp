#include "lacuna-attribution-impl.h"

//
// backward, from G = dF/d(output of the layer) to G = dF/d(input of the layer); predicting positions only
//

ggml_tensor * lacuna_attribution::impl::branch_vjp(io & g, T out, T w, T d) const {
    if (form.residual_scale != 1.0f) {
        d = ggml_scale(g.ctx, d, form.residual_scale);
    }
    return w ? norm_vjp(g, f32(g, out), w, d) : d;
}

void lacuna_attribution::impl::backward_ffn(int il, bool score, lacuna_values * dx_out, bool stop_at_neurons) {
    const auto & l = model.layers[il];
    const auto & s = kept[il];
    lacuna_values x_host, dx_host;

    runner.run([&](io & g) {
        auto * c = g.ctx;

        T gate = s.gate ? f32(g, s.gate) : nullptr;
        T up   = f32(g, s.up);
        if (score) {
            g.output(activate(g, { gate, up }), x_host);
        }

        T dx = ggml_mul_mat(c, transposed(g, { l.ffn_down, 0, E }), branch_vjp(g, s.fo, l.ffn_post_norm, G));
        if (score || dx_out) {
            g.output(dx, dx_out ? *dx_out : dx_host);
        }
        if (stop_at_neurons) {
            return;
        }

        // a(x) = x*s with s = sigmoid(z(x)), so a'(x) = s + a(x)*(1 - s)*z'(x). In this order most operations can work in place.
        T x   = gate ? gate : up;
        T sig = ggml_sigmoid(c, squashed(g, x));
        T a_dx = ggml_mul(c, form.activation == LACUNA_SILU ? ggml_silu(c, x) : ggml_mul(c, sig, x), dx);
        if (gate) {
            g.store(a_dx, dup);
        }
        T d = ggml_mul(c, ggml_scale_bias(c, sig, -1.0f, 1.0f), a_dx);
        if (T z = slope(g, x)) {
            d = ggml_mul(c, d, z);
        }
        d = ggml_add(c, d, ggml_mul(c, sig, dx));
        g.store(gate ? ggml_mul(c, d, up) : d, gate ? dgate : dup);
    });
    if (score) {
        const auto norms = w_norms(l.ffn_down);
        lacuna_aggregate_backward(units(UNIT_NEURONS), x_host.data(), dx_host.data(), norms.data(), params.metrics, params.aggregation,
                scores[il].neurons);
        if (params.token_scores) {
            lacuna_score_tokens(units(UNIT_NEURONS), x_host.data(), dx_host.data(), norms.data(), params.metrics, scores[il].tokens);
        }
    }
    if (stop_at_neurons) {
        return;
    }

    if (has_gate) {
        runner.run([&](io & g) {
            g.store(ggml_mul_mat(g.ctx, transposed(g, lacuna_gate_rows(l)), dgate), dn);
        });
    }
    runner.run([&](io & g) {
        T d = ggml_mul_mat(g.ctx, transposed(g, lacuna_up_rows(l)), dup);
        if (has_gate) {
            d = ggml_add(g.ctx, dn, d);
        }
        if (parallel) {
            g.store(d, da);
            g.store(G, R);
        } else {
            g.store(ggml_add(g.ctx, G, norm_vjp(g, f32(g, s.fi), l.ffn_norm, d)), R);
        }
    });
}

void lacuna_attribution::impl::backward_attention(int il, bool score, lacuna_values * da_out, bool stop_at_heads) {
    const auto & l = model.layers[il];
    const auto & s = kept[il];
    lacuna_values attn_host, da_host;

    runner.run([&](io & g) {
        auto * c = g.ctx;
        const int P = n_pred;

        const int64_t n_o = (int64_t) E*D*H, n_q = (int64_t) E*D*H, n_kv = (int64_t) E*D*K;

        T d_attn = ggml_mul_mat(c, transposed(g, { l.wo, 0, E }), branch_vjp(g, s.ao, l.attn_post_norm, R)); // [D*H, P]
        const auto attn = attend(g, il, f32(g, s.q), f32(g, s.k), f32(g, s.v), first);

        if (score) {
            g.output(attn.out, attn_host);
        }
        if (score || da_out) {
            g.output(d_attn, da_out ? *da_out : da_host);
        }
        if (stop_at_heads) {
            return;
        }

        // queries of a group are extra rows, so products over rows sum over the group by themselves
        T d_out = ggml_reshape_3d(c, to_heads(g, ggml_reshape_3d(c, d_attn, D, H, P)), D, P*H/K, K);
        T dp    = ggml_mul_mat(c, attn.v, d_out);
        T dot   = ggml_sum_rows(c, ggml_mul(c, attn.p, dp));
        T ds    = ggml_scale(c, ggml_mul(c, attn.p, ggml_sub(c, dp, dot)), form.attention_scale);
        if (attn.tanh) {
            ds = ggml_mul(c, ds, ggml_scale_bias(c, ggml_sqr(c, attn.tanh), -1.0f, 1.0f));
        }

        // columns of the keys at predicting positions
        T own = params.own_term ? g.input(GGML_TYPE_F32, { P, P }, diagonal.data()) : nullptr;
        const auto predicting = [&](T t) {
            T cols = ggml_view_3d(c, t, P, t->ne[1], t->ne[2], t->nb[1], t->nb[2], first*t->nb[0]);
            if (own) {
                T each = ggml_reshape_3d(c, ggml_cont(c, cols), P, P, H);
                cols = ggml_reshape_3d(c, ggml_mul(c, each, own), P, P*H/K, K);
            }
            return transpose(g, cols);
        };

        T dq = ggml_mul_mat(c, transpose(g, attn.k), ds);                   // [D, P*H/K, K]
        T dk = ggml_mul_mat(c, transpose(g, attn.q), predicting(ds));       // [D, P, K]
        T dv = ggml_mul_mat(c, transpose(g, d_out),  predicting(attn.p));   // [D, P, K]

        T pos = g.input(GGML_TYPE_I32, { P }, positions.data() + first);

        const auto to_projection = [&](T d, int n_head, T raw, T norm) {
            d = to_heads(g, ggml_reshape_3d(c, d, D, P, n_head));           // [D, n_head, P]
            d = rope(g, d, pos, il, -1.0f);
            if (norm) {
                d = norm_vjp(g, ggml_reshape_3d(c, raw, D, n_head, P), norm, d);
            }
            return ggml_reshape_2d(c, d, D*n_head, P);
        };
        dq = to_projection(dq, H, f32(g, s.q), l.attn_q_norm);
        dk = to_projection(dk, K, f32(g, rows(g, s.k, first, P)), l.attn_k_norm);
        dv = from_heads(g, dv);

        T dan = ggml_mul_mat(c, transposed(g, lacuna_query_rows(model, l), n_o), dq);
        dan = ggml_add(c, dan, ggml_mul_mat(c, transposed(g, lacuna_key_rows(model, l), n_o + n_q),        dk));
        dan = ggml_add(c, dan, ggml_mul_mat(c, transposed(g, lacuna_value_rows(model, l), n_o + n_q + n_kv), dv));

        if (da) {
            dan = ggml_add(c, dan, da);
        }
        g.store(ggml_add(c, R, norm_vjp(g, f32(g, rows(g, s.x, first, P)), l.attn_norm, dan)), G);
    });

    if (score) {
        lacuna_aggregate_backward(units(UNIT_HEADS), attn_host.data(), da_host.data(), w_norms(l.wo).data(), params.metrics,
                params.aggregation, scores[il].heads);
    }
}

void lacuna_attribution::impl::backward_layer(int il, bool score) {
    if (recompute[il]) {
        runner.run([&](io & g) { g.store(f32(g, kept[il].x), h); });
        forward_layer(il, 0, false);
    }
    backward_ffn(il, score, nullptr, false);
    backward_attention(il, score, nullptr, il == 0);
}
