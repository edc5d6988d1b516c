#pragma once

#include <cstddef>
#include <cstdint>

// What the screened head needs of a processor, once for each instruction set; lacuna-head.cpp uses it.
//
// The copy of the head is stored in blocks of 16 rows. A block has the codes of a first segment of dimensions at 4 bits, those of a second
// at 2 bits, and each row's two scales. A group of 32 dimensions at b bits is b pieces of 64 bytes: byte 4*row + i of a piece holds
// dimension 4*s + i of the row in its bits [b*s, b*s + b), so that a vector holds the same dimensions of many rows.

constexpr int LACUNA_HEAD_ROWS  = 16; // of a block
constexpr int LACUNA_HEAD_GROUP = 32; // dimensions that share a scale of the input

struct lacuna_head_segment {
    int n_group = 0;
    int bits    = 4;

    int    n_dim()      const { return n_group*LACUNA_HEAD_GROUP; }
    size_t code_bytes() const { return (size_t) n_group*bits*64; } // of a block
};

struct lacuna_head_shape {
    lacuna_head_segment segments[2]; // the second may be empty

    int    n_dim()       const { return segments[0].n_dim() + segments[1].n_dim(); }
    size_t block_bytes() const { return segments[0].code_bytes() + segments[1].code_bytes() + 2*LACUNA_HEAD_ROWS*sizeof(uint16_t); }
};

// The head's input in the copy's dimensions
struct lacuna_head_query {
    const int8_t * z;         // [n_dim]
    const float  * scale;     // [n_dim/32]
    float          offset[2]; // of a segment: what its codes being unsigned adds to the sum
    float          bias;      // of all rows
};

struct lacuna_head_kernels {
    const char * name;

    // false: this processor cannot run it
    bool (*supported)();

    // scores[16*n_block]: for each row bias + sum over the segments of its scale*(sum of code*z*scale + offset)
    void (*score)(const lacuna_head_shape & shape, const uint8_t * blocks, int n_block, const lacuna_head_query & query, float * scores);
};

// from the fastest to the scalar one; ends with null
const lacuna_head_kernels * const * lacuna_head_all_kernels();
