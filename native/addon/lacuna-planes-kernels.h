#pragma once

#include "lacuna-activation.h"

#include <cstddef>
#include <cstdint>

// What the FFN in planes needs of a processor, once for each instruction set; lacuna-planes.cpp and lacuna-choice.cpp use it.
//
// Codes of B bits (1 to 4) are stored in runs of 512, and what is left over in runs of 256 and 128: counts are padded to a multiple of LACUNA_PLANE_UNIT. A run is eight vectors
// of 64, 32 or 16 codes, and is stored as B parts of as many bytes. Byte j of a part has the codes j of some of the vectors:
//   4 bits: part k of four has vector 2k in its low half, 2k + 1 in the upper one
//   3 bits: parts A, B, C have vectors 0 and 1, 2 and 3, 4 and 5 in their low six bits; of 6, the upper bits of A hold the lower two, bit 6 of C the last, of 7 those of B and bit 7 of C
//   2 bits: part k of two has vectors 4k to 4k + 3
//   1 bit:  one part has all eight
//
// In a row, the 32-bit lane l of all vectors of a run belongs to its block l: the products of a lane are added up without a look at the scales. Vector v has values 4v to
// 4v + 3 of every block. Of blocks of 16 values a run has 256, in four vectors and B/2 parts. In a column the codes are in order.

constexpr int LACUNA_PLANE_UNIT  = 128;
constexpr int LACUNA_SCALE_UNIT  = 16;  // counts of scales are padded to a multiple of this, with zeros
constexpr int LACUNA_SUPER_BLOCK = 256; // of the K types
constexpr int LACUNA_RUN_LANES   = 16;

// Columns that are added at once, and how many more of a list are asked for
constexpr int LACUNA_PLANE_COLUMNS = 4;
constexpr int LACUNA_PLANE_AHEAD   = 16;

// How the scales of n codes are stored. A block's are its scale s and its minimum m, if it has one
enum lacuna_scale_kind {
    LACUNA_SCALES_F16,   // blocks of 32: fp16 s
    LACUNA_SCALES_F16_M, // blocks of 32: fp16 s and m
    LACUNA_SCALES_K4,    // blocks of 32: 6 bits of s and m each, in units of fp16 d and dmin of a super-block
    LACUNA_SCALES_K6,    // blocks of 16: int8 s, in units of fp16 d of a super-block
};

// A token's input in int8, of which 32 values share a factor, as rows with blocks of 32 or 16 values read it
struct lacuna_plane_input {
    const int8_t * q;    // [n] in the order of a row's codes, padded to a multiple of LACUNA_PLANE_UNIT with zeros
    const float  * d;    // [blocks] q*d is the input
    const float  * sum;  // [blocks] of the input as it is in q and d; both followed by LACUNA_RUN_LANES zeros
};

// Rows in a plane. A row is the sum over its blocks of s*x*(step*code + add) - m*x, where x is the input and step a power of two
struct lacuna_plane_row {
    lacuna_scale_kind kind;
    int               n;      // values
    int               bits;
    float             step;
    float             add;
    bool              minima; // whether m counts

    // of row i, at i*stride; with codes right behind the scales both are one piece of memory
    const uint8_t * scales;
    size_t          scales_stride;
    const uint8_t * codes;
    size_t          codes_stride;
};

// Neurons whose columns of down share their scales: 32, or 16 for K6. Lists of columns go on behind their end with LACUNA_PLANE_AHEAD of those that are needed next,
// coefficients with 0 up to a multiple of LACUNA_PLANE_COLUMNS
struct lacuna_plane_group {
    const uint8_t * scales;  // F16: fp16 s[n]; F16_M: fp16 s[n], m[n]; K4: s and m, low halves [n], upper bits [n/2]; K6: int8 s[n]

    int n_high;              // columns of which the upper plane is added
    const uint8_t * const * high;
    const int8_t  * high_coef;

    int n_low;               // of those, some in full
    const uint8_t * const * low;
    const int8_t  * low_coef;

    float unit;              // of the coefficients
    float code;              // added to the sum of coefficient*code: the middle of what is not read, and the zero of symmetric types
    float sum;               // of the coefficients, which the minima are multiplied with
};

// Groups that share the scales of a super-block, or one group
struct lacuna_plane_groups {
    lacuna_scale_kind kind;
    int n;                       // outputs, whole units
    int high, low;               // bits of a code in its two planes

    const uint8_t * super;       // K4: fp16 d[n], dmin[n]; K6: fp16 d[n]

    int n_group;
    const lacuna_plane_group * groups;

