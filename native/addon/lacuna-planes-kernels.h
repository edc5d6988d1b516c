#pragma once

#include "lacuna-activation.h"

#include <cstddef>
#include <cstdint>

// What the FFN in planes needs of a processor, once for each instruction set; lacuna-planes.cpp and lacuna-choice.cpp use it.
//
// Codes of B bits (1 to 4) are stored in units of LACUNA_PLANE_UNIT values, 16*B bytes each; value j of a unit is in
//   4 bits: byte j % 64, low half for j < 64
//   2 bits: byte j % 32, bits 2*(j/32) and the next
//   1 bit:  byte j % 16, bit j/16
//   3 bits: the upper two as 2 bits, then the lowest as 1 bit

constexpr int LACUNA_PLANE_UNIT  = 128;
constexpr int LACUNA_SCALE_UNIT  = 16;  // counts of scales are padded to a multiple of this, with zeros
constexpr int LACUNA_SUPER_BLOCK = 256; // of the K types

// How the scales of n codes are stored. A block's are its scale s and, for K4, its minimum m
enum lacuna_scale_kind {
    LACUNA_SCALES_F16, // blocks of 32: fp16 s
    LACUNA_SCALES_K4,  // blocks of 32: 6 bits of s and m each, in units of fp16 d and dmin of a super-block
    LACUNA_SCALES_K6,  // blocks of 16: int8 s, in units of fp16 d of a super-block
};

// A token's input in int8, in blocks of 32 values
struct lacuna_plane_input {
    const int8_t * q;    // [n] padded to a multiple of LACUNA_PLANE_UNIT with zeros
    const float  * d;    // [n/32] q*d is the input
    const float  * sum;  // [n/16] or [n/32], as the scales have blocks: of the input as it is in q and d
};

// One row: sum over its blocks of s*x*(step*code + add) - m*x, where x is the input and step a power of two
struct lacuna_plane_row {
    lacuna_scale_kind kind;
    int               n;      // values
    int               bits;
    float             step;
    float             add;
    bool              minima; // whether m counts
};

// A group of neurons whose columns of down share their scales: 32, or 16 for K6
struct lacuna_plane_group {
    lacuna_scale_kind kind;
    int n;                   // outputs
    int high, low;           // bits of a code in its two planes

    const uint8_t * super;   // K4: fp16 d[n], dmin[n]; K6: fp16 d[n]
    const uint8_t * scales;  // F16: fp16 s[n]; K4: s and m, low halves [n], upper bits [n/2]; K6: int8 s[n]

    int n_high;              // columns of which the upper plane is added
    const uint8_t * const * high_columns;
    const int8_t  * high_coef;

    int n_low;               // of those, some in full
    const uint8_t * const * low_columns;
    const int8_t  * low_coef;

    int n_next;              // upper planes that are needed soon: asked for evenly, as a core has too few outstanding reads for all of them at once
    const uint8_t * const * next_columns;

    float unit;              // of the coefficients
    float code;              // added to the sum of coefficient*code: the middle of what is not read, and the zero of symmetric types
    float sum;               // of the coefficients, which the minima are multiplied with
};

// How far values may be off without their lower planes, as norms: of up and gate for an input of size 1, and of a column in relation to the whole one
struct lacuna_plane_errors {
    lacuna_activation activation;
    const float * gate;       // [n] as known without them; null: there is none
    const float * up;
    const float * weight;     // of an activation in the output
    const float * up_error;
    const float * gate_error;
    const float * down_error;
    float         input;      // size of the input
};

// Columns that may be added at once without overflow
constexpr int lacuna_plane_most_columns(int bits) { return bits == 4 ? 16 : 32; }

struct lacuna_plane_kernels {
    const char * name;

    bool (*supported)(); // by this processor

    // products with n inputs; codes: of the row's plane
    void (*row)(const lacuna_plane_row & row, const uint8_t * scales, const uint8_t * codes, const lacuna_plane_input * x, int n, float * res);

    // adds to y[n]
    void (*group)(const lacuna_plane_group & group, float * y);

    // act[i] = a(gate[i])*up[i], or a(up[i]) where gate is null
    void (*activate)(lacuna_activation a, const float * gate, const float * up, float * act, int n);

    // error[i]: squares of what the output is off by while the lower planes of a neuron are not known
    void (*error)(const lacuna_plane_errors & e, float * error, int n);

    // how many of value[i] are >= threshold
    int (*count)(const float * value, int n, float threshold);
};

// from the fastest to the scalar one; ends with null
const lacuna_plane_kernels * const * lacuna_plane_all_kernels();

// bytes of the codes, and of the scales of a row of n values
constexpr size_t lacuna_plane_size(int bits, int64_t n) { return (size_t) ((n + LACUNA_PLANE_UNIT - 1)/LACUNA_PLANE_UNIT)*16*bits; }

constexpr int lacuna_scale_block(lacuna_scale_kind kind) { return kind == LACUNA_SCALES_K6 ? 16 : 32; }

// blocks of n values, padded
constexpr int lacuna_scale_count(lacuna_scale_kind kind, int64_t n) {
    const int block = lacuna_scale_block(kind);
    return (int) ((n + block*LACUNA_SCALE_UNIT - 1)/(block*LACUNA_SCALE_UNIT))*LACUNA_SCALE_UNIT;
}

// Scales of a row, one after the other: F16 s[count]; K4 low halves [count] (of s in the low half), upper bits [count/2] (block 2*i low), d[count/8], dmin[count/8];
// K6 s[count], d[count/16]
constexpr size_t lacuna_row_scales_size(lacuna_scale_kind kind, int64_t n) {
    const size_t count = lacuna_scale_count(kind, n);
    return kind == LACUNA_SCALES_F16 ? 2*count : kind == LACUNA_SCALES_K4 ? count + count/2 + count/2 : count + count/8;
}
