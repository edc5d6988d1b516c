#pragma once

#include <cstddef>

struct ggml_tensor;
struct llama_model;

// Whether t is in the file as llama.cpp maps it
bool lacuna_is_mapped(const ggml_tensor * t);

// Lets pages leave memory that lie wholly in this range; returns their bytes. What they held is lost unless they are mapped from a file.
size_t lacuna_release_pages(const void * data, size_t size);

// Lets the pages of the dense FFN weights leave memory; they come back from the page cache or the file when they are
// read. Only pages that are mapped from the file: others would be lost. Returns the bytes given up.
size_t lacuna_evict_dense(const llama_model & model);

// Gives back what is resident and not needed soon: the pages of the embeddings, of which a token reads one row, unless they
// are the output layer, too; and freed memory that the allocator keeps
void lacuna_trim_memory(const llama_model & model);

// Bytes of the model that are mapped from its file
size_t lacuna_mapped_bytes(const llama_model & model);

struct lacuna_resident {
    size_t total;
    size_t anonymous; // not backed by a file
};

// Of this process; zeros where the system does not tell
lacuna_resident lacuna_resident_bytes();
