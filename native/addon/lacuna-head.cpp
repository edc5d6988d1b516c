#include "lacuna-head.h"

#include "lacuna-parallel.h"

#include "ggml-backend.h"
#include "ggml-cpu.h"
#include "llama-model.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <stdexcept>

static constexpr int MAX_THREADS = 64; // more than that find nothing to do
static constexpr int CHUNK       = 32; // blocks that stay in the cache for all columns
static constexpr int STRIDE      = 64; // between the rows that tell where the best ones begin
static constexpr int AHEAD       = 4;  // exact rows that are asked for before they are needed
static constexpr int CACHE_LINE  = 64;

#if defined(__x86_64__)
extern const lacuna_head_kernels lacuna_head_avx512, lacuna_head_avx2;
#elif defined(__aarch64__)
extern const lacuna_head_kernels lacuna_head_neon;
#endif
extern const lacuna_head_kernels lacuna_head_scalar;

const lacuna_head_kernels * const * lacuna_head_all_kernels() {
    static const lacuna_head_kernels * const all[] = {
#if defined(__x86_64__)
        &lacuna_head_avx512, &lacuna_head_avx2,
#elif defined(__aarch64__)
        &lacuna_head_neon,
#endif
        &lacuna_head_scalar, nullptr,
    };
    return all;
}

static const lacuna_head_kernels * find_kernels(const std::string & name) {
    for (auto * k = lacuna_head_all_kernels(); *k; k++) {
        if ((name.empty() || name == (*k)->name) && (*k)->supported()) {
            return *k;
        }
    }
    throw std::invalid_argument("this processor has no kernels called " + name);
}

// The CPU backend may be a library of its own, chosen for the processor when it is loaded
static const ggml_type_traits_cpu * traits_of(ggml_type type) {
    auto * reg = ggml_backend_dev_backend_reg(ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU));
    auto * get = (decltype(ggml_get_type_traits_cpu) *) ggml_backend_reg_get_proc_address(reg, "ggml_get_type_traits_cpu");

    return get ? get(type) : nullptr;
}

std::string lacuna_head_unavailable_reason(const llama_model & model) {
    const ggml_tensor * head = model.output;

    if (!head || model.output_s || model.output_b || model.hparams.n_cls_out > 1) {
        return "this architecture has no plain output head";
    }
    if (lacuna_device_of(head)) {
        return "the output head is on a GPU";
    }
    const auto * traits = traits_of(head->type);
    if (!traits || !traits->vec_dot || !(head->type == GGML_TYPE_F32 || ggml_get_type_traits(head->type)->to_float)) {
        return std::string("rows of type ") + ggml_type_name(head->type) + " cannot be computed alone";
    }
    if (head->ne[0] < 2*LACUNA_HEAD_GROUP || head->ne[0] > 4096) {
        return "its rows are too short or too long";
    }
    return {};
}

lacuna_head::lacuna_head(std::shared_ptr<lacuna_weights> weights) :
        weights(std::move(weights)), head(this->weights->host(this->weights->model.output)), traits(traits_of(head->type)) {
    quantize = traits->vec_dot_type == GGML_TYPE_F32 ? nullptr : traits_of(traits->vec_dot_type)->from_float;
    x_size   = ggml_row_size(traits->vec_dot_type, head->ne[0]);
    for (auto & column : columns) {
        column.found.resize(MAX_THREADS);
    }
    const auto & vocab = this->weights->model.vocab;
    for (llama_token token = 0; token < (llama_token) std::min<int64_t>(vocab.n_tokens(), head->ne[1]); token++) {
        if (vocab.is_eog(token)) {
            ends.push_back(token);
        }
    }
}

void lacuna_head::set_copy(llama_context * ctx, std::shared_ptr<const lacuna_head_copy> c, const std::string & name) {
    kernels = find_kernels(name);
    copy    = std::move(c);
    current = FULL;
    llama_set_adapter_head(ctx, nullptr, nullptr);
    set_mode(ctx, SCREENED);
}

void lacuna_head::set_mode(llama_context * ctx, mode wanted) {
    if (wanted == SCREENED && (!copy || llama_n_ubatch(ctx) < llama_n_batch(ctx))) {
        wanted = FULL; // outputs of one evaluation must be of one graph
    }
    n_columns = 0;
    if (wanted != current) {
        current = wanted;
        llama_set_adapter_head(ctx, wanted == FULL ? nullptr : build, this);
    }
}

