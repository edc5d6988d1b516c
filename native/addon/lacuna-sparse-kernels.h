#pragma once

#include <cstddef>
#include <cstdint>

// What the sparse FFN needs of a processor, once for each instruction set; lacuna-sparse.cpp uses it.
// A layer is stored neuron by neuron: in each record the row of up as in the model, and the column of down as below.

enum lacuna_down_type {
    LACUNA_DOWN_Q8_0, // int8 q[n], then fp16 d[n/32]: Q8_0 with quants and scales apart, so that loads are aligned
    LACUNA_DOWN_Q4_0, // of each 32 columns 16 bytes, column i low and column i + 16 high, two's complement; then fp16 d[n/32]
    LACUNA_DOWN_F16,
    LACUNA_DOWN_BF16,
    LACUNA_DOWN_F32,
};

struct lacuna_sparse_kernels {
    const char * name;

    // false: this processor cannot run it
    bool (*supported)();

    // act[i] = silu(gate[i]); idx = those i with |act[i]|*weight[i] >= threshold, ascending; weight may be null.
    // Returns their number. idx has room for n
    int (*select)(const float * gate, const float * weight, int n, float threshold, float * act, int32_t * idx);

    // y[0..n) += sum over k of coef[k]*columns[k]. scratch has room for n_row*n/32 floats.
    // While it reads columns[k] it asks for the same bytes of ahead[k], which are needed soon
    void (*accumulate)(lacuna_down_type type, const uint8_t * const * columns, const uint8_t * const * ahead, const float * coef, int n_row, int n,
                       float * scratch, float * y);

    // Row of up times the input, for types where ggml's product of a single row is slower than memory; null: ggml's is used.
    // x is what prepare makes of block_q8_K[n/256], in place; ahead: as above
    void  (*prepare_q4_K)(void * x, int n);
    float (*dot_q4_K)(const void * row, const void * ahead, const void * x, int n);
};

// from the fastest to the scalar one; ends with null
const lacuna_sparse_kernels * const * lacuna_sparse_all_kernels();

// bytes of a column of down; n is a multiple of 32 for quantised types
size_t lacuna_down_size(lacuna_down_type type, int64_t n);
