#include "lacuna-cache.h"

#include "lacuna-memory.h"

#include "llama-kv-cache-iswa.h"
#include "llama-memory-hybrid.h"
#include "llama-model.h"

#include <algorithm>
#include <stdexcept>

#if defined(__linux__)
#    include <sys/mman.h>
#    include <unistd.h>
#endif

// null where the layer has none
static ggml_backend_buffer_t buffer_of(const llama_kv_cache & cache, int il) {
    try {
        return cache.get_k_storage(il)->buffer;
    } catch (const std::out_of_range &) {
        return nullptr;
    }
}

lacuna_cache::lacuna_cache(llama_context * ctx) {
    auto * memory = llama_get_memory(ctx);

    std::vector<const llama_kv_cache *> caches;
    if (auto * plain = dynamic_cast<llama_kv_cache *>(memory)) {
        caches = { plain };
    } else if (auto * sliding = dynamic_cast<llama_kv_cache_iswa *>(memory)) {
        caches = { sliding->get_base(), sliding->get_swa() };
    } else if (auto * hybrid = dynamic_cast<llama_memory_hybrid *>(memory)) {
        caches = { hybrid->get_mem_attn() };
    }
    for (const auto * cache : caches) {
        for (int il = 0; il < llama_model_n_layer(llama_get_model(ctx)); il++) {
            auto * buffer = buffer_of(*cache, il);
            if (buffer && ggml_backend_buffer_get_type(buffer) == ggml_backend_cpu_buffer_type() &&
                std::find(buffers.begin(), buffers.end(), buffer) == buffers.end()) {
                buffers.push_back(buffer);
            }
        }
    }
}

void lacuna_cache::release() {
    for (auto * buffer : buffers) {
        lacuna_release_pages(ggml_backend_buffer_get_base(buffer), ggml_backend_buffer_get_size(buffer));
    }
}

size_t lacuna_cache::resident_bytes() const {
    size_t res = 0;
    for (auto * buffer : buffers) {
        const size_t size = ggml_backend_buffer_get_size(buffer);
#if defined(__linux__)
        const uintptr_t page  = (uintptr_t) sysconf(_SC_PAGESIZE);
        const uintptr_t base  = (uintptr_t) ggml_backend_buffer_get_base(buffer);
        const uintptr_t first = base & ~(page - 1);
        std::vector<unsigned char> pages((base + size - first + page - 1)/page);
        if (mincore((void *) first, base + size - first, pages.data()) == 0) {
            res += page*std::count_if(pages.begin(), pages.end(), [](unsigned char c) { return c & 1; });
            continue;
        }
#endif
        res += size;
    }
    return res;
}
