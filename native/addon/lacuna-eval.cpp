#include "lacuna-eval.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <stdexcept>

lacuna_eval_result lacuna_eval(llama_context * ctx, const lacuna_eval_params & params) {
    const int n       = (int) params.tokens.size();
    const int n_vocab = llama_vocab_n_tokens(llama_model_get_vocab(llama_get_model(ctx)));
    const int n_batch = (int) llama_n_batch(ctx);

    if (n < 2 || params.from < 0 || params.from > n - 1) {
        throw std::invalid_argument("nothing to evaluate");
    }
    if (n > (int) llama_n_ctx_seq(ctx)) {
        throw std::invalid_argument("the tokens do not fit into the context");
    }
    for (const auto token : params.tokens) {
        if (token < 0 || token >= n_vocab) {
            throw std::invalid_argument("a token is not in the vocabulary");
        }
    }

    lacuna_eval_result res;
    res.log_likelihood.reserve(n - 1 - params.from);
    res.top1.reserve(n - 1 - params.from);

    auto * mem = llama_get_memory(ctx);
    llama_memory_seq_rm(mem, 0, -1, -1);

    llama_batch batch = llama_batch_init(n_batch, 0, 1);
    const std::unique_ptr<llama_batch, void (*)(llama_batch *)> guard(&batch, [](llama_batch * b) { llama_batch_free(*b); });

    for (int i0 = 0, i1; i0 < n; i0 = i1) {
        i1 = std::min(n, i0 + n_batch);
        if (i0 < params.dense_until) {
            i1 = std::min(i1, params.dense_until);
        }
        llama_set_adapter_ffn_enabled(ctx, i0 >= params.dense_until);

        batch.n_tokens = i1 - i0;
        for (int i = i0; i < i1; i++) {
            batch.token   [i - i0]    = params.tokens[i];
            batch.pos     [i - i0]    = i;
            batch.n_seq_id[i - i0]    = 1;
            batch.seq_id  [i - i0][0] = 0;
            batch.logits  [i - i0]    = i >= params.from;
        }

        if (llama_decode(ctx, batch) != 0) {
            llama_set_adapter_ffn_enabled(ctx, true);
            llama_memory_seq_rm(mem, 0, -1, -1);
            throw std::runtime_error("llama_decode failed");
        }

        for (int i = std::max(i0, params.from); i < i1; i++) {
            const float * l = llama_get_logits_ith(ctx, i - i0);
            if (params.logits) {
                res.logits.insert(res.logits.end(), l, l + n_vocab);
            }
            if (i == n - 1) {
                continue;
            }
            const auto top = std::max_element(l, l + n_vocab);
            double sum = 0.0;
            for (int j = 0; j < n_vocab; j++) {
                sum += expf(l[j] - *top);
            }
            res.log_likelihood.push_back((float) (l[params.tokens[i + 1]] - *top - std::log(sum)));
            res.top1.push_back((int32_t) (top - l));
        }
    }

    llama_set_adapter_ffn_enabled(ctx, true);
    llama_memory_seq_rm(mem, 0, -1, -1);

    return res;
}
