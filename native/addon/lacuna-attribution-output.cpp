#include "lacuna-attribution-impl.h"

#include "lacuna-parallel.h"

#include <cmath>

//
// output layer: softmax over slices of the vocabulary, so that the logits of a large one are never all in memory
//

void lacuna_attribution::impl::begin_output() {
    runner.run([&](io & g) {
        g.store(norm(g, rows(g, h, first, n_pred), model.output_norm, model.output_norm_b), hn);
    });
    if (backward) {
        ggml_backend_tensor_memset(G, 0, 0, ggml_nbytes(G));
    }
    row_max.assign(n_pred, -INFINITY);
    row_sum.assign(n_pred, 0.0);
    row_scale.resize(n_pred);
    label_logit.assign(n_pred, 0.0);
    label_slope.assign(n_pred, 1.0f);
}

void lacuna_attribution::impl::output_slice(int i, bool with_gradient) {
    const int first_row = i*n_slice_rows();
    const int n_row     = std::min(n_slice_rows(), V - first_row);
    const int64_t t0    = ggml_time_us();

    lacuna_values computed;
    runner.run([&](io & g) {
        g.output(ggml_mul_mat(g.ctx, rows(g, weights.plain(model.output), first_row, n_row), hn), computed);
    });
    logits.assign(computed.data(), computed.data() + computed.size());

    std::vector<float> bias;
    if (model.output_b) {
        bias.resize(n_row);
        ggml_backend_tensor_get(model.output_b, bias.data(), first_row*sizeof(float), n_row*sizeof(float));
    }

    lacuna_parallel(params.n_threads, [&](int ith) {
        for (int t = ith; t < n_pred; t += params.n_threads) {
            float * l = logits.data() + (size_t) t*n_row;
            for (size_t j = 0; j < bias.size(); j++) {
                l[j] += bias[j];
            }
            form.finish_logits(l, n_row);

            const int label = this->label(t);
            if (label >= first_row && label < first_row + n_row) {
                label_logit[t] = l[label - first_row];
                label_slope[t] = form.logit_slope(l[label - first_row]);
            }

            const double max_new = std::max(row_max[t], (double) *std::max_element(l, l + n_row));
            row_scale[t] = (float) std::exp(row_max[t] - max_new);
            double sum = 0.0;
            for (int j = 0; j < n_row; j++) {
                const float logit = l[j];
                l[j] = expf(logit - (float) max_new);
                sum += l[j];
                l[j] *= form.logit_slope(logit);
            }
            row_sum[t] = row_sum[t]*std::exp(row_max[t] - max_new) + sum;
            row_max[t] = max_new;
        }
    });

    us_logits = ggml_time_us() - t0;

    if (with_gradient) {
        // G = sum of exp(logit - max)*slope*w over the vocabulary so far
        runner.run([&](io & g) {
            T w = transposed(g, { model.output, first_row, n_row });
            T p = g.input(GGML_TYPE_F32, { n_row, n_pred }, logits.data());
            T s = g.input(GGML_TYPE_F32, { 1, n_pred },     row_scale.data());
            g.store(ggml_add(g.ctx, ggml_mul(g.ctx, G, s), ggml_mul_mat(g.ctx, w, p)), G);
        });
    }
}

void lacuna_attribution::impl::end_output(bool with_gradient) {
    F = 0.0;
    z_inv.resize(n_pred);
    for (int t = 0; t < n_pred; t++) {
        F += label_logit[t] - (row_max[t] + std::log(row_sum[t]));
        z_inv[t] = (float) (1.0/row_sum[t]);
    }

    logits = {};

    if (with_gradient) {
        T w = weights.host(model.output);
        label_rows.resize((size_t) E*n_pred);
        for (int t = 0; t < n_pred; t++) {
            float * row = label_rows.data() + (size_t) t*E;
            lacuna_row_to_float(w, label(t), 0, E, row);
            for (int i = 0; i < E; i++) {
                row[i] *= label_slope[t];
            }
        }
        runner.run([&](io & g) {
            T label  = g.input(GGML_TYPE_F32, { E, n_pred }, label_rows.data());
            T scale  = g.input(GGML_TYPE_F32, { 1, n_pred }, z_inv.data());
            T dhn    = ggml_sub(g.ctx, label, ggml_mul(g.ctx, G, scale));
            g.store(norm_vjp(g, rows(g, h, first, n_pred), model.output_norm, dhn), G);
        });
    }
}