void lacuna_head::hold(int position, const std::vector<llama_token> & tokens) {
    while ((int) held.size() > position) {
        const auto it = own.find(held.back());
        if (it != own.end() && --it->second == 0) {
            own.erase(it);
        }
        held.pop_back();
    }
    held.resize(position, -1); // nobody has said what is there
    for (const llama_token token : tokens) {
        held.push_back(token);
        own[token]++;
    }
}

void lacuna_head::begin(const std::vector<llama_token> * allowed_, const std::vector<llama_token> * also_) {
    allowed   = allowed_ && !allowed_->empty() ? allowed_ : nullptr;
    also      = also_;
    n_columns = 0;
    for (auto & column : columns) {
        for (auto & list : column.found) {
            list.clear();
        }
    }
    if (!samples.empty() && samples.back().token < 0) {
        samples.pop_back(); // the evaluation came to nothing
    }
}

const std::vector<int32_t> * lacuna_head::exact_rows(int i, int n) const {
    return n == n_columns ? &columns[i].rows : nullptr;
}

// graph

ggml_tensor * lacuna_head::build(ggml_context * ctx, ggml_tensor * w, ggml_tensor * x, void * data) {
    auto & self = *(lacuna_head *) data;
    const int64_t n_vocab = w->ne[1];
    const int64_t n       = x->ne[1];

    if (self.current == CAPTURED) {
        return ggml_custom_4d(ctx, GGML_TYPE_F32, n_vocab, n, 1, 1, &x, 1, capture, 1, data);
    }
    if (n > MAX_COLUMNS || x->type != GGML_TYPE_F32 || x->ne[2] != 1 || x->ne[3] != 1) {
        return nullptr;
    }
    ggml_tensor * z      = ggml_mul_mat(ctx, self.copy->rotation, x);
    ggml_tensor * logits = ggml_custom_4d(ctx, GGML_TYPE_F32, n_vocab, n, 1, 1, &z, 1, screen, GGML_N_TASKS_MAX, data);
    logits = ggml_custom_inplace(ctx, logits, nullptr, 0, collect, GGML_N_TASKS_MAX, data);
    logits = ggml_custom_inplace(ctx, logits, nullptr, 0, choose,  GGML_N_TASKS_MAX, data);

    return ggml_custom_inplace(ctx, logits, &x, 1, exact, GGML_N_TASKS_MAX, data);
}

static const float * column_of(const ggml_tensor * t, int i) {
    return (const float *) ((const char *) t->data + i*t->nb[1]);
}

// The input in the copy's dimensions as int8, a scale for each group
struct lacuna_head_input {
    std::vector<int8_t> z;
    std::vector<float>  scale;
    lacuna_head_query   query;

    void set(const lacuna_head_shape & shape, const float * values) {
        z.resize(shape.n_dim());
        scale.resize(shape.n_dim()/LACUNA_HEAD_GROUP);

        int g = 0;
        for (int s = 0; s < 2; s++) {
            const auto & segment = shape.segments[s];
            const float  middle  = ((1 << segment.bits) - 1)/2.0f;
            float offset = 0.0f;
            for (const int end = g + segment.n_group; g < end; g++) {
                const float * v = values + g*LACUNA_HEAD_GROUP;
                float max = 0.0f;
                for (int i = 0; i < LACUNA_HEAD_GROUP; i++) {
                    max = std::max(max, std::fabs(v[i]));
                }
                scale[g] = max/127.0f;
                const float inverse = max > 0.0f ? 127.0f/max : 0.0f;
                int sum = 0;
                for (int i = 0; i < LACUNA_HEAD_GROUP; i++) {
                    // what is not a number becomes one here; the bias of all rows is none then, either
                    const float q = std::min(127.0f, std::max(-127.0f, std::nearbyint(v[i]*inverse)));
                    z[g*LACUNA_HEAD_GROUP + i] = (int8_t) q;
                    sum += (int) q;
                }
                offset -= middle*scale[g]*sum;
            }
            query.offset[s] = offset;
        }
        query.z     = z.data();
        query.scale = scale.data();
        query.bias  = values[shape.n_dim()];
    }
};

