#include "lacuna-attribution.h"

#include "lacuna-graph.h"
#include "lacuna-parallel.h"
#include "lacuna-transpose.h"

#include "llama-model.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

using T  = ggml_tensor *;
using io = lacuna_runner::io;

// Shapes below: E = n_embd, N = evaluated positions, P = predicting positions (the last P of the N),
// D = head_dim, H = query heads, K = key/value heads, M = n_ff. The first dimension is contiguous, as in ggml.

// What the backward pass needs of a layer's forward pass
struct lacuna_kept_layer {
    T x;    // [E, N] input of the layer
    T fi;   // [E, P] input of the FFN
    T q;    // [D*H, P] before q norm and RoPE
    T k, v; // [D*K, N] likewise
    T gate; // [M, P]
    T up;   // [M, P]
};

// [D, R*H/K, K] queries (those of a group as extra rows), [D, N, K] keys and values, [N, R*H/K, K] probabilities
struct lacuna_attention {
    T q, k, v, p;
    T out; // [D*H, R]
};

enum lacuna_unit_kind { UNIT_NEURONS, UNIT_HEADS };

struct lacuna_attribution::impl {
    const lacuna_weights & weights;
    const llama_model    & model;
    const llama_hparams  & hp;
    const lacuna_attribution_params params;

    const int n_layer, E, D, H, K, M, V;
    const int n_pos;  // N
    const int n_pred; // P
    const int first;  // the first predicting position

    const bool backward;
    const bool ig;

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
    T dgate  = nullptr, dup = nullptr;    // [M, P]
    T wt     = nullptr;                   // transposed weights, as bytes

    std::vector<uint8_t> wt_staging;      // for devices

    std::vector<int32_t> positions;
    std::vector<float>   mask;            // [N, N - r0] for the r0 it was made for
    int                  mask_r0 = -1;

    // online softmax over slices of the vocabulary
    std::vector<float>  logits, label_rows, row_scale, z_inv;
    std::vector<double> row_max, row_sum, label_logit;

    std::vector<lacuna_layer_scores> scores;
    double F = 0.0;

    // where the next step is
    lacuna_phase phase = LACUNA_PHASE_FORWARD;
    int          layer = 0;
    int          slice = 0;
    int          ig_unit = UNIT_NEURONS, ig_step = 1;
    std::vector<double> ig_sum;
    std::vector<float>  ig_x;

    double  cost_done = 0.0;
    int64_t us_forward = 0, us_backward = 0;
    int64_t us_logits = 0; // the forward part of the last output slice
    size_t  peak = 0;

    impl(const lacuna_weights & weights, lacuna_attribution_params p);

    // sizes

    int64_t n_weights_attn() const { return (int64_t) E*D*(2*H + 2*K); }
    int64_t n_weights_ffn()  const { return (int64_t) 3*E*M; }
    int     n_slice_rows()   const { return std::min(M, V); }
    int     n_slices()       const { return (V + n_slice_rows() - 1)/n_slice_rows(); }

    double cost_layer() const { return (double) (n_weights_attn() + n_weights_ffn()); }
    double cost_slice() const { return (double) n_slice_rows()*E*(backward ? 2 : 1); }
    double cost_total() const;

    void allocate();
    void check_memory();

    // pieces of graphs

    T f32(io & g, T t) const { return t->type == GGML_TYPE_F32 ? t : ggml_cast(g.ctx, t, GGML_TYPE_F32); }
    T rows(io & g, T t, int r0, int n) const {
        return n == t->ne[1] ? t : ggml_view_2d(g.ctx, t, t->ne[0], n, t->nb[1], r0*t->nb[1]);
    }
    T linear(io & g, T w, T b, T x) const;
    T rms(io & g, T x, T w) const { return ggml_mul(g.ctx, ggml_rms_norm(g.ctx, x, hp.f_norm_rms_eps), w); }
    T rms_vjp(io & g, T x, T w, T dy) const;
    T rope(io & g, T x, T pos, int il, float sign) const;
    T to_heads(io & g, T x) const;   // [D, n_head, n] -> [D, n, n_head]
    T from_heads(io & g, T x) const; // [D, n, n_head] -> [D*n_head, n]
    T transpose(io & g, T x) const { return ggml_cont(g.ctx, ggml_transpose(g.ctx, x)); }

