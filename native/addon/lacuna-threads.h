#pragma once

#include "ggml-cpu.h"
#include "llama.h"

#include <map>
#include <memory>
#include <mutex>

// Threads that wait for the next token instead of ending with every one. New threads start on the core of the one that makes them, and it
// takes the system several of its time slices to notice that another core is idle: with as many threads as cores, half of the tokens took
// twice as long.
class lacuna_threads {
public:
    // While it lives, the threads compute for one context
    using loan = std::unique_lock<std::mutex>;

    // As many threads as the context uses, once they do not compute for another one. A context that has had a loan computes only with one:
    // ggml pauses the threads that a context no longer uses, whoever does
    loan lend(llama_context * ctx);

private:
    struct free_pool {
        void operator()(ggml_threadpool_t pool) const;
    };

    std::mutex mutex;
    std::map<int, std::unique_ptr<ggml_threadpool, free_pool>> pools; // by number of threads; contexts remember theirs
};
