#include "lacuna-family.h"

#include "llama-arch.h"
#include "llama-model.h"

#include <cmath>
#include <cstring>
#include <set>

// What llama.cpp's graph of an architecture (src/models) does that neither the file's tensors nor its metadata tell. Before one comes here, its
// graph has been read, and a random model of its shape equals a reference in float64: native/test/families.ts
struct family {
    llm_arch          arch;
    lacuna_norm_kind  norm;
    lacuna_activation activation;
    unsigned          flags;
};

enum : unsigned {
    EMBEDDING_ROOT = 1, // embeddings times the root of their size
    LOGITS_DIVIDED = 2, // by f_logit_scale
    LOGITS_CAPPED  = 4, // by f_final_logit_softcapping, which has a default for all architectures
    ROPE_SKIPPED   = 8, // in every n_no_rope_layer_step-th layer, which has one, too
};

static const family FAMILIES[] = {
    { LLM_ARCH_LLAMA,      LACUNA_NORM_RMS,   LACUNA_SILU, 0 },
    { LLM_ARCH_QWEN2,      LACUNA_NORM_RMS,   LACUNA_SILU, 0 },
    { LLM_ARCH_QWEN3,      LACUNA_NORM_RMS,   LACUNA_SILU, 0 },
    { LLM_ARCH_GEMMA,      LACUNA_NORM_RMS,   LACUNA_GELU, EMBEDDING_ROOT },
    { LLM_ARCH_GEMMA2,     LACUNA_NORM_RMS,   LACUNA_GELU, EMBEDDING_ROOT | LOGITS_CAPPED },
    { LLM_ARCH_GEMMA3,     LACUNA_NORM_RMS,   LACUNA_GELU, EMBEDDING_ROOT | LOGITS_CAPPED },
    { LLM_ARCH_PHI2,       LACUNA_NORM_LAYER, LACUNA_GELU, 0 },
    { LLM_ARCH_PHI3,       LACUNA_NORM_RMS,   LACUNA_SILU, 0 },
    { LLM_ARCH_STARCODER2, LACUNA_NORM_LAYER, LACUNA_GELU, 0 },
    { LLM_ARCH_CODESHELL,  LACUNA_NORM_LAYER, LACUNA_GELU, 0 },
    { LLM_ARCH_STABLELM,   LACUNA_NORM_LAYER, LACUNA_SILU, 0 },
    { LLM_ARCH_GRANITE,    LACUNA_NORM_RMS,   LACUNA_SILU, LOGITS_DIVIDED },
    { LLM_ARCH_DEEPSEEK,   LACUNA_NORM_RMS,   LACUNA_SILU, 0 },
    { LLM_ARCH_INTERNLM2,  LACUNA_NORM_RMS,   LACUNA_SILU, 0 },
    { LLM_ARCH_MISTRAL3,   LACUNA_NORM_RMS,   LACUNA_SILU, 0 },
    { LLM_ARCH_SMOLLM3,    LACUNA_NORM_RMS,   LACUNA_SILU, ROPE_SKIPPED },
};

static const family * family_of(llm_arch arch) {
    for (const auto & f : FAMILIES) {
        if (f.arch == arch) {
            return &f;
        }
    }
    return nullptr;
}

lacuna_form lacuna_form_of(const llama_model & model) {
    const auto & hp = model.hparams;
    const auto & f  = *family_of(model.arch);

    const auto factor = [](float scale) { return scale != 0.0f ? scale : 1.0f; };

    lacuna_form res;
    res.norm            = f.norm;
    res.norm_eps        = f.norm == LACUNA_NORM_RMS ? hp.f_norm_rms_eps : hp.f_norm_eps;
    res.activation      = f.activation;
    res.embedding_scale = f.flags & EMBEDDING_ROOT ? sqrtf((float) hp.n_embd) : factor(hp.f_embedding_scale);
    res.attention_scale = hp.f_attention_scale != 0.0f ? hp.f_attention_scale : 1.0f/sqrtf((float) hp.n_embd_head_k());
    res.residual_scale  = factor(hp.f_residual_scale);
    res.logit_scale     = f.flags & LOGITS_DIVIDED ? 1.0f/hp.f_logit_scale : 1.0f;
    res.attention_cap   = hp.attn_soft_cap ? hp.f_attn_logit_softcapping : 0.0f;
    res.logit_cap       = f.flags & LOGITS_CAPPED ? hp.f_final_logit_softcapping : 0.0f;
    res.rope_step       = f.flags & ROPE_SKIPPED ? (int) hp.n_no_rope_layer_step : 0;

    return res;
}

