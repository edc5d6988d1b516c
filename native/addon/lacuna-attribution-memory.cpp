#include "lacuna-attribution-impl.h"

#include "lacuna-transpose.h"

#include <stdexcept>

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

    const auto & l0 = model.layers[0];
    const int n_post_norms = (l0.attn_post_norm ? 1 : 0) + (l0.ffn_post_norm ? 1 : 0);

    const auto bytes_x    = [&](const precision & p) { return ggml_row_size(p.x, E)*n_pos; };
    const auto bytes_rest = [&](const precision & p) {
        return ggml_row_size(p.x, E)*n_pred + ggml_row_size(p.attn, D*H)*n_pred + ggml_row_size(p.attn, D*K)*n_pos*2 +
            ggml_row_size(p.ffn, M)*n_pred*(has_gate ? 2 : 1) + ggml_row_size(p.x, E)*n_pred*n_post_norms;
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
        /*.mem_size   =*/ ggml_tensor_overhead()*(10*n_layer + 32),
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
        da    = parallel ? new_2d(GGML_TYPE_F32, E, n_pred) : nullptr;
        dgate = has_gate ? new_2d(GGML_TYPE_F32, M, n_pred) : nullptr;
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
                l.gate = has_gate ? new_2d(p.ffn, M, n_pred) : nullptr;
                l.up   = new_2d(p.ffn,  M,   n_pred);
                l.ao   = l0.attn_post_norm ? new_2d(p.x, E, n_pred) : nullptr;
                l.fo   = l0.ffn_post_norm  ? new_2d(p.x, E, n_pred) : nullptr;
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
    const size_t host = (logits.capacity() + label_rows.capacity() + ig_x.capacity())*sizeof(float) + mask_bytes() +
        ig_sum.capacity()*sizeof(double) + wt_staging.capacity();

    peak = std::max(peak, ggml_backend_buffer_get_size(buf.get()) + runner.compute_bytes() + host);
}

ggml_tensor * lacuna_attribution::impl::transposed(io & g, const lacuna_rows & rows, int64_t offset) {
    const auto & [w, first_row, n_row] = rows;
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
