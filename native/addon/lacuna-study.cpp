#include "lacuna-study.h"

#include "lacuna-blocks.h"
#include "lacuna-parallel.h"
#include "lacuna-study-select.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

struct lacuna_study::impl : lacuna_blocks {
    const lacuna_weights & weights;
    const lacuna_study_params params;

    const int n_eval; // R

    lacuna_runner runner;

    ggml_context_ptr        ctx;
    ggml_backend_buffer_ptr buf;

    T h = nullptr;                // [E, N] residual stream
    std::vector<std::pair<T, T>> kv; // [D*K, N] of the dense pass, before norms and RoPE

    std::vector<float>                    embedding;       // [N, E]
    std::vector<float>                    dense_p, dense_ln_p; // [R, V]
    std::vector<lacuna_study_activations> kept;
    lacuna_study_result                   dense;

    impl(const lacuna_weights & weights, lacuna_study_params p);

    void allocate();
    void embed();

    void attention(int il, int r0, bool is_dense, const lacuna_layer_mask * mask, lacuna_values & x, lacuna_values & gate);
    void down(int il, int r0, const float * x);

    lacuna_study_result forward(const lacuna_study_variant * variant, int r0);
    void                output(bool is_dense, bool keep_logits, lacuna_study_result & res);

    void check(const lacuna_study_variant & variant) const;
};

lacuna_study::impl::impl(const lacuna_weights & weights, lacuna_study_params p)
    : lacuna_blocks(weights.model, (int) p.tokens.size() - 1, 0), weights(weights), params(std::move(p)),
      n_eval(n_pos - params.from), runner(model, params.n_threads) {
    if (n_pos < 1 || params.from < 0 || n_eval < 1) {
        throw std::invalid_argument("nothing to evaluate");
    }
    for (const auto token : params.tokens) {
        if (token < 0 || token >= (int) model.tok_embd->ne[1]) {
            throw std::invalid_argument("a token is not in the vocabulary");
        }
    }
    allocate();
    embed();
    dense = forward(nullptr, 0);
}

void lacuna_study::impl::allocate() {
    ggml_init_params ctx_params = {
        /*.mem_size   =*/ ggml_tensor_overhead()*(2*n_layer + 4),
        /*.mem_buffer =*/ nullptr,
        /*.no_alloc   =*/ true,
    };
    ctx.reset(ggml_init(ctx_params));

    const auto new_2d = [&](int64_t ne0, int64_t ne1) { return ggml_new_tensor_2d(ctx.get(), GGML_TYPE_F32, ne0, ne1); };

    h = new_2d(E, n_pos);
    for (int il = 0; il < n_layer; il++) {
        T k = new_2d(D*K, n_pos);
        T v = new_2d(D*K, n_pos);
        kv.emplace_back(k, v);
    }
    buf.reset(ggml_backend_alloc_ctx_tensors_from_buft(ctx.get(), runner.buft()));
    if (!buf) {
        throw std::runtime_error("not enough memory for a study of so many tokens");
    }
}

void lacuna_study::impl::embed() {
    T w = weights.host(model.tok_embd);

    embedding.resize((size_t) E*n_pos);
    for (int i = 0; i < n_pos; i++) {
        lacuna_row_to_float(w, params.tokens[i], 0, E, embedding.data() + (size_t) i*E);
    }
    for (auto & v : embedding) {
        v *= form.embedding_scale;
    }
}

// From h = input of the layer to h = input of the FFN, and the activations; positions from r0 on
void lacuna_study::impl::attention(int il, int r0, bool is_dense, const lacuna_layer_mask * mask, lacuna_values & x_out, lacuna_values & gate_out) {
    const auto & l = model.layers[il];

    std::vector<float> heads;
    if (mask && !mask->heads.empty()) {
        for (int i = 0; i < H; i++) {
            heads.insert(heads.end(), D, mask->heads[i] ? 1.0f : 0.0f);
        }
    }

    runner.run([&](io & g) {
        auto * c = g.ctx;

        T x  = rows(g, h, r0, n_pos - r0);
        T an = norm(g, x, l.attn_norm, l.attn_norm_b);
        auto [q, k, v] = project(g, il, an);

        if (is_dense) {
            g.store(k, kv[il].first);
            g.store(v, kv[il].second);
        } else if (r0 > 0) {
            k = ggml_concat(c, rows(g, kv[il].first,  0, r0), k, 1);
            v = ggml_concat(c, rows(g, kv[il].second, 0, r0), v, 1);
        }

        T out = attend(g, il, q, k, v, r0).out;
        if (!heads.empty()) {
            out = ggml_mul(c, out, g.input(GGML_TYPE_F32, { D*H }, heads.data()));
        }
        T fi = add(g, x, linear(g, l.wo, l.wo_b, out), l.attn_post_norm);
        const auto h = hidden(g, il, fi, an);
        g.output(activate(g, { nullptr, h.gate ? h.gate : h.up }), gate_out);
        g.output(activate(g, h), x_out);
        g.store(fi, x);
    });
}