void lacuna_form::finish_logits(float * logits, int n) const {
    if (logit_scale != 1.0f) {
        for (int i = 0; i < n; i++) {
            logits[i] *= logit_scale;
        }
    }
    if (logit_cap > 0.0f) {
        for (int i = 0; i < n; i++) {
            logits[i] = logit_cap*tanhf(logits[i]/logit_cap);
        }
    }
}

//
// matrices
//

static lacuna_rows whole(ggml_tensor * w) {
    return { w, 0, w ? w->ne[1] : 0 };
}

static int64_t n_rows_q (const llama_model & model) { return (int64_t) model.hparams.n_embd_head_k()*model.hparams.n_head(); }
static int64_t n_rows_kv(const llama_model & model) { return (int64_t) model.hparams.n_embd_head_k()*model.hparams.n_head_kv(); }

lacuna_rows lacuna_query_rows(const llama_model & model, const llama_layer & l) {
    return l.wqkv ? lacuna_rows { l.wqkv, 0, n_rows_q(model) } : whole(l.wq);
}

lacuna_rows lacuna_key_rows(const llama_model & model, const llama_layer & l) {
    return l.wqkv ? lacuna_rows { l.wqkv, n_rows_q(model), n_rows_kv(model) } : whole(l.wk);
}

lacuna_rows lacuna_value_rows(const llama_model & model, const llama_layer & l) {
    return l.wqkv ? lacuna_rows { l.wqkv, n_rows_q(model) + n_rows_kv(model), n_rows_kv(model) } : whole(l.wv);
}

// gate and up in one tensor, gate first
static bool is_fused(const llama_layer & l) {
    return !l.ffn_gate && l.ffn_up && l.ffn_down && l.ffn_up->ne[1] == 2*l.ffn_down->ne[0];
}

lacuna_rows lacuna_gate_rows(const llama_layer & l) {
    return is_fused(l) ? lacuna_rows { l.ffn_up, 0, l.ffn_down->ne[0] } : whole(l.ffn_gate);
}

lacuna_rows lacuna_up_rows(const llama_layer & l) {
    return is_fused(l) ? lacuna_rows { l.ffn_up, l.ffn_down->ne[0], l.ffn_down->ne[0] } : whole(l.ffn_up);
}

//
// what is not known
//

// of a name without its block
static bool is_known_tensor(const std::string & name) {
    static const std::set<std::string> known = {
        "token_embd.weight", "output_norm.weight", "output_norm.bias", "output.weight", "output.bias",
        "rope_freqs.weight", "rope_factors_long.weight", "rope_factors_short.weight",
        "attn_norm.weight", "attn_norm.bias",
        "attn_q.weight", "attn_k.weight", "attn_v.weight", "attn_qkv.weight", "attn_output.weight",
        "attn_q.bias",   "attn_k.bias",   "attn_v.bias",   "attn_qkv.bias",   "attn_output.bias",
        "attn_q_norm.weight", "attn_k_norm.weight", "post_attention_norm.weight",
        "ffn_norm.weight", "ffn_norm.bias", "post_ffw_norm.weight",
        "ffn_gate.weight", "ffn_up.weight", "ffn_down.weight",
        "ffn_gate.bias",   "ffn_up.bias",   "ffn_down.bias",
    };
    return known.count(name) > 0;
}

static std::string without_block(const std::string & name) {
    if (name.rfind("blk.", 0) != 0) {
        return name;
    }
    const auto dot = name.find('.', strlen("blk."));
    return dot == std::string::npos ? name : name.substr(dot + 1);
}

static std::string unknown_tensor(const llama_model & model) {
    for (const auto & [name, t] : model.tensors_by_name) {
        if (!is_known_tensor(without_block(name))) {
            return name;
        }
    }
    return {};
}

