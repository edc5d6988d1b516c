#pragma once

#include "llama.h"

#include "ggml-backend.h"

#include <vector>

// The memory of a context's KV cache, where that is the processor's. llama.cpp clears a new cache, which makes all of it resident, though a
// prompt may fill a tenth of it
class lacuna_cache {
public:
    explicit lacuna_cache(llama_context * ctx);

    // Lets go of the pages of a cache that holds nothing yet; they come back as zeros (Linux) or as they were when they are written to.
    // Large pages come back whole.
    void release();

    // What of it is resident; all, where the system does not tell
    size_t resident_bytes() const;

private:
    std::vector<ggml_backend_buffer_t> buffers;
};
