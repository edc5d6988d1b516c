#pragma once

#include "lacuna-head-copy.h"
#include "lacuna-weights.h"

#include "llama.h"

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

// The output head, screened: a rotated low-bit copy scores all rows, and only the best of them, with those of the text's own tokens and of tokens
// that end it, are computed exactly. The logits of the others are the copy's estimates: good for the tail of a sum, not to choose from.

// Empty, or why a model keeps its full head
std::string lacuna_head_unavailable_reason(const llama_model & model);

// Of one context, and as long as that
class lacuna_head {
public:
    explicit lacuna_head(std::shared_ptr<lacuna_weights> weights);

    static constexpr int MAX_COLUMNS = 8;   // outputs at once; for more, reading the whole head once is cheaper
    static constexpr int SAMPLE_EVERY = 200; // tokens
    static constexpr int MAX_SAMPLES  = 8;

    // Null: the full head. kernels: empty for the fastest. Throws std::invalid_argument
    void set_copy(llama_context * ctx, std::shared_ptr<const lacuna_head_copy> copy, const std::string & kernels);

    bool has_copy() const { return copy != nullptr; }

    enum mode { FULL, SCREENED, CAPTURED };

    // What the next evaluations of the context compute; SCREENED without a copy is FULL. CAPTURED computes no logits and keeps the inputs
    void set_mode(llama_context * ctx, mode wanted);

    // The sequence holds these tokens from position on, and what it held before
    void hold(int position, const std::vector<llama_token> & tokens);

    // Before an evaluation. allowed: if any, the only tokens to choose from; also: tokens whose logits must be exact, too
    void begin(const std::vector<llama_token> * allowed, const std::vector<llama_token> * also);

    // After it: the rows that were computed exactly for output i of n, ascending but for the last few; null: all were
    const std::vector<int32_t> * exact_rows(int i, int n) const;

    // Tells what was chosen after output 0, so that it may be compared with the full head's choice in idle time
    void chosen(llama_token token);

    struct checked { int n = 0; int n_missed = 0; };

    // Compares what is remembered of the last choices and forgets it
    checked check();

    // Of each input [n, n_embd], what the full head chooses and how the screened one would, by the copy's scores alone
    struct study {
        std::vector<int32_t> best;      // the full head's choice
        std::vector<int32_t> rank;      // of that row among the copy's scores: below n_rows, it is computed exactly
        std::vector<float>   log_p;     // ln p of it
        std::vector<float>   estimated; // the same from the best n_rows rows exactly and the scores of the others
    };
    study run_study(const std::vector<float> & inputs, int n_threads) const;

    // Inputs of the head since the mode was set to CAPTURED, [n, n_embd]
    std::vector<float> take_captured();

    struct counters {
        uint64_t tokens = 0;
        uint64_t rows   = 0; // computed exactly
        uint64_t bytes  = 0; // read of the copy and the head
    };
    counters read() const { return counted; }

    int n_rows = 3072; // the best ones that are computed exactly; may change between two evaluations

private:
    static ggml_tensor * build(ggml_context * ctx, ggml_tensor * w, ggml_tensor * x, void * self);

    static void screen (ggml_tensor * dst, int ith, int nth, void * self);
    static void collect(ggml_tensor * dst, int ith, int nth, void * self);
    static void choose (ggml_tensor * dst, int ith, int nth, void * self);
    static void exact  (ggml_tensor * dst, int ith, int nth, void * self);
    static void capture(ggml_tensor * dst, int ith, int nth, void * self);

    void account(const ggml_tensor * x, int n);
    void choose_rows(const float * scores, const std::vector<std::vector<int32_t>> & found, std::vector<int32_t> & rows) const;

    std::shared_ptr<lacuna_weights>         weights;
    std::shared_ptr<const lacuna_head_copy> copy;
    const lacuna_head_kernels *             kernels = nullptr;

    ggml_tensor *                      head;   // in the file's layout
    const struct ggml_type_traits_cpu * traits;
    void (*quantize)(const float *, void *, int64_t); // input -> what rows are multiplied with; null: F32
    size_t x_size;

    // Logits of all rows for some inputs: full[i][row]
    void compute_full(const float * const * inputs, int n, int n_threads, std::vector<float> & full) const;

    mode current = FULL;

    std::vector<llama_token> ends; // a text comes to its end where its calibration never was, and the copy knows little of them

    // of the sequence
    std::vector<llama_token>             held;
    std::unordered_map<llama_token, int> own;

    // of the evaluation
    const std::vector<llama_token> * allowed = nullptr;
    const std::vector<llama_token> * also    = nullptr;
    int n_columns = 0; // that were screened

    struct column {
        std::vector<std::vector<int32_t>> found; // by thread: rows that may be among the best
        std::vector<int32_t>              rows;
    };
    column columns[MAX_COLUMNS];

    struct sample {
        std::vector<float> x;
        llama_token        token = -1;
    };
    std::vector<sample> samples;
    std::vector<float>  captured;

    counters counted;
};