// What a known architecture may be told by metadata to do, and is not known
static std::string unknown_key(const llama_model & model) {
    const auto & hp = model.hparams;

    const auto by_layer = [&](auto && value) {
        for (uint32_t il = 1; il < hp.n_layer(); il++) {
            if (value(il) != value(0)) {
                return true;
            }
        }
        return false;
    };
    const struct { const char * key; bool is_unknown; } keys[] = {
        { "nextn_predict_layers",       hp.n_layer_nextn > 0 },
        { "feed_forward_length",        by_layer([&](uint32_t il) { return hp.n_ff(il); }) },
        { "attention.head_count",       by_layer([&](uint32_t il) { return hp.n_head(il); }) },
        { "attention.head_count_kv",    by_layer([&](uint32_t il) { return hp.n_head_kv(il); }) },
        { "attention.value_length",     hp.n_embd_head_k_full != hp.n_embd_head_v_full },
        { "attention.key_length_swa",   hp.is_swa_any() && hp.n_embd_head_k_swa != hp.n_embd_head_k_full },
        { "attention.value_length_swa", hp.is_swa_any() && hp.n_embd_head_v_swa != hp.n_embd_head_v_full },
        { "attention.causal",           !hp.causal_attn },
        { "attention.sliding_window",   hp.is_swa_any() && hp.swa_type != LLAMA_SWA_TYPE_STANDARD },
        { "attention.clamp_kqv",        hp.f_clamp_kqv != 0.0f },
        { "attention.max_alibi_bias",   hp.f_max_alibi_bias != 0.0f },
        { "attention.temperature_scale", hp.f_attn_temp_scale != 0.0f },
        { "rope.dimension_count_swa",   hp.is_swa_any() && hp.n_rot_swa != hp.n_rot_full },
        { "rope.scaling.type",          hp.is_swa_any() && hp.rope_scaling_type_train == LLAMA_ROPE_SCALING_TYPE_YARN },
        { "deepstack_mapping",          hp.n_deepstack_layers > 0 },
    };
    for (const auto & k : keys) {
        if (k.is_unknown) {
            return model.arch_name() + "." + k.key;
        }
    }
    return {};
}

// A tensor that is missing, or not as the code takes it to be
static std::string odd_tensor(const llama_model & model) {
    const auto missing = [&](const std::string & name) { return model.arch_name() + " without the tensor " + name; };

    if (!model.tok_embd || !model.output || !model.output_norm) {
        return missing(!model.tok_embd ? "token_embd.weight" : !model.output ? "output.weight" : "output_norm.weight");
    }
    const auto is_readable = [](const ggml_tensor * t) { return t->type == GGML_TYPE_F32 || ggml_get_type_traits(t->type)->to_float; };
    const int64_t n_ff = model.hparams.n_ff();

    for (const auto & l : model.layers) {
        const auto block = "blk." + std::to_string(&l - model.layers.data()) + ".";

        const std::pair<const char *, bool> needed[] = {
            { "attn_norm", l.attn_norm }, { "attn_q", l.wqkv || l.wq }, { "attn_k", l.wqkv || l.wk }, { "attn_v", l.wqkv || l.wv }, { "attn_output", l.wo },
            { "ffn_up", l.ffn_up }, { "ffn_down", l.ffn_down },
        };
        for (const auto & [name, is_there] : needed) {
            if (!is_there) {
                return missing(block + name + ".weight");
            }
        }
        if (l.ffn_down->ne[0] != n_ff || lacuna_up_rows(l).n != n_ff || (l.ffn_gate && l.ffn_gate->ne[1] != n_ff)) {
            return "the size of the tensor " + block + "ffn_up.weight";
        }
        for (const auto * t : { l.wqkv, l.wq, l.wk, l.wv, l.wo, l.ffn_gate, l.ffn_up, l.ffn_down }) {
            if (t && !is_readable(t)) {
                return "the tensor " + std::string(t->name) + " of type " + ggml_type_name(t->type);
            }
        }
    }
    return {};
}

std::string lacuna_unsupported_reason(const llama_model & model) {
    const auto no = [](const std::string & what) { return "runs dense: " + what + " is not supported yet"; };

    // the tensor first: it says more than a name
    if (const auto name = unknown_tensor(model); !name.empty()) {
        return no("the tensor " + name + " of " + model.arch_name());
    }
    if (!family_of(model.arch)) {
        return no("general.architecture " + model.arch_name());
    }
    if (const auto key = unknown_key(model); !key.empty()) {
        const auto value = model.gguf_kv.find(key);
        return no(key + (value == model.gguf_kv.end() ? "" : " " + value->second));
    }
    if (const auto name = odd_tensor(model); !name.empty()) {
        return no(name);
    }
    return {};
}