void lacuna_study::impl::down(int il, int r0, const float * x) {
    runner.run([&](io & g) {
        T fi = rows(g, h, r0, n_pos - r0);
        g.store(add(g, fi, ffn_down(g, il, g.input(GGML_TYPE_F32, { M, n_pos - r0 }, x)), model.layers[il].ffn_post_norm), fi);
    });
}

lacuna_study_result lacuna_study::impl::forward(const lacuna_study_variant * variant, int r0) {
    const int n = n_pos - r0;
    const size_t row = (size_t) E*sizeof(float);

    ggml_backend_tensor_set(h, embedding.data() + (size_t) r0*E, r0*row, n*row);

    lacuna_study_result res;
    std::vector<float> x;
    for (int il = 0; il < n_layer; il++) {
        lacuna_values x_host, gate_host;
        attention(il, r0, !variant, variant ? &variant->layers[il] : nullptr, x_host, gate_host);

        x.assign(x_host.data(), x_host.data() + x_host.size());
        if (variant) {
            lacuna_study_select(variant->layers[il], M, n - n_eval, gate_host.data(), x.data(), params.n_threads);

            const size_t before = (size_t) (n - n_eval)*M;
            const auto n_active = lacuna_study_select(variant->layers[il], M, n_eval, gate_host.data() + before, x.data() + before, params.n_threads);
            res.active.push_back((double) n_active/n_eval);
        } else {
            res.active.push_back(M);
            if (params.keep_activations) {
                kept.push_back({ x, { gate_host.data(), gate_host.data() + gate_host.size() } });
            }
        }
        down(il, r0, x.data());
    }
    output(!variant, variant && variant->logits, res);

    return res;
}

void lacuna_study::impl::output(bool is_dense, bool keep_logits, lacuna_study_result & res) {
    lacuna_values computed;
    runner.run([&](io & g) {
        T hn = norm(g, rows(g, h, params.from, n_eval), model.output_norm, model.output_norm_b);
        T l  = ggml_mul_mat(g.ctx, weights.plain(model.output), hn);
        g.output(model.output_b ? ggml_add(g.ctx, l, model.output_b) : l, computed);
    });
    std::vector<float> logits(computed.data(), computed.data() + computed.size());

    res.log_likelihood.resize(n_eval);
    res.top1.resize(n_eval);
    res.kl.resize(n_eval);
    if (is_dense) {
        dense_p.resize((size_t) n_eval*V);
        dense_ln_p.resize((size_t) n_eval*V);
    }

    lacuna_parallel(params.n_threads, [&](int ith) {
        for (int t = ith; t < n_eval; t += std::max(1, params.n_threads)) {
            float * l = logits.data() + (size_t) t*V;
            form.finish_logits(l, V);
            const float * top = std::max_element(l, l + V);

            double sum = 0.0;
            for (int j = 0; j < V; j++) {
                sum += expf(l[j] - *top);
            }
            const float ln_z = (float) (*top + std::log(sum));

            float * p    = dense_p.data() + (size_t) t*V;
            float * ln_p = dense_ln_p.data() + (size_t) t*V;
            if (is_dense) {
                for (int j = 0; j < V; j++) {
                    ln_p[j] = l[j] - ln_z;
                    p[j]    = expf(ln_p[j]);
                }
            }
            double kl = 0.0;
            for (int j = 0; j < V && !is_dense; j++) {
                kl += p[j]*(ln_p[j] - (l[j] - ln_z));
            }
            res.log_likelihood[t] = l[params.tokens[params.from + t + 1]] - ln_z;
            res.top1[t]           = (int32_t) (top - l);
            res.kl[t]             = (float) kl;
        }
    });
    if (keep_logits) {
        res.logits = std::move(logits);
    }
}

void lacuna_study::impl::check(const lacuna_study_variant & variant) const {
    const auto fits = [](const auto & v, size_t n) { return v.empty() || v.size() == n; };

    if ((int) variant.layers.size() != n_layer) {
        throw std::invalid_argument("a study needs a mask for each layer");
    }
    for (const auto & m : variant.layers) {
        if (!fits(m.keep, M) || !fits(m.mean, M) || !fits(m.weight, M) || !fits(m.heads, H) || !fits(m.token_keep, (size_t) M*n_eval)) {
            throw std::invalid_argument("a mask has the wrong size");
        }
        if (!m.token_keep.empty() && !variant.dense_prefix) {
            throw std::invalid_argument("masks of single tokens need a dense prefix");
        }
    }
}

//
// interface
//

lacuna_study::lacuna_study(const lacuna_weights & weights, lacuna_study_params params)
    : pimpl(std::make_unique<impl>(weights, std::move(params))) {}

lacuna_study::~lacuna_study() = default;

const lacuna_study_result & lacuna_study::dense() const { return pimpl->dense; }

lacuna_study_result lacuna_study::run(const lacuna_study_variant & variant) {
    pimpl->check(variant);

    return pimpl->forward(&variant, variant.dense_prefix ? pimpl->params.from : 0);
}

const lacuna_study_activations & lacuna_study::activations(int il) const {
    if (il < 0 || il >= (int) pimpl->kept.size()) {
        throw std::invalid_argument("the activations of this layer were not kept");
    }
    return pimpl->kept[il];
}
