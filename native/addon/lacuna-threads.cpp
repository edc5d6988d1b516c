#include "lacuna-threads.h"

#include "ggml-backend.h"

// In units of ggml, about 2 ms: longer than the time between two tokens, shorter than anyone would notice in heat
static constexpr uint32_t POLL = 1;

// The CPU backend may be a library of its own, chosen for the processor when it is loaded
template <typename F> static F * cpu_function(const char * name) {
    auto * reg = ggml_backend_dev_backend_reg(ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU));

    return (F *) ggml_backend_reg_get_proc_address(reg, name);
}

lacuna_threads::loan lacuna_threads::lend(llama_context * ctx) {
    loan res(mutex);

    const int n_threads = llama_n_threads(ctx);
    if (n_threads < 2) {
        return res;
    }

    auto & pool = pools[n_threads];
    if (!pool) {
        auto params = ggml_threadpool_params_default(n_threads);
        params.poll = POLL;
        pool.reset(cpu_function<decltype(ggml_threadpool_new)>("ggml_threadpool_new")(&params));
    }
    llama_attach_threadpool(ctx, pool.get(), pool.get());

    return res;
}

void lacuna_threads::free_pool::operator()(ggml_threadpool_t pool) const {
    cpu_function<decltype(ggml_threadpool_free)>("ggml_threadpool_free")(pool);
}
