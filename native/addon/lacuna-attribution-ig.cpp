#include "lacuna-attribution-impl.h"

//
// integrated gradients: one layer's activations scaled by k/n at the predicting positions, all other layers dense.
// Layers are visited from the last to the first, so that what is kept below the visited one is still the dense pass.
//

void lacuna_attribution::impl::forward_scaled(int il, lacuna_unit_kind kind, float scale) {
    const auto & s = kept[il];
    lacuna_values x_host;

    runner.run([&](io & g) {
        auto * c = g.ctx;
        T out;
        if (kind == UNIT_NEURONS) {
            T x = activate(g, { s.gate, s.up });
            if (ig_step == 1) {
                g.output(x, x_host);
            }
            out = ffn_output(g, il, ggml_scale(c, x, scale), s.fi, first);
        } else {
            const auto attn = attend(g, il, s.q, s.k, s.v, first);
            if (ig_step == 1) {
                g.output(attn.out, x_host);
            }
            T x  = rows(g, s.x, first, n_pred);
            T fi = attention_output(g, il, ggml_scale(c, attn.out, scale), x, first);
            out = ffn(g, il, fi, normalised(g, il, x), first, nullptr);
        }
        g.store(out, rows(g, h, first, n_pred));
    });
    if (ig_step == 1) {
        ig_x.assign(x_host.data(), x_host.data() + x_host.size());
    }
    for (int jl = il + 1; jl < n_layer; jl++) {
        forward_layer(jl, first, false);
    }
}

void lacuna_attribution::impl::ig_evaluate(int il, lacuna_unit_kind kind, int k) {
    const double F_dense = F;

    forward_scaled(il, kind, (float) k/params.n_ig_steps);

    begin_output();
    for (int i = 0; i < n_slices(); i++) {
        output_slice(i, true);
    }
    end_output(true);
    F = F_dense;

    for (int jl = n_layer - 1; jl > il; jl--) {
        backward_layer(jl, false);
    }

    lacuna_values d;
    if (kind == UNIT_NEURONS) {
        backward_ffn(il, false, &d, true);
    } else {
        backward_ffn(il, false, nullptr, false);
        backward_attention(il, false, &d, true);
    }

    if (k == 1) {
        ig_sum.assign(d.size(), 0.0);
    }
    for (size_t i = 0; i < d.size(); i++) {
        ig_sum[i] += d.data()[i];
    }
    if (k == params.n_ig_steps) {
        lacuna_score_ig(units(kind), ig_x.data(), ig_sum, params.n_ig_steps, kind == UNIT_NEURONS ? scores[il].neurons : scores[il].heads);
    }
}