    lacuna_attention attend(io & g, int il, T q, T k, T v, int r0);
    T ffn(io & g, int il, T fi, int r0, T * x_out);
    T ffn_down(io & g, int il, T x, T fi) const;

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

    // w^T, to multiply gradients with: [w->ne[1], w->ne[0]], at `offset` elements of the shared buffer
    T transposed(io & g, T w, int64_t first_row, int64_t n_row, int64_t offset = 0);

    lacuna_units units(lacuna_unit_kind kind) const {
        return kind == UNIT_NEURONS ? lacuna_units { M, 1, n_pred, params.n_threads } : lacuna_units { H, D, n_pred, params.n_threads };
    }
    std::vector<float> column_norms(T w) const;

    lacuna_progress step();
    lacuna_progress progress() const { return { phase, layer, std::min(1.0, cost_done/cost_total()) }; }
    void advance();
};

//
// set-up
//

lacuna_attribution::impl::impl(const lacuna_weights & weights, lacuna_attribution_params p)
    : weights(weights), model(weights.model), hp(model.hparams), params(std::move(p)),
      n_layer((int) hp.n_layer()), E((int) hp.n_embd), D((int) hp.n_embd_head_v()), H((int) hp.n_head()), K((int) hp.n_head_kv()),
      M((int) hp.n_ff()), V((int) model.output->ne[1]),
      n_pos(params.end - 1), n_pred(params.end - params.start), first(params.start - 1),
      backward(params.metrics & (LACUNA_METRICS_BACKWARD | LACUNA_METRIC_IG)), ig(params.metrics & LACUNA_METRIC_IG),
      runner(model, params.n_threads) {
    if (params.start < 1 || params.end <= params.start || params.end > (int) params.tokens.size()) {
        throw std::invalid_argument("the window is not inside the tokens");
    }
    for (const auto token : params.tokens) {
        if (token < 0 || token >= (int) model.tok_embd->ne[1]) {
            throw std::invalid_argument("a token is not in the vocabulary");
        }
    }

    positions.resize(n_pos);
    for (int i = 0; i < n_pos; i++) {
        positions[i] = i;
    }
    scores.resize(n_layer);
    allocate();

    if (params.metrics & LACUNA_METRIC_RANDOM) {
        for (int il = 0; il < n_layer; il++) {
            lacuna_score_random(M, params.seed, 2*il,     scores[il].neurons);
            lacuna_score_random(H, params.seed, 2*il + 1, scores[il].heads);
        }
    }
    embed();
}

double lacuna_attribution::impl::cost_total() const {
    const double pass = n_layer*cost_layer() + n_slices()*cost_slice();
    double n_recomputed = 0.0;
    for (const bool r : recompute) {
        n_recomputed += r;
    }
    return pass + (backward ? (n_layer + n_recomputed)*cost_layer() : 0.0) +
        (ig ? params.n_ig_steps*n_layer*(2.0*n_slices()*cost_slice() + n_layer*cost_layer()) : 0.0);
}

