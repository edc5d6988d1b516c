#include "lacuna-large-pages.h"

#include "lacuna-memory.h"
#include "lacuna-parallel.h"

#include "llama-model.h"

#include <algorithm>
#include <cstring>
#include <map>

#if defined(__linux__)
#    include <sys/mman.h>
#    include <fstream>
#    include <string>
#endif

static constexpr size_t LARGE_PAGE = 2*1024*1024;
static constexpr size_t ALIGNMENT  = 64;
static constexpr size_t SMALLEST   = 64*1024; // smaller weights stay in the cache anyway

lacuna_large_pages::lacuna_large_pages(const llama_model & model) : model(model) {}

// the model may be gone
lacuna_large_pages::~lacuna_large_pages() {
    for (auto & r : regions) {
        release(r);
    }
}

bool lacuna_large_pages::available() {
#if defined(__linux__)
    std::ifstream file("/sys/kernel/mm/transparent_hugepage/enabled");
    std::string modes;

    return std::getline(file, modes) && modes.find("[never]") == std::string::npos;
#else
    return false;
#endif
}

// at a border of large pages; null: no memory
static char * allocate(size_t size) {
#if defined(__linux__)
    void * p = mmap(nullptr, size + LARGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) {
        return nullptr;
    }
    char * first = (char *) p;
    char * data  = (char *) GGML_PAD((uintptr_t) p, LARGE_PAGE);
    if (data > first) {
        munmap(first, data - first);
    }
    munmap(data + size, first + LARGE_PAGE - data);
    madvise(data, size, MADV_HUGEPAGE);
    return data;
#else
    (void) size;
    return nullptr;
#endif
}

void lacuna_large_pages::plan(part p) {
    auto & r = regions[p];
    r.planned = true;

    std::vector<ggml_tensor *> ffn;
    for (const auto & layer : model.layers) {
        for (auto * t : { layer.ffn_gate, layer.ffn_up, layer.ffn_down }) {
            ffn.push_back(t);
        }
    }
    std::vector<ggml_tensor *> wanted = ffn;
    if (p == OTHERS) {
        wanted = { model.output };
        for (const auto & [name, t] : model.tensors_by_name) {
            // of the embeddings, a token reads one row, unless they are the output, too
            const bool row = t == model.tok_embd && (!model.output || model.output->data != t->data);
            if (!row && std::find(ffn.begin(), ffn.end(), t) == ffn.end()) {
                wanted.push_back(t);
            }
        }
    }
    std::map<void *, size_t> places;
    for (auto * t : wanted) {
        if (!lacuna_is_mapped(t) || ggml_nbytes(t) < SMALLEST) {
            continue;
        }
        const auto [it, fresh] = places.emplace(t->data, r.weights.size());
        if (fresh) {
            r.weights.push_back({ {}, t->data, ggml_nbytes(t), r.size });
            r.size += GGML_PAD(ggml_nbytes(t), ALIGNMENT);
        }
        r.weights[it->second].tensors.push_back(t);
    }
    r.size = GGML_PAD(r.size, LARGE_PAGE);
    r.data = r.size > 0 && available() ? allocate(r.size) : nullptr;
}

size_t lacuna_large_pages::move(part p, size_t max_bytes, int n_threads) {
    auto & r = regions[p];
    if (!r.planned) {
        plan(p);
    }
    size_t moved = 0;
    while (r.data && r.n_moved < r.weights.size() && moved < max_bytes) {
        const auto & w = r.weights[r.n_moved];
        char * data = r.data + w.offset;

        const size_t n = std::min(w.size - r.n_copied, max_bytes - moved);
        lacuna_parallel(n_threads, [&](int ith) {
            const size_t first = r.n_copied + n*ith/n_threads, last = r.n_copied + n*(ith + 1)/n_threads;
            memcpy(data + first, (const char *) w.mapped + first, last - first);
        });
        moved      += n;
        r.n_copied += n;
        if (r.n_copied == w.size) {
            for (auto * t : w.tensors) {
                t->data = data;
            }
            lacuna_release_pages(w.mapped, w.size);
            r.n_moved++;
            r.n_copied = 0;
        }
    }
    return moved;
}

void lacuna_large_pages::restore(part p) {
    auto & r = regions[p];
    for (size_t i = 0; i < r.n_moved; i++) {
        for (auto * t : r.weights[i].tensors) {
            t->data = r.weights[i].mapped;
        }
    }
    release(r);
    r = {};
}

void lacuna_large_pages::release(region & r) {
#if defined(__linux__)
    if (r.data) {
        munmap(r.data, r.size);
    }
#endif
    r.data = nullptr;
}

size_t lacuna_large_pages::bytes() const {
    size_t res = 0;
    for (const auto & r : regions) {
        for (size_t i = 0; i < r.n_moved; i++) {
            res += r.weights[i].size;
        }
    }
    return res;
}
