#include "lacuna-attribution-impl.h"

#include "lacuna-column-norms.h"

void lacuna_attribution::impl::embed() {
    T w = weights.host(model.tok_embd);

    std::vector<float> x((size_t) E*n_pos);
    for (int i = 0; i < n_pos; i++) {
        lacuna_row_to_float(w, params.tokens[i], 0, E, x.data() + (size_t) i*E);
    }
    for (auto & v : x) {
        v *= form.embedding_scale;
    }
    ggml_backend_tensor_set(h, x.data(), 0, ggml_nbytes(h));
}

ggml_tensor * lacuna_attribution::impl::attention_output(io & g, int il, T attn, T x, int r0) {
    const auto & l = model.layers[il];

    T out = linear(g, l.wo, l.wo_b, attn);
    if (backward && kept[il].ao) {
        g.store(rows(g, out, first - r0, n_pred), kept[il].ao);
    }
    return add(g, x, out, l.attn_post_norm);
}

ggml_tensor * lacuna_attribution::impl::ffn_output(io & g, int il, T x, T fi, int r0) {
    T out = ffn_down(g, il, x);
    if (backward && kept[il].fo) {
        g.store(rows(g, out, first - r0, n_pred), kept[il].fo);
    }
    return add(g, fi, out, model.layers[il].ffn_post_norm);
}

// fi, an: [E, R] of the positions from r0 on; keeps what the backward pass needs
ggml_tensor * lacuna_attribution::impl::ffn(io & g, int il, T fi, T an, int r0, T * x_out, T * up_out) {
    const auto h = hidden(g, il, fi, an);
    T x = activate(g, h);

    if (backward) {
        g.store(rows(g, fi, first - r0, n_pred), kept[il].fi);
        if (h.gate) {
            g.store(rows(g, h.gate, first - r0, n_pred), kept[il].gate);
        }
        g.store(rows(g, h.up, first - r0, n_pred), kept[il].up);
    }
    if (x_out) {
        *x_out = rows(g, x, first - r0, n_pred);
    }
    if (up_out) {
        *up_out = rows(g, h.up, first - r0, n_pred);
    }
    return ffn_output(g, il, x, fi, r0);
}

// Positions from r0 on. The earlier ones do not depend on them, and their K and V are kept.
void lacuna_attribution::impl::forward_layer(int il, int r0, bool score) {
    const auto & l = model.layers[il];
    lacuna_values x_host, attn_host, up_host;

    runner.run([&](io & g) {
        auto * c = g.ctx;

        T x  = rows(g, h, r0, n_pos - r0);
        T an = normalised(g, il, x);
        auto [q, k, v] = project(g, il, an);

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
        T fi = attention_output(g, il, attn.out, x, r0);

        const bool sizes = score && params.sizes;

        T act = nullptr, up = nullptr;
        T out = ffn(g, il, fi, an, r0, &act, sizes ? &up : nullptr);
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