void lacuna_attribution::impl::allocate() {
    const bool exact = model.layers[0].ffn_down->type == GGML_TYPE_F32;

    wt_type = !exact && runner.supports_mul_mat(GGML_TYPE_BF16) ? GGML_TYPE_BF16 : GGML_TYPE_F32;

    // residual stream | attention | FFN; the residual stream has outliers that neither F16 nor a block of Q8_0 can hold
    struct precision { ggml_type x, attn, ffn; };
    static const precision precisions[] = {
        { GGML_TYPE_F32,  GGML_TYPE_F32,  GGML_TYPE_F32  },
        { GGML_TYPE_BF16, GGML_TYPE_F16,  GGML_TYPE_F16  },
        { GGML_TYPE_BF16, GGML_TYPE_Q8_0, GGML_TYPE_Q8_0 },
    };

    const auto bytes_x    = [&](const precision & p) { return ggml_row_size(p.x, E)*n_pos; };
    const auto bytes_rest = [&](const precision & p) {
        return ggml_row_size(p.x, E)*n_pred + ggml_row_size(p.attn, D*H)*n_pred + ggml_row_size(p.attn, D*K)*n_pos*2 +
            ggml_row_size(p.ffn, M)*n_pred*2;
    };

    // precision before recomputation: 8 bits change the gradient of a quantised model less than quantisation did
    const int  block     = (int) ggml_blck_size(GGML_TYPE_Q8_0);
    const bool can_be_q8 = M % block == 0 && D*K % block == 0 && !exact;
    precision p = precisions[0];
    for (const auto & candidate : precisions) {
        if (exact || ig || (candidate.ffn == GGML_TYPE_Q8_0 && !can_be_q8)) {
            break;
        }
        p = candidate;
        if (n_layer*(bytes_x(p) + bytes_rest(p)) <= params.keep_bytes) {
            break;
        }
    }

    const size_t bytes_all_x = n_layer*bytes_x(p);
    const size_t n_fit = bytes_all_x >= params.keep_bytes ? 1 : (params.keep_bytes - bytes_all_x)/bytes_rest(p);
    const int    n_kept = ig || !backward || n_fit >= (size_t) n_layer ? n_layer : std::max(0, (int) n_fit - 1);

    ggml_init_params ctx_params = {
        /*.mem_size   =*/ ggml_tensor_overhead()*(8*n_layer + 32),
        /*.mem_buffer =*/ nullptr,
        /*.no_alloc   =*/ true,
    };
    ctx.reset(ggml_init(ctx_params));

    const auto new_2d = [&](ggml_type type, int64_t ne0, int64_t ne1) { return ggml_new_tensor_2d(ctx.get(), type, ne0, ne1); };

    h  = new_2d(GGML_TYPE_F32, E, n_pos);
    hn = new_2d(GGML_TYPE_F32, E, n_pred);

    kept.resize(n_layer);
    recompute.resize(n_layer);

    if (backward) {
        G     = new_2d(GGML_TYPE_F32, E, n_pred);
        R     = new_2d(GGML_TYPE_F32, E, n_pred);
        dn    = hn; // the output layer is done when the first FFN goes backward
        dgate = new_2d(GGML_TYPE_F32, M, n_pred);
        dup   = new_2d(GGML_TYPE_F32, M, n_pred);

        const int64_t n_wt = std::max({ (int64_t) E*M, n_weights_attn(), (int64_t) E*n_slice_rows() });
        wt = ggml_new_tensor_1d(ctx.get(), wt_type, n_wt);

        // The first layers to go backward are the last ones: any choice of what to keep costs the same.
        // All recomputed layers share one set of tensors.
        lacuna_kept_layer spare = {};
        for (int il = 0; il < n_layer; il++) {
            recompute[il] = il >= n_kept;
            if (!recompute[il] || !spare.fi) {
                auto & l = kept[il];
                l.fi   = new_2d(p.x,    E,   n_pred);
                l.q    = new_2d(p.attn, D*H, n_pred);
                l.k    = new_2d(p.attn, D*K, n_pos);
                l.v    = new_2d(p.attn, D*K, n_pos);
                l.gate = new_2d(p.ffn,  M,   n_pred);
                l.up   = new_2d(p.ffn,  M,   n_pred);
                if (recompute[il]) {
                    spare = l;
                }
            } else {
                kept[il] = spare;
            }
            kept[il].x = new_2d(p.x, E, n_pos);
        }
    }

    buf.reset(ggml_backend_alloc_ctx_tensors_from_buft(ctx.get(), runner.buft()));
    if (!buf) {
        throw std::runtime_error("not enough memory for attribution; a smaller window needs less");
    }
}

