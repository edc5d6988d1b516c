#include "lacuna-memory.h"

#include "ggml-backend.h"
#include "llama-model.h"

#include <cstdint>
#include <cstring>
#include <set>

#if !defined(_WIN32)
#    include <sys/mman.h>
#    include <unistd.h>
#endif
#if defined(__linux__)
#    include <fstream>
#    include <string>
#    if defined(__GLIBC__)
#        include <malloc.h>
#    endif
#elif defined(__APPLE__)
#    include <mach/mach.h>
#elif defined(_WIN32)
#    include <windows.h>
#    include <psapi.h>
#endif

bool lacuna_is_mapped(const ggml_tensor * t) {
    if (!t || !t->buffer || strcmp(ggml_backend_buffer_name(t->buffer), "CPU_Mapped") != 0) {
        return false;
    }
    const auto * base = (const char *) ggml_backend_buffer_get_base(t->buffer);

    return t->data >= base && t->data < base + ggml_backend_buffer_get_size(t->buffer);
}

#if defined(_WIN32)
static uintptr_t page_size() {
    SYSTEM_INFO info;
    GetSystemInfo(&info);
    return info.dwPageSize;
}

// what is not locked, as this is not, leaves the working set all the same: documented, and reported as a failure
static bool release(void * p, size_t n) { return VirtualUnlock(p, n) || GetLastError() == ERROR_NOT_LOCKED; }
#else
static uintptr_t page_size() { return (uintptr_t) sysconf(_SC_PAGESIZE); }

static bool release(void * p, size_t n) { return madvise(p, n, MADV_DONTNEED) == 0; }
#endif

size_t lacuna_release_pages(const void * data, size_t size) {
    const uintptr_t page  = page_size();
    const uintptr_t first = ((uintptr_t) data + page - 1) & ~(page - 1);
    const uintptr_t last  = ((uintptr_t) data + size) & ~(page - 1);

    return first < last && release((void *) first, last - first) ? last - first : 0;
}

static void trim_allocator() {
#if defined(__GLIBC__)
    malloc_trim(0);
#endif
}

size_t lacuna_evict_dense(const llama_model & model) {
    size_t res = 0;
    for (const auto & layer : model.layers) {
        for (const auto * t : { layer.ffn_gate, layer.ffn_up, layer.ffn_down }) {
            if (lacuna_is_mapped(t)) {
                res += lacuna_release_pages(t->data, ggml_nbytes(t));
            }
        }
    }
    trim_allocator(); // what packing freed: some hundred MiB for a model of 1.5B
    return res;
}

void lacuna_trim_memory(const llama_model & model) {
    for (const auto * t : { model.tok_embd, model.per_layer_tok_embd }) {
        const bool is_output = t && model.output && model.output->data == t->data;
        if (t && !is_output && lacuna_is_mapped(t)) {
            lacuna_release_pages(t->data, ggml_nbytes(t));
        }
    }
    trim_allocator(); // what loading freed: vocabularies are read more than once
}

size_t lacuna_mapped_bytes(const llama_model & model) {
    size_t res = 0;
    std::set<const void *> seen; // a tied output layer is the embedding again

    for (const auto & [name, t] : model.tensors_by_name) {
        if (lacuna_is_mapped(t) && seen.insert(t->data).second) {
            res += ggml_nbytes(t);
        }
    }
    return res;
}

lacuna_resident lacuna_resident_bytes() {
    lacuna_resident res = { 0, 0 };
#if defined(__linux__)
    std::ifstream status("/proc/self/status");
    for (std::string key; status >> key; ) {
        size_t kib = 0;
        if (key == "VmRSS:" && status >> kib) {
            res.total = kib*1024;
        } else if (key == "RssAnon:" && status >> kib) {
            res.anonymous = kib*1024;
        }
    }
#elif defined(__APPLE__)
    mach_task_basic_info info;
    mach_msg_type_number_t count = MACH_TASK_BASIC_INFO_COUNT;
    if (task_info(mach_task_self(), MACH_TASK_BASIC_INFO, (task_info_t) &info, &count) == KERN_SUCCESS) {
        res.total = info.resident_size;
    }
#elif defined(_WIN32)
    // what is private is told with what is not resident
    PROCESS_MEMORY_COUNTERS counters;
    if (GetProcessMemoryInfo(GetCurrentProcess(), &counters, sizeof(counters))) {
        res.total = counters.WorkingSetSize;
    }
#endif
    return res;
}