// Rows [first, last) of a thread, in whole blocks
static std::pair<int, int> rows_of(int n_vocab, int ith, int nth) {
    const int64_t n_block = (n_vocab + LACUNA_HEAD_ROWS - 1)/LACUNA_HEAD_ROWS;
    return { (int) (n_block*ith/nth)*LACUNA_HEAD_ROWS, std::min(n_vocab, (int) (n_block*(ith + 1)/nth)*LACUNA_HEAD_ROWS) };
}

void lacuna_head::screen(ggml_tensor * dst, int ith, int nth, void * data) {
    static thread_local lacuna_head_input inputs[MAX_COLUMNS];

    const auto & self = *(const lacuna_head *) data;
    const auto & shape = self.copy->shape;
    const int n_vocab = (int) dst->ne[0];
    const int n       = (int) dst->ne[1];
    const auto [first, last] = rows_of(n_vocab, ith, nth);

    for (int c = 0; c < n; c++) {
        inputs[c].set(shape, column_of(dst->src[0], c));
    }
    for (int row = first; row < last; row += CHUNK*LACUNA_HEAD_ROWS) {
        const int n_row = std::min(CHUNK*LACUNA_HEAD_ROWS, last - row);
        const uint8_t * blocks = self.copy->blocks + row/LACUNA_HEAD_ROWS*shape.block_bytes();

        for (int c = 0; c < n; c++) {
            float * scores = (float *) column_of(dst, c) + row;
            const int whole = n_row/LACUNA_HEAD_ROWS;
            self.kernels->score(shape, blocks, whole, inputs[c].query, scores);

            if (const int rest = n_row%LACUNA_HEAD_ROWS) {
                float block[LACUNA_HEAD_ROWS];
                self.kernels->score(shape, blocks + whole*shape.block_bytes(), 1, inputs[c].query, block);
                memcpy(scores + n_row - rest, block, rest*sizeof(float));
            }
        }
    }
}

void lacuna_head::collect(ggml_tensor * dst, int ith, int nth, void * data) {
    static thread_local std::vector<float> sampled;

    auto & self = *(lacuna_head *) data;
    const int n_vocab = (int) dst->ne[0];

    nth = std::min(nth, MAX_THREADS);
    if (ith >= nth || self.allowed) {
        return;
    }
    const auto [first, last] = rows_of(n_vocab, ith, nth);

    for (int c = 0; c < (int) dst->ne[1]; c++) {
        const float * scores = column_of(dst, c);

        // all threads find the same; somewhat more than are wanted pass
        sampled.clear();
        for (int i = STRIDE/2; i < n_vocab; i += STRIDE) {
            if (scores[i] == scores[i]) {
                sampled.push_back(scores[i]);
            }
        }
        const size_t rank = self.n_rows/STRIDE*3/2 + 8;
        float threshold = -INFINITY;
        if (rank < sampled.size()) {
            std::nth_element(sampled.begin(), sampled.begin() + rank, sampled.end(), std::greater<float>());
            threshold = sampled[rank];
        }
        auto & found = self.columns[c].found[ith];
        found.clear();
        for (int row = first; row < last; row++) {
            if (scores[row] >= threshold) {
                found.push_back(row);
            }
        }
    }
}

// The best of candidates, in their order; fewer if there are fewer. None may be NaN
static void best_of(const float * scores, const std::vector<int32_t> & candidates, size_t n, std::vector<int32_t> & best) {
    if (candidates.size() <= n) {
        best.insert(best.end(), candidates.begin(), candidates.end());
        return;
    }
    static thread_local std::vector<float> values;
    values.clear();
    for (const int32_t row : candidates) {
        values.push_back(scores[row]);
    }
    std::nth_element(values.begin(), values.begin() + (n - 1), values.end(), std::greater<float>());
    const float least = values[n - 1];
    size_t equal = std::count(values.begin(), values.begin() + n, least); // as many of those that equal the least as there is room for
    for (const int32_t row : candidates) {
        if (scores[row] > least || (scores[row] == least && equal > 0 && equal--)) {
            best.push_back(row);
        }
    }
}