void lacuna_attribution::impl::check_memory() {
    const size_t host = (logits.capacity() + label_rows.capacity() + mask.capacity() + ig_x.capacity())*sizeof(float) +
        ig_sum.capacity()*sizeof(double) + wt_staging.capacity();

    peak = std::max(peak, ggml_backend_buffer_get_size(buf.get()) + runner.compute_bytes() + host);
}

//
// pieces of graphs
//

T lacuna_attribution::impl::linear(io & g, T w, T b, T x) const {
    T y = ggml_mul_mat(g.ctx, w, x);

    return b ? ggml_add(g.ctx, y, b) : y;
}

// y = w*xn with xn = x/r, r = sqrt(mean(x^2) + eps):  dx = (dy*w - xn*mean(dy*w*xn))/r
T lacuna_attribution::impl::rms_vjp(io & g, T x, T w, T dy) const {
    auto * c = g.ctx;
    const float n = (float) x->ne[0];

    T dyw = ggml_mul(c, dy, w);
    T xn  = ggml_rms_norm(c, x, hp.f_norm_rms_eps);
    T r   = ggml_sqrt(c, ggml_scale_bias(c, ggml_sum_rows(c, ggml_sqr(c, x)), 1.0f/n, hp.f_norm_rms_eps));
    T dot = ggml_scale(c, ggml_sum_rows(c, ggml_mul(c, dyw, xn)), 1.0f/n);

    return ggml_div(c, ggml_sub(c, dyw, ggml_mul(c, xn, dot)), r);
}

// x: [D, n_head, n]; sign -1 rotates back, which is the vector-Jacobian product
T lacuna_attribution::impl::rope(io & g, T x, T pos, int il, float sign) const {
    return ggml_rope_ext(g.ctx, x, pos, model.layers[il].rope_freqs, D, (int) llama_model_rope_type(&model), (int) hp.n_ctx_orig_yarn,
            hp.rope_freq_base_train, sign*hp.rope_freq_scale_train, 0.0f, 1.0f, 32.0f, 1.0f);
}

T lacuna_attribution::impl::to_heads(io & g, T x) const {
    return ggml_cont(g.ctx, ggml_permute(g.ctx, x, 0, 2, 1, 3));
}

T lacuna_attribution::impl::from_heads(io & g, T x) const {
    T y = ggml_cont(g.ctx, ggml_permute(g.ctx, x, 0, 2, 1, 3));

    return ggml_reshape_2d(g.ctx, y, y->ne[0]*y->ne[1], y->ne[2]);
}

// q: [D*H, R] of the positions from r0 on, k and v: [D*K, N]
lacuna_attention lacuna_attribution::impl::attend(io & g, int il, T q, T k, T v, int r0) {
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

    const float scale = hp.f_attention_scale == 0.0f ? 1.0f/sqrtf((float) D) : hp.f_attention_scale;

    T s   = ggml_reshape_3d(c, ggml_mul_mat(c, res.k, res.q), n_pos, R, H);
    res.p = ggml_reshape_3d(c, ggml_soft_max_ext(c, s, m, scale, 0.0f), n_pos, R*H/K, K);

    T o = ggml_mul_mat(c, transpose(g, res.v), res.p);
    res.out = from_heads(g, ggml_reshape_3d(c, o, D, R, H));

    return res;
}

T lacuna_attribution::impl::ffn_down(io & g, int il, T x, T fi) const {
    const auto & l = model.layers[il];

    return ggml_add(g.ctx, linear(g, l.ffn_down, l.ffn_down_b, x), fi);
}

