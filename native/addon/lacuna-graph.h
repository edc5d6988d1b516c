#pragma once

#include "ggml-backend.h"
#include "ggml-cpp.h"

#include <functional>
#include <vector>

struct llama_model;

// Values of a graph's output: in place if the CPU computed them, otherwise copied; valid until the next graph runs
class lacuna_values {
public:
    const float * data() const { return ptr; }
    size_t        size() const { return n; }

private:
    friend class lacuna_runner;

    const float *      ptr = nullptr;
    size_t             n   = 0;
    std::vector<float> copy;
};

// No product of gf may be of less than F32 where its weights are F32: ggml-cuda would use TF32, whose error is more than a gradient bears
void lacuna_keep_f32(ggml_cgraph * gf);

// Runs small graphs on the devices of a model; used for one graph at a time
class lacuna_runner {
public:
    lacuna_runner(const llama_model & model, int n_threads);

    // inputs to fill and outputs to read of the graph that is being built
    struct io {
        ggml_context * ctx;
        ggml_cgraph  * gf;

        // a tensor filled with size bytes from data before the graph runs
        ggml_tensor * input(ggml_type type, std::initializer_list<int64_t> ne, const void * data);

        // dst is t, contiguous and as F32, after the graph has run
        void output(ggml_tensor * t, lacuna_values & dst);

        // t is written to dst, a tensor that persists between graphs
        void store(ggml_tensor * t, ggml_tensor * dst);

        std::vector<std::pair<ggml_tensor *, const void *>>          inputs;
        std::vector<std::pair<ggml_tensor *, lacuna_values *>>       outputs;
    };

    // throws std::runtime_error if memory is short or the backend fails
    void run(const std::function<void(io &)> & build);

    // where persistent tensors live
    ggml_backend_buffer_type_t buft() const;

    bool supports_mul_mat(ggml_type type) const;

    size_t compute_bytes() const;

private:
    std::vector<ggml_backend_ptr> backends;
    ggml_backend_sched_ptr        sched;
};
