#pragma once

#include <cstddef>

struct llama_model;

// Lets the pages of the dense FFN weights leave memory; they come back from the page cache or the file when they are
// read. Only pages that are mapped from the file: others would be lost. Returns the bytes given up.
size_t lacuna_evict_dense(const llama_model & model);

// Bytes of the model that are mapped from its file
size_t lacuna_mapped_bytes(const llama_model & model);

struct lacuna_resident {
    size_t total;
    size_t anonymous; // not backed by a file
};

// Of this process; zeros where the system does not tell
lacuna_resident lacuna_resident_bytes();