// fi: [E, R] of the positions from r0 on; keeps what the backward pass needs
T lacuna_attribution::impl::ffn(io & g, int il, T fi, int r0, T * x_out) {
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
    return ffn_down(g, il, x, fi);
}

T lacuna_attribution::impl::transposed(io & g, T w, int64_t first_row, int64_t n_row, int64_t offset) {
    const int64_t n = n_row*w->ne[0];
    T view = ggml_view_2d(g.ctx, wt, n_row, w->ne[0], ggml_row_size(wt_type, n_row), offset*ggml_type_size(wt_type));

    if (ggml_backend_buffer_is_host(buf.get())) {
        lacuna_transpose(weights.host(w), first_row, n_row, wt_type, (char *) wt->data + offset*ggml_type_size(wt_type), params.n_threads);
    } else {
        wt_staging.resize(ggml_nbytes(wt));
        lacuna_transpose(weights.host(w), first_row, n_row, wt_type, wt_staging.data(), params.n_threads);
        ggml_backend_tensor_set(wt, wt_staging.data(), offset*ggml_type_size(wt_type), n*ggml_type_size(wt_type));
    }
    return view;
}

//
// forward
//

void lacuna_attribution::impl::embed() {
    T w = weights.host(model.tok_embd);

    std::vector<float> x((size_t) E*n_pos);
    for (int i = 0; i < n_pos; i++) {
        lacuna_row_to_float(w, params.tokens[i], 0, E, x.data() + (size_t) i*E);
    }
    ggml_backend_tensor_set(h, x.data(), 0, ggml_nbytes(h));
}

// Positions from r0 on. The earlier ones do not depend on them, and their K and V are kept.
void lacuna_attribution::impl::forward_layer(int il, int r0, bool score) {
    const auto & l = model.layers[il];
    lacuna_values x_host, attn_host;

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

        T act = nullptr;
        T out = ffn(g, il, fi, r0, &act);
        if (score) {
            g.output(act, x_host);
            g.output(rows(g, attn.out, first - r0, n_pred), attn_host);
        }
        g.store(out, x);
    });

    if (score) {
        const bool need_norms = params.metrics & (LACUNA_METRIC_WANDA | LACUNA_METRIC_FLAP);
        const auto norms = [&](T w) { return need_norms ? column_norms(w) : std::vector<float>(w->ne[0]); };

        lacuna_score_forward(units(UNIT_NEURONS), x_host.data(), norms(l.ffn_down).data(), params.metrics, scores[il].neurons, &scores[il].mean);
        lacuna_score_forward(units(UNIT_HEADS), attn_host.data(), norms(l.wo).data(), params.metrics, scores[il].heads, nullptr);
    }
}

std::vector<float> lacuna_attribution::impl::column_norms(T w) const {
    const T host = weights.host(w);

    std::vector<std::vector<double>> sums(params.n_threads, std::vector<double>(host->ne[0]));
    lacuna_parallel(params.n_threads, [&](int ith) {
        std::vector<float> row(host->ne[0]);
        for (int64_t r = ith; r < host->ne[1]; r += params.n_threads) {
            lacuna_row_to_float(host, r, 0, host->ne[0], row.data());
            for (size_t i = 0; i < row.size(); i++) {
                sums[ith][i] += (double) row[i]*row[i];
            }
        }
    });

    std::vector<float> res(host->ne[0]);
    for (size_t i = 0; i < res.size(); i++) {
        double sum = 0.0;
        for (const auto & s : sums) {
            sum += s[i];
        }
        res[i] = (float) std::sqrt(sum);
    }
    return res;
}

//
// output layer: softmax over slices of the vocabulary, so that the logits of a large one are never all in memory
//

