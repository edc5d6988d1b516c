#include "lacuna-planes-codes.h"

#define GGML_COMMON_DECL_C
#include "../ggml/src/ggml-common.h" // through llama.cpp/src, which is an include directory

#include <cstring>
#include <stdexcept>
#include <string>

std::optional<lacuna_plane_type> lacuna_plane_type_of(ggml_type type) {
    switch (type) {
        case GGML_TYPE_Q4_0: return lacuna_plane_type { LACUNA_SCALES_F16,   3, 1,   8, false };
        case GGML_TYPE_Q4_1: return lacuna_plane_type { LACUNA_SCALES_F16_M, 3, 1,   0, true  };
        case GGML_TYPE_Q5_0: return lacuna_plane_type { LACUNA_SCALES_F16,   3, 2,  16, false };
        case GGML_TYPE_Q5_1: return lacuna_plane_type { LACUNA_SCALES_F16_M, 3, 2,   0, true  };
        case GGML_TYPE_Q8_0: return lacuna_plane_type { LACUNA_SCALES_F16,   4, 4, 128, false };
        case GGML_TYPE_Q4_K: return lacuna_plane_type { LACUNA_SCALES_K4,    3, 1,   0, true  };
        case GGML_TYPE_Q5_K: return lacuna_plane_type { LACUNA_SCALES_K4,    3, 2,   0, true  };
        case GGML_TYPE_Q6_K: return lacuna_plane_type { LACUNA_SCALES_K6,    4, 2,  32, false };
        default:             return std::nullopt;
    }
}

static void read_k4_scales(const uint8_t * p, uint8_t * s, uint8_t * m) {
    for (int j = 0; j < 8; j++) {
        if (j < 4) {
            s[j] = p[j] & 63;
            m[j] = p[j + 4] & 63;
        } else {
            s[j] = (p[j + 4] & 15) | (p[j - 4] >> 6) << 4;
            m[j] = (p[j + 4] >> 4) | (p[j]     >> 6) << 4;
        }
    }
}

// The file adds m, K types and planes subtract it
static ggml_fp16_t minus(ggml_half h) { return h ^ 0x8000; }

static void read_nibbles(const uint8_t * qs, uint8_t * c) {
    for (int j = 0; j < 16; j++) {
        c[j]      = qs[j] & 15;
        c[j + 16] = qs[j] >> 4;
    }
}

static void read_fifth_bits(const uint8_t * qh, uint8_t * c) {
    for (int j = 0; j < 32; j++) {
        c[j] |= (qh[j/8] >> j % 8 & 1) << 4;
    }
}

// of row-wise blocks, as dequantize_row_* in ggml-quants.c reads them
void lacuna_plane_codes::read(ggml_type type, const void * src) {
    const size_t n_block = n/ggml_blck_size(type);

    for (size_t i = 0; i < n_block; i++) {
        uint8_t * c = code.data() + i*ggml_blck_size(type);
        switch (type) {
            case GGML_TYPE_Q4_0: {
                const auto & b = ((const block_q4_0 *) src)[i];
                d[i] = b.d;
                read_nibbles(b.qs, c);
                break;
            }
            case GGML_TYPE_Q4_1: {
                const auto & b = ((const block_q4_1 *) src)[i];
                d[i]    = b.d;
                dmin[i] = minus(b.m);
                read_nibbles(b.qs, c);
                break;
            }
            case GGML_TYPE_Q5_0: {
                const auto & b = ((const block_q5_0 *) src)[i];
                d[i] = b.d;
                read_nibbles(b.qs, c);
                read_fifth_bits(b.qh, c);
                break;
            }
            case GGML_TYPE_Q5_1: {
                const auto & b = ((const block_q5_1 *) src)[i];
                d[i]    = b.d;
                dmin[i] = minus(b.m);
                read_nibbles(b.qs, c);
                read_fifth_bits(b.qh, c);
                break;
            }
            case GGML_TYPE_Q8_0: {
                const auto & b = ((const block_q8_0 *) src)[i];
                d[i] = b.d;
                for (int j = 0; j < QK8_0; j++) {
                    c[j] = (uint8_t) (b.qs[j] + 128);
                }
                break;
            }
            case GGML_TYPE_Q4_K: {
                const auto & b = ((const block_q4_K *) src)[i];
                d[i]    = b.d;
                dmin[i] = b.dmin;
                read_k4_scales(b.scales, s.data() + 8*i, m.data() + 8*i);
                for (int j = 0; j < QK_K; j++) {
                    c[j] = b.qs[j/64*32 + j % 32] >> (j % 64 < 32 ? 0 : 4) & 15;
                }
                break;
            }
            case GGML_TYPE_Q5_K: {
                const auto & b = ((const block_q5_K *) src)[i];
                d[i]    = b.d;
                dmin[i] = b.dmin;
                read_k4_scales(b.scales, s.data() + 8*i, m.data() + 8*i);
                for (int j = 0; j < QK_K; j++) {
                    c[j] = (b.qs[j/64*32 + j % 32] >> (j % 64 < 32 ? 0 : 4) & 15) | (b.qh[j % 32] >> j/32 & 1) << 4;
                }
                break;
            }
            case GGML_TYPE_Q6_K: {
                const auto & b = ((const block_q6_K *) src)[i];
                d[i] = b.d;
                memcpy(s.data() + 16*i, b.scales, sizeof(b.scales));
                for (int j = 0; j < QK_K; j++) {
                    const int k = j % 128; // of a half
                    const int low = b.ql[j/128*64 + k % 64] >> (k < 64 ? 0 : 4) & 15;
                    c[j] = low | (b.qh[j/128*32 + k % 32] >> k/32*2 & 3) << 4;
                }
                break;
            }
            default:
                throw std::invalid_argument(std::string(ggml_type_name(type)) + " weights cannot be divided into planes");
        }
    }
}

