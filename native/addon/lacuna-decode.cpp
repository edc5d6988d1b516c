#include "lacuna-decode.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <stdexcept>
#include <string>

// in lanes that compilers make vectors of: a large vocabulary takes std::max_element longer than a layer takes
static float max_logit(const float * logits, int n_vocab) {
    float lanes[16];
    std::fill(std::begin(lanes), std::end(lanes), -INFINITY);

    int i = 0;
    for (; i + 16 <= n_vocab; i += 16) {
        for (int j = 0; j < 16; j++) {
            lanes[j] = logits[i + j] > lanes[j] ? logits[i + j] : lanes[j];
        }
    }
    for (; i < n_vocab; i++) {
        lanes[0] = std::max(lanes[0], logits[i]);
    }
    return *std::max_element(std::begin(lanes), std::end(lanes));
}

static int32_t likeliest(const float * logits, int n_vocab, const std::vector<llama_token> & allowed) {
    if (allowed.empty()) {
        return (int32_t) (std::find(logits, logits + n_vocab, max_logit(logits, n_vocab)) - logits);
    }
    return *std::max_element(allowed.begin(), allowed.end(), [logits](llama_token a, llama_token b) { return logits[a] < logits[b]; });
}

// Of the rows that a screened head has computed exactly
static int32_t likeliest_of(const float * logits, const std::vector<int32_t> & rows) {
    int32_t best = rows.front();
    for (const int32_t row : rows) {
        if (logits[row] > logits[best] || (logits[row] == logits[best] && row < best)) {
            best = row;
        }
    }
    return best;
}

static float log_likelihood(const float * logits, int n_vocab, llama_token label) {
    const float max = max_logit(logits, n_vocab);
    double sum = 0.0;
    for (int i = 0; i < n_vocab; i++) {
        sum += expf(logits[i] - max);
    }
    return (float) (logits[label] - max - std::log(sum));
}

lacuna_decode_result lacuna_decode(llama_context * ctx, const lacuna_decode_params & params, lacuna_head * head) {
    const int n       = (int) params.tokens.size();
    const int n_vocab = llama_vocab_n_tokens(llama_model_get_vocab(llama_get_model(ctx)));

    if (n < 1 || n > (int) llama_n_batch(ctx)) {
        throw std::invalid_argument("between 1 and " + std::to_string(llama_n_batch(ctx)) + " tokens can be decoded at once");
    }
    if (params.n_outputs < 0 || params.n_outputs > n) {
        throw std::invalid_argument("there cannot be more outputs than tokens");
    }
    if (!params.labels.empty() && (int) params.labels.size() != params.n_outputs) {
        throw std::invalid_argument("there must be as many labels as outputs");
    }
    for (const auto & tokens : { params.tokens, params.allowed, params.labels }) {
        if (std::any_of(tokens.begin(), tokens.end(), [n_vocab](llama_token token) { return token < 0 || token >= n_vocab; })) {
            throw std::invalid_argument("a token is not in the vocabulary");
        }
    }

    auto * mem = llama_get_memory(ctx);
    if (params.position < 0 || params.position > llama_memory_seq_pos_max(mem, 0) + 1) {
        throw std::invalid_argument("the sequence does not reach position " + std::to_string(params.position));
    }
    if (params.position + n > (int) llama_n_ctx_seq(ctx)) {
        throw std::invalid_argument("the tokens do not fit into the context");
    }
    if (!llama_memory_seq_rm(mem, 0, params.position, -1)) {
        throw std::runtime_error("the model cannot go back in its sequence");
    }

    llama_batch batch = llama_batch_init(n, 0, 1);
    const std::unique_ptr<llama_batch, void (*)(llama_batch *)> guard(&batch, [](llama_batch * b) { llama_batch_free(*b); });

    batch.n_tokens = n;
    for (int i = 0; i < n; i++) {
        batch.token   [i]    = params.tokens[i];
        batch.pos     [i]    = params.position + i;
        batch.n_seq_id[i]    = 1;
        batch.seq_id  [i][0] = 0;
        batch.logits  [i]    = i >= n - params.n_outputs;
    }

    if (head) {
        head->hold(params.position, params.tokens);
        // rows that are computed for a label are not to be chosen where only some are allowed
        const bool full = params.full_head || (!params.allowed.empty() && !params.labels.empty());
        head->set_mode(ctx, full ? lacuna_head::FULL : lacuna_head::SCREENED);
        head->begin(&params.allowed, &params.labels);
    }
    if (llama_decode(ctx, batch) != 0) {
        llama_memory_seq_rm(mem, 0, params.position, -1);
        throw std::runtime_error("llama_decode failed");
    }

    lacuna_decode_result res;
    for (int i = 0; i < params.n_outputs; i++) {
        const float * logits = llama_get_logits_ith(ctx, n - params.n_outputs + i);
        const auto * rows = head ? head->exact_rows(i, params.n_outputs) : nullptr;
        res.next.push_back(rows ? likeliest_of(logits, *rows) : likeliest(logits, n_vocab, params.allowed));
        if (head && i == 0) {
            head->chosen(res.next[0]);
        }
        if (!params.labels.empty()) {
            res.log_likelihood.push_back(log_likelihood(logits, n_vocab, params.labels[i]));
        }
    }
    return res;
}