void lacuna_head::choose_rows(const float * scores, const std::vector<std::vector<int32_t>> & found, std::vector<int32_t> & rows) const {
    static thread_local std::vector<int32_t> candidates;
    static thread_local std::vector<uint8_t> taken;
    const int n_vocab = (int) head->ne[1];

    rows.clear();
    candidates.clear();

    if (allowed) {
        std::copy_if(allowed->begin(), allowed->end(), std::back_inserter(candidates), [scores](int32_t row) { return scores[row] == scores[row]; });
    } else {
        for (const auto & list : found) {
            candidates.insert(candidates.end(), list.begin(), list.end());
        }
        if ((int) candidates.size() < std::min(n_rows, n_vocab)) { // the rows that were sampled were not like the others
            candidates.clear();
            for (int row = 0; row < n_vocab; row++) {
                if (scores[row] == scores[row]) {
                    candidates.push_back(row);
                }
            }
        }
    }
    best_of(scores, candidates, n_rows, rows);

    taken.resize(n_vocab);
    for (const int32_t row : rows) {
        taken[row] = 1;
    }
    const auto add = [&](int32_t row) {
        if (!taken[row]) {
            taken[row] = 1;
            rows.push_back(row);
        }
    };
    if (!allowed) {
        for (const auto & [token, count] : own) {
            add(token);
        }
        std::for_each(ends.begin(), ends.end(), add);
    }
    if (also) {
        std::for_each(also->begin(), also->end(), add);
    }
    if (rows.empty()) { // all are NaN
        add(allowed ? allowed->front() : 0);
    }
    for (const int32_t row : rows) {
        taken[row] = 0;
    }
}

void lacuna_head::choose(ggml_tensor * dst, int ith, int nth, void * data) {
    auto & self = *(lacuna_head *) data;

    for (int c = ith; c < (int) dst->ne[1]; c += nth) {
        self.choose_rows(column_of(dst, c), self.columns[c].found, self.columns[c].rows);
    }
}

// of the rows that were chosen for n inputs
void lacuna_head::account(const ggml_tensor * x, int n) {
    for (int c = 0; c < n; c++) {
        counted.tokens++;
        counted.rows  += columns[c].rows.size();
        counted.bytes += columns[c].rows.size()*head->nb[1] + (c == 0 ? copy->n_bytes : 0);
    }
    n_columns = n;

    if (counted.tokens % SAMPLE_EVERY < (uint64_t) n && samples.size() < MAX_SAMPLES && !allowed) {
        const float * first = column_of(x, 0);
        samples.push_back({ { first, first + head->ne[0] }, -1 });
    }
}

static inline void prefetch(const char * p, size_t size) {
    for (size_t i = 0; i < size; i += CACHE_LINE) {
        __builtin_prefetch(p + i);
    }
}

void lacuna_head::exact(ggml_tensor * dst, int ith, int nth, void * data) {
    static thread_local std::vector<uint8_t> quantized;

    auto & self = *(lacuna_head *) data;
    const int    n_embd = (int) self.head->ne[0];
    const size_t stride = self.head->nb[1];

    if (ith == 0) {
        self.account(dst->src[1], (int) dst->ne[1]);
    }
    quantized.resize(self.x_size);

    for (int c = 0; c < (int) dst->ne[1]; c++) {
        const auto &  rows = self.columns[c].rows;
        const float * x    = column_of(dst->src[1], c);
        float *       y    = (float *) column_of(dst, c);
        const void *  in   = x;
        if (self.quantize) {
            self.quantize(x, quantized.data(), n_embd);
            in = quantized.data();
        }
        const auto row_at = [&](size_t i) { return (const char *) self.head->data + rows[i]*stride; };

        const size_t i0 = rows.size()*ith/nth;
        const size_t i1 = rows.size()*(ith + 1)/nth;
        for (size_t i = i0; i < std::min(i0 + AHEAD, i1); i++) {
            prefetch(row_at(i), stride);
        }
        for (size_t i = i0; i < i1; i++) {
            if (i + AHEAD < i1) {
                prefetch(row_at(i + AHEAD), stride);
            }
            self.traits->vec_dot(n_embd, y + rows[i], 0, row_at(i), 0, in, 0, 1);
        }
    }
}

void lacuna_head::capture(ggml_tensor * dst, int ith, int, void * data) {
    auto & self = *(lacuna_head *) data;
    if (ith != 0) {
        return;
    }
    const ggml_tensor * x = dst->src[0];
    for (int c = 0; c < (int) x->ne[1]; c++) {
        self.captured.insert(self.captured.end(), column_of(x, c), column_of(x, c) + x->ne[0]);
    }
    memset(dst->data, 0, ggml_nbytes(dst));
}

std::vector<float> lacuna_head::take_captured() {
    std::vector<float> res;
    res.swap(captured);
    return res;
}

// the counter

