#pragma once

#include "lacuna-planes-kernels.h"

#include "ggml.h"

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

// Values of the file as codes and scales, and codes in planes of some of their bits

// How a type is divided
struct lacuna_plane_type {
    lacuna_scale_kind kind;
    int  high, low; // bits of a code in the two planes
    int  zero;      // what a code is of which the value is 0, without minimum
    bool minima;

    // of a code of which only the upper plane is known, in the middle of what it may be; in units of the lowest bit
    float middle() const { return ((1 << low) - 1)/2.0f; }
};

// nothing for types whose values are not evenly spaced, or of fewer than four bits
std::optional<lacuna_plane_type> lacuna_plane_type_of(ggml_type type);

// Codes and scales of consecutive values of a row of the file
struct lacuna_plane_codes {
    std::vector<uint8_t>     code;
    std::vector<ggml_fp16_t> d, dmin; // F16, F16_M: of a block; K types: of a super-block
    std::vector<uint8_t>     s, m;    // K4: six bits each; K6: int8 s

    explicit lacuna_plane_codes(const lacuna_plane_type & type, int64_t n) : code(GGML_PAD((size_t) n, LACUNA_PLANE_UNIT)), n(n) {
        const size_t blocks = n/lacuna_scale_block(type.kind);
        const bool   k      = lacuna_has_super_blocks(type.kind);
        d   .resize(k ? n/LACUNA_SUPER_BLOCK : blocks);
        dmin.resize(type.minima ? d.size() : 0);
        s   .resize(k ? blocks : 0);
        m   .resize(k && type.minima ? blocks : 0);
    }

    void read(ggml_type type, const void * src);

private:
    int64_t n;
};

// Bits [shift, shift + bits) of n codes, whole units of them, in runs, see lacuna-planes-kernels.h. n_vector: of a run, 8, or 4 where blocks have 16 values
void lacuna_write_plane(const uint8_t * code, int64_t n, int n_vector, int shift, int bits, uint8_t * dst);

// code i of such n
int lacuna_read_plane(const uint8_t * src, int64_t i, int64_t n, int n_vector, int bits);

// low halves and upper bits of s and m
inline void lacuna_write_6_bits(uint8_t s, uint8_t m, size_t i, uint8_t * low, uint8_t * upper) {
    low[i] = (s & 15) | (m & 15) << 4;
    upper[i/2] |= (s >> 4 | m >> 4 << 2) << 4*(i % 2);
}

inline int lacuna_six_bits_s(const uint8_t * low, const uint8_t * upper, size_t i) { return (low[i] & 15) | (upper[i/2] >> 4*(i % 2) & 3) << 4; }
inline int lacuna_six_bits_m(const uint8_t * low, const uint8_t * upper, size_t i) { return low[i] >> 4 | (upper[i/2] >> (4*(i % 2) + 2) & 3) << 4; }

// the arithmetic of dequantize_row_*
inline float lacuna_plane_value(const lacuna_plane_type & type, int code, float d, int s, float dmin, int m) {
    switch (type.kind) {
        case LACUNA_SCALES_F16:   return d*(float) (code - type.zero);
        case LACUNA_SCALES_F16_M: return d*(float) code - dmin;
        case LACUNA_SCALES_K6:    return d*(float) s*(float) (code - type.zero);
        default:                  return d*(float) s*(float) code - dmin*(float) m;
    }
}

// of what the lower plane of a value adds to it, and of the value
inline std::pair<float, float> lacuna_plane_squares(const lacuna_plane_type & type, const lacuna_plane_codes & c, int64_t i) {
    const bool   k     = lacuna_has_super_blocks(type.kind);
    const size_t b     = i/lacuna_scale_block(type.kind), of_d = k ? i/LACUNA_SUPER_BLOCK : b;
    const float  d     = ggml_fp16_to_fp32(c.d[of_d]);
    const float  scale = !k ? d : type.kind == LACUNA_SCALES_K6 ? d*(int8_t) c.s[b] : d*c.s[b];
    const float  min   = type.minima ? ggml_fp16_to_fp32(c.dmin[of_d])*(k ? c.m[b] : 1) : 0.0f;
    const float  rest  = scale*((c.code[i] & ((1 << type.low) - 1)) - type.middle());
    const float  value = scale*(c.code[i] - type.zero) - min;

    return { rest*rest, value*value };
}
