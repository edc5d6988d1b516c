#include "lacuna-attribution-impl.h"

#include "lacuna-column-norms.h"

void lacuna_attribution::impl::embed() {
    T w = weights.host(model.tok_embd);

    std::vector<float> x((size_t) E*n_pos);
    for (int i = 0; i < n_pos; i++) {
        lacuna_row_to_float(w, params.tokens[i], 0, E, x.data() + (size_t) i*E);
    }
    ggml_backend_tensor_set(h, x.data(), 0, ggml_nbytes(h));
}

// fi: [E, R] of the positions from r0 on; keeps what the backward pass needs
ggml_tensor * lacuna_attribution::impl::ffn(io & g, int il, T fi, int r0, T * x_out, T * up_out) {
    const auto & l = model.layers[il];

    T fn   = rms(g, fi, l.ffn_norm);
    T gate = linear(g, l.ffn_gate, l.ffn_gate_b, fn);
    T up   = linear(g, l.ffn_up,   l.ffn_up_b,   fn);
    T x    = ggml_swiglu_split(g.ctx, gate, up);

    if (backward) {
        g.store(rows(g, fi,   first - r0, n_pred), kept[il].fi);
        g.store(rows(g, gate, first - r0, n_pred), kept[il].gate);
        g.store(rows(g, up,   first - r0, n_pred), kept[il].up);
    }
    if (x_out) {
        *x_out = rows(g, x, first - r0, n_pred);
    }
    if (up_out) {
        *up_out = rows(g, up, first - r0, n_pred);
    }
    return ffn_down(g, il, x, fi);
}

// Positions from r0 on. The earlier ones do not depend on them, and their K and V are kept.
void lacuna_attribution::impl::forward_layer(int il, int r0, bool score) {
    const auto & l = model.layers[il];
    lacuna_values x_host, attn_host, up_host;

    runner.run([&](io & g) {
        auto * c = g.ctx;

        T x  = rows(g, h, r0, n_pos - r0);
        T an = rms(g, x, l.attn_norm);
        T q  = linear(g, l.wq, l.wq_b, an);
        T k  = linear(g, l.wk, l.wk_b, an);
        T v  = linear(g, l.wv, l.wv_b, an);

        if (backward) {
            const auto & s = kept[il];
            g.store(x, rows(g, s.x, r0, n_pos - r0));
            g.store(rows(g, q, first - r0, n_pred), s.q);
            g.store(k, rows(g, s.k, r0, n_pos - r0));
            g.store(v, rows(g, s.v, r0, n_pos - r0));
            if (r0 > 0) {
                k = ggml_concat(c, f32(g, rows(g, s.k, 0, r0)), k, 1);
                v = ggml_concat(c, f32(g, rows(g, s.v, 0, r0)), v, 1);
            }
        }

        const auto attn = attend(g, il, q, k, v, r0);
        T fi = ggml_add(c, linear(g, l.wo, l.wo_b, attn.out), x);

        const bool sizes = score && params.sizes;

        T act = nullptr, up = nullptr;
        T out = ffn(g, il, fi, r0, &act, sizes ? &up : nullptr);
        if (sizes) {
            g.output(up, up_host);
        }
        if (score) {
            g.output(act, x_host);
            g.output(rows(g, attn.out, first - r0, n_pred), attn_host);
        }
        g.store(out, x);
    });

    if (score) {
        const auto down_norms = w_norms(l.ffn_down, params.sizes);
        if (params.sizes) {
            scores[il].sizes = lacuna_measure_sizes(x_host.data(), up_host.data(), M, n_pred, params.n_threads);
            scores[il].sizes.down = down_norms;
        }
        lacuna_score_forward(units(UNIT_NEURONS), x_host.data(), down_norms.data(), params.metrics, scores[il].neurons, &scores[il].mean);
        lacuna_score_forward(units(UNIT_HEADS), attn_host.data(), w_norms(l.wo).data(), params.metrics, scores[il].heads, nullptr);
    }
}

std::vector<float> lacuna_attribution::impl::w_norms(T w, bool always) const {
    const bool needed = always || params.metrics & (LACUNA_METRIC_WANDA | LACUNA_METRIC_FLAP | LACUNA_METRIC_CORRECTED_GXO_WEIGHTED);

    return needed ? lacuna_column_norms(weights.host(w), params.n_threads) : std::vector<float>(w->ne[0]);
}
