#pragma once

#include <cstddef>
#include <vector>

struct ggml_tensor;
struct llama_model;

// Copies of mapped weights in large pages, which take their place. Decoding reads every weight for every token, and from pages of 4 KiB it
// waits longer for the translation of addresses than for memory: most of all in a virtual machine, where each takes a walk through two tables.
class lacuna_large_pages {
public:
    enum part { FFN, OTHERS }; // of what a token reads

    explicit lacuna_large_pages(const llama_model & model);
    ~lacuna_large_pages();

    lacuna_large_pages(const lacuna_large_pages &) = delete;
    lacuna_large_pages & operator=(const lacuna_large_pages &) = delete;

    // Whether the system gives such pages to who asks for them
    static bool available();

    // Copies the part's next max_bytes; a weight that is whole takes the place of the mapped one, whose pages leave memory. Nothing may be
    // computed meanwhile. Returns the bytes copied: 0 when all are there, or when there are no such pages.
    size_t move(part p, size_t max_bytes, int n_threads);

    // The part's weights are those of the mapped file again. Nothing may be computed meanwhile.
    void restore(part p);

    // of weights that were moved
    size_t bytes() const;

private:
    struct weight {
        std::vector<ggml_tensor *> tensors; // that have this data: a tied output layer is the embedding again
        void * mapped;
        size_t size;
        size_t offset;
    };

    struct region {
        bool   planned  = false;
        char * data     = nullptr;
        size_t size     = 0;
        size_t n_moved  = 0; // the first of the weights
        size_t n_copied = 0; // bytes of the next one
        std::vector<weight> weights;
    };

    void plan(part p);
    void release(region & r);

    const llama_model & model;
    region regions[2];
};
