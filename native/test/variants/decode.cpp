// variants-decode BINARIES MODEL PROMPT TOKEN…: evaluates the first PROMPT tokens at once and the others one by one, with the CPU variant that ggml chooses
// (or GGML_CPU_VARIANT names), and prints the variant, then the logits after the prompt and each further token, a line each. Exits with 2 when no variant
// runs on this processor.

#include "ggml-backend.h"
#include "llama.h"

#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

// The library of the CPU backend. Others stay mapped, too: C++ lets few of them be closed
static std::string loaded_variant() {
    auto * reg = ggml_backend_dev_backend_reg(ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU));
    Dl_info info;
    if (!dladdr(ggml_backend_reg_get_proc_address(reg, "ggml_backend_set_n_threads"), &info)) {
        return {};
    }
    const std::string file = info.dli_fname;
    const auto at = file.rfind("libggml-cpu-") + strlen("libggml-cpu-");
    return file.substr(at, file.rfind(".so") - at);
}

int main(int argc, char ** argv) {
    if (argc < 5) {
        fprintf(stderr, "usage: %s BINARIES MODEL PROMPT TOKEN...\n", argv[0]);
        return 1;
    }
    llama_log_set([](ggml_log_level, const char *, void *) {}, nullptr);
    ggml_backend_load_all_from_path(argv[1]);
    if (!ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU)) {
        return 2;
    }
    printf("%s\n", loaded_variant().c_str());

    auto model_params = llama_model_default_params();
    model_params.n_gpu_layers = 0;
    auto * model = llama_model_load_from_file(argv[2], model_params);
    if (!model) {
        fprintf(stderr, "%s cannot be loaded\n", argv[2]);
        return 1;
    }
    auto context_params = llama_context_default_params();
    context_params.n_ctx           = 256;
    context_params.n_batch         = 64;
    context_params.n_threads       = 1;
    context_params.n_threads_batch = 1;
    auto * context = llama_init_from_model(model, context_params);
    if (!context) {
        fprintf(stderr, "there is no context\n");
        return 1;
    }

    std::vector<llama_token> tokens;
    for (int i = 4; i < argc; i++) {
        tokens.push_back(atoi(argv[i]));
    }
    const int n_vocab = llama_vocab_n_tokens(llama_model_get_vocab(model));
    for (int at = 0, n = atoi(argv[3]); at < (int) tokens.size(); at += n, n = 1) {
        if (llama_decode(context, llama_batch_get_one(tokens.data() + at, n)) != 0) {
            fprintf(stderr, "decoding failed\n");
            return 1;
        }
        const float * logits = llama_get_logits_ith(context, -1);
        for (int i = 0; i < n_vocab; i++) {
            printf("%g ", logits[i]);
        }
        printf("\n");
    }
    llama_free(context);
    llama_model_free(model);
    return 0;
}
