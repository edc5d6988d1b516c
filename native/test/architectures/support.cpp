// Makes a model of an architecture out of nothing but metadata, as llama.cpp does when it is asked for tensors of its own, and prints what
// lacuna_unsupported_reason says of it, or nothing. With no argument: the names of all architectures.
//
// Usage: support [ARCHITECTURE EXPERTS [KEY=VALUE...]]. Exits with 0, with 3 if llama.cpp does not make the model, or as llama.cpp dies.

#include "lacuna-family.h"

#include "gguf.h"
#include "llama-arch.h"
#include "llama.h"
#include "llama-model.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

static gguf_context * metadata_of(const std::string & arch, uint32_t n_expert, int n_set, char ** set) {
    gguf_context * res = gguf_init_empty();

    const auto u32 = [&](const char * key, uint32_t value) { gguf_set_val_u32(res, (arch + "." + key).c_str(), value); };
    const auto f32 = [&](const char * key, float value)    { gguf_set_val_f32(res, (arch + "." + key).c_str(), value); };

    gguf_set_val_str(res, "general.architecture", arch.c_str());
    gguf_set_val_str(res, "tokenizer.ggml.model", "no_vocab");

    // of one size for everything, or of what divides it; what an architecture does not know it does not read
    const std::pair<const char *, uint32_t> counts[] = {
        { "vocab_size", 64 }, { "context_length", 64 }, { "embedding_length", 64 }, { "features_length", 64 }, { "block_count", 4 },
        { "feed_forward_length", 96 }, { "leading_dense_block_count", n_expert > 0 ? 1u : 4u },
        { "attention.head_count", 4 }, { "attention.head_count_kv", 2 }, { "attention.key_length", 16 }, { "attention.value_length", 16 },
        { "rope.dimension_count", 16 }, { "attention.sliding_window", 8 },
        { "attention.q_lora_rank", 16 }, { "attention.kv_lora_rank", 16 }, { "attention.key_length_mla", 32 }, { "attention.value_length_mla", 16 },
        { "attention.group_norm_groups", 4 }, { "attention.relative_buckets_count", 8 },
        { "attention.indexer.head_count", 1 }, { "attention.indexer.key_length", 16 }, { "attention.indexer.top_k", 8 },
        { "attention.decay_lora_rank", 16 }, { "attention.iclr_lora_rank", 16 }, { "attention.value_residual_mix_lora_rank", 16 }, { "attention.gate_lora_rank", 16 },
        { "expert_feed_forward_length", 32 }, { "expert_shared_feed_forward_length", 32 }, { "expert_shared_count", n_expert > 0 ? 1u : 0u },
        { "expert_gating_func", 1 }, { "interleave_moe_layer_step", 2 }, { "moe_every_n_layers", 2 },
        { "wkv.head_size", 16 }, { "time_mix_extra_dim", 16 }, { "time_decay_extra_dim", 16 }, { "rescale_every_n_layers", 6 }, { "token_shift_count", 2 },
        { "ssm.conv_kernel", 4 }, { "ssm.inner_size", 128 }, { "ssm.state_size", 16 }, { "ssm.time_step_rank", 4 }, { "ssm.group_count", 1 },
        { "shortconv.l_cache", 3 }, { "kda.head_dim", 16 }, { "embedding_length_per_layer_input", 16 }, { "hyper_connection.count", 2 }, { "attn_res.block_size", 2 },
        { "attention.kv_lora_rank_swa", 16 }, { "attention.key_length_swa", 16 }, { "attention.value_length_swa", 16 }, { "attention.indexer.block_size", 4 },
        { "hyper_connection.low_rank", 4 },
        { "hrm.layers_per_stack", 2 }, { "hrm.h_cycles", 1 }, { "hrm.l_cycles", 1 }, { "decoder_block_count", 4 }, { "full_attention_interval", 2 },
    };
    for (const auto & [key, value] : counts) {
        u32(key, value);
    }
    if (n_expert > 0) {
        u32("expert_count", n_expert);
        u32("expert_used_count", 2);
    }
    for (const char * key : { "attention.layer_norm_epsilon", "attention.layer_norm_rms_epsilon", "attention.group_norm_epsilon" }) {
        f32(key, 1e-5f);
    }
    for (const char * key : { "logit_scale", "residual_scale", "expert_weights_scale", "expert_group_scale", "attention.max_alibi_bias", "attention.clamp_kqv",
                              "hyper_connection.epsilon", "activation.situ_beta", "kda.gate_lower_bound" }) {
        f32(key, 1.0f);
    }
    gguf_set_val_u32 (res, "tokenizer.ggml.token_type_count", 2);
    gguf_set_val_bool(res, (arch + ".use_parallel_residual").c_str(), true);
    gguf_set_val_bool(res, (arch + ".expert_weights_norm").c_str(), true);
    const int32_t sections[] = { 2, 3, 3, 0 }, pattern[] = { 1, 0, 1, 0 };
    gguf_set_arr_data(res, (arch + ".rope.dimension_sections").c_str(), GGUF_TYPE_INT32, sections, 4);
    gguf_set_arr_data(res, (arch + ".attention.sliding_window_pattern").c_str(), GGUF_TYPE_INT32, pattern, 4);

    for (int i = 0; i < n_set; i++) {
        const char * equals = strchr(set[i], '=');
        const std::string key(set[i], equals - set[i]);
        const char * value = equals + 1;
        if (strcmp(value, "false") == 0) {
            gguf_set_val_bool(res, (arch + "." + key).c_str(), false);
        } else if (value[0] >= 'a') {
            gguf_set_val_str(res, (arch + "." + key).c_str(), value);
        } else if (strchr(value, '.')) {
            f32(key.c_str(), (float) atof(value));
        } else {
            u32(key.c_str(), (uint32_t) atoi(value));
        }
    }
    return res;
}