void lacuna_head::chosen(llama_token token) {
    if (!samples.empty() && samples.back().token < 0) {
        samples.back().token = token;
    }
}

void lacuna_head::compute_full(const float * const * inputs, int n, int n_threads, std::vector<float> & full) const {
    const int n_embd  = (int) head->ne[0];
    const int n_vocab = (int) head->ne[1];

    std::vector<uint8_t> quantized(n*x_size);
    std::vector<const void *> in(n);
    for (int i = 0; i < n; i++) {
        in[i] = inputs[i];
        if (quantize) {
            quantize(inputs[i], quantized.data() + i*x_size, n_embd);
            in[i] = quantized.data() + i*x_size;
        }
    }
    full.resize((size_t) n*n_vocab);
    lacuna_parallel(n_threads, [&](int ith) {
        for (int row = (int) ((int64_t) n_vocab*ith/n_threads); row < (int) ((int64_t) n_vocab*(ith + 1)/n_threads); row++) {
            for (int i = 0; i < n; i++) {
                traits->vec_dot(n_embd, full.data() + (size_t) i*n_vocab + row, 0, (const char *) head->data + row*head->nb[1], 0, in[i], 0, 1);
            }
        }
    });
}

lacuna_head::checked lacuna_head::check() {
    std::vector<const float *> inputs;
    std::vector<llama_token>   tokens;
    for (const auto & sample : samples) {
        if (sample.token >= 0) {
            inputs.push_back(sample.x.data());
            tokens.push_back(sample.token);
        }
    }
    checked res;
    std::vector<float> full;
    compute_full(inputs.data(), (int) inputs.size(), 1, full);

    const size_t n_vocab = head->ne[1];
    for (size_t i = 0; i < inputs.size(); i++) {
        const auto first = full.begin() + i*n_vocab;
        res.n++;
        res.n_missed += std::max_element(first, first + n_vocab) - first != tokens[i];
    }
    samples.clear();
    return res;
}

lacuna_head::study lacuna_head::run_study(const std::vector<float> & inputs, int n_threads) const {
    const int    n_embd  = (int) head->ne[0];
    const int    n_vocab = (int) head->ne[1];
    const int    n       = (int) inputs.size()/n_embd;
    const auto & shape   = copy->shape;

    study res;
    std::vector<float> full, z(shape.n_dim() + 1);

    for (int i0 = 0; i0 < n; i0 += MAX_SAMPLES) {
        const float * chunk[MAX_SAMPLES];
        const int n_chunk = std::min(MAX_SAMPLES, n - i0);
        for (int i = 0; i < n_chunk; i++) {
            chunk[i] = inputs.data() + (size_t) (i0 + i)*n_embd;
        }
        compute_full(chunk, n_chunk, n_threads, full);

        for (int i = 0; i < n_chunk; i++) {
            const float * rotation = (const float *) copy->rotation->data;
            for (size_t j = 0; j < z.size(); j++) {
                z[j] = std::inner_product(chunk[i], chunk[i] + n_embd, rotation + j*n_embd, 0.0f);
            }
            lacuna_head_input input;
            input.set(shape, z.data());
            std::vector<float> scores(GGML_PAD(n_vocab, LACUNA_HEAD_ROWS));
            kernels->score(shape, copy->blocks, (int) scores.size()/LACUNA_HEAD_ROWS, input.query, scores.data());
            scores.resize(n_vocab);

            const float * logits = full.data() + (size_t) i*n_vocab;
            const int   best = (int) (std::max_element(logits, logits + n_vocab) - logits);
            const float max  = logits[best];

            auto sorted = scores;
            std::nth_element(sorted.begin(), sorted.begin() + (std::min(n_rows, n_vocab) - 1), sorted.end(), std::greater<float>());
            const float least = sorted[std::min(n_rows, n_vocab) - 1];

            double all = 0.0, estimated = 0.0;
            for (int row = 0; row < n_vocab; row++) {
                all       += std::exp(logits[row] - max);
                estimated += std::exp((scores[row] >= least || row == best ? logits[row] : scores[row]) - max);
            }
            res.best.push_back(best);
            res.rank.push_back((int32_t) std::count_if(scores.begin(), scores.end(), [&](float s) { return s > scores[best]; }));
            res.log_p.push_back((float) -std::log(all));
            res.estimated.push_back((float) -std::log(estimated));
        }
    }
    return res;
}
