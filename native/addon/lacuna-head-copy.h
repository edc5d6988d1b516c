#pragma once

#include "lacuna-head-kernels.h"

#include "ggml-cpp.h"

#include <memory>
#include <string>

struct llama_file;
struct llama_mmap;

// The rotated low-bit copy of an output head, as it lies on disk: header, rotation, blocks of rows (lacuna-head-kernels.h).
// Everything in it is of this machine's byte order; another one's does not pass the check.

struct lacuna_head_header {
    static constexpr char     MAGIC[8]  = { 'L', 'A', 'C', 'H', 'E', 'A', 'D', 0 };
    static constexpr uint32_t VERSION   = 2;
    static constexpr uint64_t ALIGNMENT = 64;

    char     magic[8];
    uint32_t version;
    uint32_t size;         // of this header
    char     identity[64]; // of the model: whatever its maker calls it, cut or padded with zeros
    uint32_t n_vocab;
    uint32_t n_embd;
    uint32_t n_group[2];   // of the segments
    uint32_t bits[2];
    uint64_t n_bytes;      // of the file
    uint64_t checksum;     // of everything after the header
    uint64_t header_checksum;

    lacuna_head_shape shape() const;

    // of the rotation, float[n_dim + 1][n_embd]: what the input is multiplied with; the last row is the rows' mean
    size_t rotation_at() const;
    // of the blocks
    size_t blocks_at() const;
    size_t n_block() const { return ((size_t) n_vocab + LACUNA_HEAD_ROWS - 1)/LACUNA_HEAD_ROWS; }

    void seal(); // fills in what does not depend on the content
    uint64_t own_checksum() const;
};

// Of words of 64 bits, in four lanes; continues from state
class lacuna_head_checksum {
public:
    // size is a multiple of 32 in all calls
    void add(const void * data, size_t size);
    uint64_t value() const;

private:
    uint64_t lanes[4] = { 1, 2, 3, 4 };
};

// A copy that is mapped from its file
class lacuna_head_copy {
public:
    // throws std::runtime_error, in one sentence, for a file that is not whole, or not of the model
    lacuna_head_copy(const std::string & path, const std::string & identity, int64_t n_vocab, int64_t n_embd);
    ~lacuna_head_copy();

    lacuna_head_shape shape;
    ggml_tensor *     rotation; // F32 [n_embd, n_dim + 1]
    const uint8_t *   blocks;
    size_t            n_bytes;

private:
    std::unique_ptr<llama_file> file;
    std::unique_ptr<llama_mmap> mapping;
    ggml_context_ptr            ctx;
    ggml_backend_buffer_ptr     buf;
};