static uint8_t bits_of(uint8_t code, int shift, int bits) { return code >> shift & ((1 << bits) - 1); }

void lacuna_write_plane(const uint8_t * code, int64_t n, int n_vector, int shift, int bits, uint8_t * dst) {
    const auto at = [&](const uint8_t * c, int v, int part, int j, int from, int count) { return bits_of(c[v*part + j], shift + from, count); };

    for (int64_t i = 0; i < n;) {
        const int part = 4*lacuna_run_lanes((int) ((n - i)/(4*n_vector)));
        const int n_part = n_vector*bits/8;
        for (int k = 0; k < n_part; k++) {
            for (int j = 0; j < part; j++) {
                uint8_t v = 0;
                switch (bits) {
                    case 1:
                        for (int b = 0; b < 8; b++) {
                            v |= at(code, b, part, j, 0, 1) << b;
                        }
                        break;
                    case 2:
                        for (int b = 0; b < 4; b++) {
                            v |= at(code, 4*k + b, part, j, 0, 2) << 2*b;
                        }
                        break;
                    case 3:
                        v = at(code, 2*k, part, j, 0, 3) | at(code, 2*k + 1, part, j, 0, 3) << 3;
                        v |= k < 2 ? at(code, 6 + k, part, j, 0, 2) << 6 : at(code, 6, part, j, 2, 1) << 6 | at(code, 7, part, j, 2, 1) << 7;
                        break;
                    default:
                        v = at(code, 2*k, part, j, 0, 4) | at(code, 2*k + 1, part, j, 0, 4) << 4;
                        break;
                }
                *dst++ = v;
            }
        }
        code += n_vector*part;
        i    += n_vector*part;
    }
}

int lacuna_read_plane(const uint8_t * src, int64_t i, int64_t n, int n_vector, int bits) {
    int64_t at = 0; // where the run begins
    int part;
    while (true) {
        part = 4*lacuna_run_lanes((int) ((n - at)/(4*n_vector)));
        if (i < at + n_vector*part) {
            break;
        }
        at += n_vector*part;
    }
    const uint8_t * run = src + at/8*bits;
    const int v = (int) (i - at)/part, j = (int) (i - at) % part;
    switch (bits) {
        case 1:  return run[j] >> v & 1;
        case 2:  return run[v/4*part + j] >> 2*(v % 4) & 3;
        case 3:
            if (v < 6) {
                return run[v/2*part + j] >> 3*(v % 2) & 7;
            }
            return run[(v - 6)*part + j] >> 6 | (run[2*part + j] >> v & 1) << 2;
        default: return run[v/2*part + j] >> 4*(v % 2) & 15;
    }
}