    const uint8_t * next_scales; // of the group after them, or null
    void * work;                 // lacuna_plane_work_size(n) bytes
};

constexpr size_t lacuna_plane_work_size(int n) { return (size_t) 5*(n + 2*32*LACUNA_RUN_LANES)*sizeof(int16_t) + 2*n*sizeof(float); }

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
    const uint64_t * bits;    // of which it is asked; it is 0 for others
};

struct lacuna_plane_kernels {
    const char * name;

    bool (*supported)(); // by this processor

    // products of the rows of a list with n inputs: res[t*stride + list[k]]
    void (*rows)(const lacuna_plane_row & row, const int32_t * list, int n_list, const lacuna_plane_input * x, int n, float * res, size_t stride);

    // adds to y[groups.n]
    void (*groups)(const lacuna_plane_groups & groups, float * y);

    // act[i] = a(gate[i])*up[i], or a(up[i]) where gate is null
    void (*activate)(lacuna_activation a, const float * gate, const float * up, float * act, int n);

    // error[i]: squares of what the output is off by while the lower planes of a neuron are not known
    void (*error)(const lacuna_plane_errors & e, float * error, int n);

    // how many of value[i] are >= threshold
    int (*count)(const float * value, int n, float threshold);

    // value[i] = |x[i]|*weight[i]
    void (*score)(const float * x, const float * weight, float * value, int n);

    // sets bit i of bits[(n + 63)/64] where value[i] >= threshold
    void (*reach)(const float * value, int n, float threshold, uint64_t * bits);
};

// from the fastest to the scalar one; ends with null
const lacuna_plane_kernels * const * lacuna_plane_all_kernels();

// bytes of the codes, and of the scales of a row of n values
constexpr size_t lacuna_plane_size(int bits, int64_t n) { return (size_t) ((n + LACUNA_PLANE_UNIT - 1)/LACUNA_PLANE_UNIT)*16*bits; }

// lanes of the next run of a row, or 4-byte columns of one, where so many are left; a multiple of 4
constexpr int lacuna_run_lanes(int left) { return left >= 16 ? 16 : left >= 8 ? 8 : 4; }

// Where value i of a row of n is, in the order of its runs
inline int64_t lacuna_place_in_runs(int64_t i, int64_t n, int block) {
    const int64_t n_block = n/block;
    int64_t b = 0; // where the run begins
    int lanes = lacuna_run_lanes((int) n_block);
    while (i/block >= b + lanes) {
        b += lanes;
        lanes = lacuna_run_lanes((int) (n_block - b));
    }
    return b*block + i % block/4*4*lanes + 4*(i/block - b) + i % 4;
}

// Values of n, whole units, in that order
inline void lacuna_to_runs(const void * from, int64_t n, int block, void * to) {
    const auto * src = (const uint8_t *) from;
    auto * dst = (uint8_t *) to;
    for (int64_t b = 0; b < n/block;) {
        const int lanes = lacuna_run_lanes((int) (n/block - b));
        for (int l = 0; l < lanes; l++, src += block) {
            for (int v = 0; v < block/4; v++) {
                __builtin_memcpy(dst + 4*(v*lanes + l), src + 4*v, 4);
            }
        }
        dst += lanes*block;
        b   += lanes;
    }
}

constexpr bool lacuna_has_super_blocks(lacuna_scale_kind kind) { return kind == LACUNA_SCALES_K4 || kind == LACUNA_SCALES_K6; }

constexpr int lacuna_scale_block(lacuna_scale_kind kind) { return kind == LACUNA_SCALES_K6 ? 16 : 32; }

// blocks of n values, padded
constexpr int lacuna_scale_count(lacuna_scale_kind kind, int64_t n) {
    const int block = lacuna_scale_block(kind);
    return (int) ((n + block*LACUNA_SCALE_UNIT - 1)/(block*LACUNA_SCALE_UNIT))*LACUNA_SCALE_UNIT;
}

// Scales of a row, one after the other: F16 s[count]; F16_M s[count], m[count]; K4 low halves [count] (of s in the low half), upper bits [count/2] (block 2*i low), d[count/8], dmin[count/8];
// K6 s[count], d[count/16]
constexpr size_t lacuna_row_scales_size(lacuna_scale_kind kind, int64_t n) {
    const size_t count = lacuna_scale_count(kind, n);
    switch (kind) {
        case LACUNA_SCALES_F16:   return 2*count;
        case LACUNA_SCALES_F16_M: return 4*count;
        case LACUNA_SCALES_K4:    return count + count/2 + count/2;
        default:                  return count + count/8;
    }
}
