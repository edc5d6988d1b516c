#pragma once

#include "ggml-cpp.h"

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

struct llama_model;
struct llama_file;
struct llama_mmap;

// The weights of a loaded model as the CPU can read them, whatever buffer they were loaded into.
// Weights in device or repacked buffers cannot be read back, so those are read from the model file, which is mapped
// when this object is made and shares the page cache with llama.cpp's own mapping.
class lacuna_weights {
public:
    // throws std::runtime_error if the file no longer holds the tensors of the model
    lacuna_weights(const llama_model & model, const std::string & path);
    ~lacuna_weights();

    // same type, shape and values as t, in the row layout of the file and in host memory
    ggml_tensor * host(ggml_tensor * t) const;

    // same, but weights in the memory of a device stay there
    ggml_tensor * plain(ggml_tensor * t) const;

    const llama_model & model;

private:
    struct mapped_file {
        std::unique_ptr<llama_file> file;
        std::unique_ptr<llama_mmap> mapping;
        ggml_context_ptr            ctx;
        ggml_backend_buffer_ptr     buf;
    };

    // returns the number of files that the model is split into
    int map_file(const std::string & path);

    std::vector<mapped_file> files;
    std::unordered_map<std::string, ggml_tensor *> mapped;
};

// true if the buffer holds weights in the layout of the file
bool lacuna_is_host(const ggml_tensor * t);

// the device whose memory holds t; null if the CPU can work with it, in whatever layout
ggml_backend_dev_t lacuna_device_of(const ggml_tensor * t);

// dequantised values [i0, i0 + n) of row r; i0 and n are multiples of the block size
void lacuna_row_to_float(const ggml_tensor * t, int64_t r, int64_t i0, int64_t n, float * dst);
