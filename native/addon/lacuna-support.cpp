#include "lacuna-attribution.h"

#include "llama-arch.h"
#include "llama-model.h"

// What lacuna-blocks.cpp and lacuna-attribution-backward.cpp compute, and nothing else: a model that differs in any way
// must run dense rather than get wrong numbers.
std::string lacuna_unsupported_reason(const llama_model & model) {
    const auto & hp = model.hparams;
    const std::string arch = model.arch_name();

    if (model.arch != LLM_ARCH_LLAMA && model.arch != LLM_ARCH_QWEN2 && model.arch != LLM_ARCH_QWEN3) {
        return "runs dense: " + arch + " is not supported yet";
    }

    const auto no = [&](const std::string & what) { return "runs dense: " + arch + " with " + what + " is not supported yet"; };

    if (hp.n_expert > 0) {
        return no("experts");
    }
    if (!hp.causal_attn) {
        return no("attention in both directions");
    }
    if (hp.n_swa > 0) {
        return no("sliding window attention");
    }
    if (hp.rope_scaling_type_train == LLAMA_ROPE_SCALING_TYPE_YARN || hp.rope_scaling_type_train == LLAMA_ROPE_SCALING_TYPE_LONGROPE) {
        return no(llama_rope_scaling_type_name(hp.rope_scaling_type_train) + " RoPE scaling");
    }
    if (hp.n_embd_head_k() != hp.n_embd_head_v() || hp.n_rot() != hp.n_embd_head_k()) {
        return no("partial RoPE");
    }
    if (hp.f_residual_scale != 0.0f || hp.f_embedding_scale != 0.0f || hp.f_logit_scale != 0.0f || hp.f_clamp_kqv != 0.0f ||
            hp.f_max_alibi_bias != 0.0f || hp.rope_attn_factor != 1.0f || hp.use_kq_norm) {
        return no("scaled activations");
    }
    if (!model.tok_embd || !model.output || !model.output_norm || model.output_norm_b || model.output_s) {
        return no("this output layer");
    }

    for (const auto & layer : model.layers) {
        if (!layer.wq || !layer.wk || !layer.wv || !layer.wo || !layer.attn_norm || !layer.ffn_norm) {
            return no("this attention");
        }
        if (!layer.ffn_gate || !layer.ffn_up || !layer.ffn_down) {
            return no("this FFN");
        }
        for (const auto * t : { layer.wq_s, layer.wk_s, layer.wv_s, layer.wo_s, layer.ffn_gate_s, layer.ffn_up_s, layer.ffn_down_s,
                                layer.attn_norm_b, layer.ffn_norm_b, layer.attn_q_norm_b, layer.attn_k_norm_b, layer.rope_long }) {
            if (t) {
                return no("scaled weights");
            }
        }
        for (const auto * t : { layer.wq, layer.wk, layer.wv, layer.wo, layer.ffn_gate, layer.ffn_up, layer.ffn_down }) {
            if (t->type != GGML_TYPE_F32 && !ggml_get_type_traits(t->type)->to_float) {
                return no(std::string(ggml_type_name(t->type)) + " weights");
            }
        }
    }

    return {};
}
