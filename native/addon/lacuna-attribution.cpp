#include "lacuna-attribution-impl.h"

#include <stdexcept>

//
// set-up
//

lacuna_attribution::impl::impl(const lacuna_weights & weights, lacuna_attribution_params p)
    : lacuna_blocks(weights.model, p.end - 1, p.n_ctx), weights(weights), params(std::move(p)),
      n_pred(params.end - params.start), first(params.start - 1),
      backward(params.metrics & (LACUNA_METRICS_BACKWARD | LACUNA_METRIC_IG)), ig(params.metrics & LACUNA_METRIC_IG),
      has_gate(lacuna_gate_rows(model.layers[0])), parallel(!model.layers[0].ffn_norm),
      runner(model, params.n_threads) {
    if (params.start < 1 || params.end <= params.start || params.end > (int) params.tokens.size()) {
        throw std::invalid_argument("the window is not inside the tokens");
    }
    for (const auto token : params.tokens) {
        if (token < 0 || token >= (int) model.tok_embd->ne[1]) {
            throw std::invalid_argument("a token is not in the vocabulary");
        }
    }

    for (const auto label : params.labels) {
        if (label < 0 || label >= V) {
            throw std::invalid_argument("a label is not in the vocabulary");
        }
    }
    if (!params.labels.empty() && (int) params.labels.size() != n_pred) {
        throw std::invalid_argument("there must be a label for each position of the window");
    }
    if (params.own_term) {
        diagonal.assign((size_t) n_pred*n_pred, 0.0f);
        for (int t = 0; t < n_pred; t++) {
            diagonal[(size_t) t*n_pred + t] = 1.0f;
        }
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
        (ig ? params.n_ig_steps*n_layer*(params.neurons_only ? 0.5 : 1.0)*(2.0*n_slices()*cost_slice() + n_layer*cost_layer()) : 0.0);
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
            if (ig_unit++ == UNIT_NEURONS && !params.neurons_only) {
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