void lacuna_attribution::impl::begin_output() {
    runner.run([&](io & g) {
        g.store(rms(g, rows(g, h, first, n_pred), model.output_norm), hn);
    });
    if (backward) {
        ggml_backend_tensor_memset(G, 0, 0, ggml_nbytes(G));
    }
    row_max.assign(n_pred, -INFINITY);
    row_sum.assign(n_pred, 0.0);
    row_scale.resize(n_pred);
    label_logit.assign(n_pred, 0.0);
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

            const int label = params.tokens[params.start + t];
            if (label >= first_row && label < first_row + n_row) {
                label_logit[t] = l[label - first_row];
            }

            const double max_new = std::max(row_max[t], (double) *std::max_element(l, l + n_row));
            row_scale[t] = (float) std::exp(row_max[t] - max_new);
            double sum = 0.0;
            for (int j = 0; j < n_row; j++) {
                l[j] = expf(l[j] - (float) max_new);
                sum += l[j];
            }
            row_sum[t] = row_sum[t]*std::exp(row_max[t] - max_new) + sum;
            row_max[t] = max_new;
        }
    });

    us_logits = ggml_time_us() - t0;

    if (with_gradient) {
        // G = sum of exp(logit - max)*w over the vocabulary so far
        runner.run([&](io & g) {
            T w = transposed(g, model.output, first_row, n_row);
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
            lacuna_row_to_float(w, params.tokens[params.start + t], 0, E, label_rows.data() + (size_t) t*E);
        }
        runner.run([&](io & g) {
            T label  = g.input(GGML_TYPE_F32, { E, n_pred }, label_rows.data());
            T scale  = g.input(GGML_TYPE_F32, { 1, n_pred }, z_inv.data());
            T dhn    = ggml_sub(g.ctx, label, ggml_mul(g.ctx, G, scale));
            g.store(rms_vjp(g, rows(g, h, first, n_pred), model.output_norm, dhn), G);
        });
    }
}

//
// backward, from G = dF/d(output of the layer) to G = dF/d(input of the layer); predicting positions only
//