// How many tensors the architecture has: llama.cpp says so where metadata tell of another number
static int n_tensors_wanted = 0;

static void read_log(ggml_log_level level, const char * text, void *) {
    if (const char * got = strstr(text, "tensors created; expected")) {
        n_tensors_wanted = atoi(strstr(got, "got ") + strlen("got "));
    }
    if (level == GGML_LOG_LEVEL_ERROR) {
        fputs(text, stderr);
    }
}

static llama_model * load(gguf_context * metadata) {
    ggml_init_params init = { ggml_tensor_overhead()*(n_tensors_wanted + 1), nullptr, /*.no_alloc =*/ true };
    ggml_context * ctx = ggml_init(init);
    for (int i = 0; i < n_tensors_wanted; i++) {
        ggml_tensor * t = ggml_new_tensor_1d(ctx, GGML_TYPE_F32, 1);
        ggml_format_name(t, "%d", i);
        gguf_add_tensor(metadata, t);
    }
    auto params = llama_model_default_params();
    params.n_gpu_layers = 0;

    return llama_model_init_from_user(metadata, [](ggml_tensor *, void *) {}, nullptr, params);
}

int main(int argc, char ** argv) {
    if (argc == 1) {
        for (const auto arch : llm_arch_all()) {
            if (arch != LLM_ARCH_UNKNOWN) {
                printf("%s\n", llm_arch_name(arch));
            }
        }
        return 0;
    }
    llama_backend_init();
    llama_log_set(read_log, nullptr);

    const auto metadata = [&] { return metadata_of(argv[1], (uint32_t) atoi(argv[2]), argc - 3, argv + 3); };
    llama_model * model = load(metadata());
    if (!model && n_tensors_wanted > 0) {
        model = load(metadata());
    }
    if (!model) {
        return 3;
    }
    printf("%s\n", lacuna_unsupported_reason(*model).c_str());
    return 0;
}