void lacuna_attribution::impl::backward_ffn(int il, bool score, lacuna_values * dx_out, bool stop_at_neurons) {
    const auto & l = model.layers[il];
    const auto & s = kept[il];
    lacuna_values x_host, dx_host;

    runner.run([&](io & g) {
        auto * c = g.ctx;

        T gate = f32(g, s.gate);
        T up   = f32(g, s.up);
        if (score) {
            g.output(ggml_swiglu_split(c, gate, up), x_host);
        }

        T dx = ggml_mul_mat(c, transposed(g, l.ffn_down, 0, E), G);
        if (score || dx_out) {
            g.output(dx, dx_out ? *dx_out : dx_host);
        }
        if (stop_at_neurons) {
            return;
        }

        // x = silu(gate)*up, and silu'(gate) = s + silu(gate)*(1 - s) with s = sigmoid(gate).
        // In this order most operations can work in place.
        T d_up = ggml_mul(c, ggml_silu(c, gate), dx);
        g.store(d_up, dup);
        T sig    = ggml_sigmoid(c, gate);
        T d_gate = ggml_mul(c, ggml_scale_bias(c, sig, -1.0f, 1.0f), d_up);
        d_gate = ggml_mul(c, ggml_add(c, d_gate, ggml_mul(c, sig, dx)), up);
        g.store(d_gate, dgate);
    });
    if (score) {
        lacuna_score_backward(units(UNIT_NEURONS), x_host.data(), dx_host.data(), params.metrics, scores[il].neurons);
    }
    if (stop_at_neurons) {
        return;
    }

    runner.run([&](io & g) {
        g.store(ggml_mul_mat(g.ctx, transposed(g, l.ffn_gate, 0, M), dgate), dn);
    });
    runner.run([&](io & g) {
        T d = ggml_add(g.ctx, dn, ggml_mul_mat(g.ctx, transposed(g, l.ffn_up, 0, M), dup));
        g.store(ggml_add(g.ctx, G, rms_vjp(g, f32(g, s.fi), l.ffn_norm, d)), R);
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

        T da = ggml_mul_mat(c, transposed(g, l.wo, 0, E), R); // [D*H, P]
        const auto attn = attend(g, il, f32(g, s.q), f32(g, s.k), f32(g, s.v), first);

        if (score) {
            g.output(attn.out, attn_host);
        }
        if (score || da_out) {
            g.output(da, da_out ? *da_out : da_host);
        }
        if (stop_at_heads) {
            return;
        }

        const float scale = hp.f_attention_scale == 0.0f ? 1.0f/sqrtf((float) D) : hp.f_attention_scale;

        // queries of a group are extra rows, so products over rows sum over the group by themselves
        T d_out = ggml_reshape_3d(c, to_heads(g, ggml_reshape_3d(c, da, D, H, P)), D, P*H/K, K);
        T dp    = ggml_mul_mat(c, attn.v, d_out);
        T dot   = ggml_sum_rows(c, ggml_mul(c, attn.p, dp));
        T ds    = ggml_scale(c, ggml_mul(c, attn.p, ggml_sub(c, dp, dot)), scale);

        // columns of the keys at predicting positions
        const auto predicting = [&](T t) { return transpose(g, ggml_view_3d(c, t, P, t->ne[1], t->ne[2], t->nb[1], t->nb[2], first*t->nb[0])); };

        T dq = ggml_mul_mat(c, transpose(g, attn.k), ds);                   // [D, P*H/K, K]
        T dk = ggml_mul_mat(c, transpose(g, attn.q), predicting(ds));       // [D, P, K]
        T dv = ggml_mul_mat(c, transpose(g, d_out),  predicting(attn.p));   // [D, P, K]

        T pos = g.input(GGML_TYPE_I32, { P }, positions.data() + first);

        const auto to_projection = [&](T d, int n_head, T raw, T norm) {
            d = to_heads(g, ggml_reshape_3d(c, d, D, P, n_head));           // [D, n_head, P]
            d = rope(g, d, pos, il, -1.0f);
            if (norm) {
                d = rms_vjp(g, ggml_reshape_3d(c, raw, D, n_head, P), norm, d);
            }
            return ggml_reshape_2d(c, d, D*n_head, P);
        };
        dq = to_projection(dq, H, f32(g, s.q), l.attn_q_norm);
        dk = to_projection(dk, K, f32(g, rows(g, s.k, first, P)), l.attn_k_norm);
        dv = from_heads(g, dv);

        T dan = ggml_mul_mat(c, transposed(g, l.wq, 0, D*H, n_o), dq);
        dan = ggml_add(c, dan, ggml_mul_mat(c, transposed(g, l.wk, 0, D*K, n_o + n_q),        dk));
        dan = ggml_add(c, dan, ggml_mul_mat(c, transposed(g, l.wv, 0, D*K, n_o + n_q + n_kv), dv));

        g.store(ggml_add(c, R, rms_vjp(g, f32(g, rows(g, s.x, first, P)), l.attn_norm, dan)), G);
    });

    if (score) {
        lacuna_score_backward(units(UNIT_HEADS), attn_host.data(), da_host.data(), params.metrics, scores[il].heads);
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

//
// integrated gradients: one layer's activations scaled by k/n at the predicting positions, all other layers dense.
// Layers are visited from the last to the first, so that what is kept below the visited one is still the dense pass.
//

void lacuna_attribution::impl::forward_scaled(int il, lacuna_unit_kind kind, float scale) {
    const auto & l = model.layers[il];
    const auto & s = kept[il];
    lacuna_values x_host;

    runner.run([&](io & g) {
        auto * c = g.ctx;
        T out;
        if (kind == UNIT_NEURONS) {
            T x = ggml_mul(c, ggml_silu(c, s.gate), s.up);
            if (ig_step == 1) {
                g.output(x, x_host);
            }
            out = ffn_down(g, il, ggml_scale(c, x, scale), s.fi);
        } else {
            const auto attn = attend(g, il, s.q, s.k, s.v, first);
            if (ig_step == 1) {
                g.output(attn.out, x_host);
            }
            T fi = ggml_add(c, linear(g, l.wo, l.wo_b, ggml_scale(c, attn.out, scale)), rows(g, s.x, first, n_pred));
            out = ffn(g, il, fi, first, nullptr);
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

//
// steps
//

lacuna_progress lacuna_attribution::impl::step() {
    const int64_t t0 = ggml_time_us();

    switch (phase) {
        case LACUNA_PHASE_FORWARD: {
            forward_layer(layer, 0, true);
            cost_done += cost_layer();
        } break;
        case LACUNA_PHASE_OUTPUT: {
            if (slice == 0) {
                begin_output();
            }
            output_slice(slice, backward);
            if (slice == n_slices() - 1) {
                end_output(backward);
            }
            cost_done += cost_slice();
        } break;
        case LACUNA_PHASE_BACKWARD: {
            backward_layer(layer, true);
            cost_done += cost_layer()*(recompute[layer] ? 2 : 1);
        } break;
        case LACUNA_PHASE_IG: {
            ig_evaluate(layer, (lacuna_unit_kind) ig_unit, ig_step);
            cost_done += n_slices()*cost_slice() + (n_layer - layer)*cost_layer();
        } break;
        case LACUNA_PHASE_DONE: {
        } return progress();
    }

    const int64_t us = ggml_time_us() - t0;
    switch (phase) {
        case LACUNA_PHASE_FORWARD: us_forward  += us; break;
        case LACUNA_PHASE_OUTPUT:  us_backward += us - us_logits; us_forward += us_logits; break;
        default:                   us_backward += us; break;
    }
    check_memory();
    advance();

    return progress();
}

void lacuna_attribution::impl::advance() {
    switch (phase) {
        case LACUNA_PHASE_FORWARD: {
            if (++layer == n_layer) {
                phase = LACUNA_PHASE_OUTPUT;
                layer = n_layer - 1;
            }
        } break;
        case LACUNA_PHASE_OUTPUT: {
            if (++slice == n_slices()) {
                phase = backward ? LACUNA_PHASE_BACKWARD : LACUNA_PHASE_DONE;
            }
        } break;
        case LACUNA_PHASE_BACKWARD: {
            if (--layer < 0) {
                phase = ig ? LACUNA_PHASE_IG : LACUNA_PHASE_DONE;
                layer = ig ? n_layer - 1 : 0;
            }
        } break;
        case LACUNA_PHASE_IG: {
            if (ig_step++ < params.n_ig_steps) {
                break;
            }
            ig_step = 1;
            if (ig_unit++ == UNIT_NEURONS) {
                break;
            }
            ig_unit = UNIT_NEURONS;
            if (--layer < 0) {
                phase = LACUNA_PHASE_DONE;
                layer = 0;
            }
        } break;
        case LACUNA_PHASE_DONE: {
        } break;
    }
}

//
// interface
//

lacuna_attribution::lacuna_attribution(const lacuna_weights & weights, lacuna_attribution_params params)
    : pimpl(std::make_unique<impl>(weights, std::move(params))) {}

lacuna_attribution::~lacuna_attribution() = default;

lacuna_progress lacuna_attribution::step() { return pimpl->step(); }

double lacuna_attribution::F() const { return pimpl->F; }

const std::vector<lacuna_layer_scores> & lacuna_attribution::layers() const { return pimpl->scores; }

size_t lacuna_attribution::peak_bytes() const { return pimpl->peak; }

double lacuna_attribution::ms_forward() const { return pimpl->us_forward/1e3; }

double lacuna_attribution::ms_backward() const { return pimpl->us_backward/1e3; }
