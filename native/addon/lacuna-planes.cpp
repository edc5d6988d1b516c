#include "lacuna-planes.h"

#include "lacuna-family.h"
#include "lacuna-parallel.h"
#include "lacuna-weights.h"

#include "llama-model.h"

#define GGML_COMMON_DECL_C
#include "../ggml/src/ggml-common.h" // through llama.cpp/src, which is an include directory

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <new>
#include <stdexcept>

#if defined(__linux__)
#    include <sys/mman.h>
#endif
#if defined(_WIN32)
#    include <malloc.h>
#endif

#if defined(__x86_64__)
extern const lacuna_plane_kernels lacuna_planes_avx512;
extern const lacuna_plane_kernels lacuna_planes_avx2;
#elif defined(__aarch64__)
extern const lacuna_plane_kernels lacuna_planes_neon;
#endif
extern const lacuna_plane_kernels lacuna_planes_scalar;

const lacuna_plane_kernels * const * lacuna_plane_all_kernels() {
    static const lacuna_plane_kernels * const all[] = {
#if defined(__x86_64__)
        &lacuna_planes_avx512, &lacuna_planes_avx2,
#elif defined(__aarch64__)
        &lacuna_planes_neon,
#endif
        &lacuna_planes_scalar, nullptr,
    };
    return all;
}

// types

std::optional<lacuna_plane_type> lacuna_plane_type_of(ggml_type type) {
    switch (type) {
        case GGML_TYPE_Q4_0: return lacuna_plane_type { LACUNA_SCALES_F16, 3, 1,   8, false };
        case GGML_TYPE_Q5_0: return lacuna_plane_type { LACUNA_SCALES_F16, 3, 2,  16, false };
        case GGML_TYPE_Q8_0: return lacuna_plane_type { LACUNA_SCALES_F16, 4, 4, 128, false };
        case GGML_TYPE_Q4_K: return lacuna_plane_type { LACUNA_SCALES_K4,  3, 1,   0, true  };
        case GGML_TYPE_Q5_K: return lacuna_plane_type { LACUNA_SCALES_K4,  3, 2,   0, true  };
        case GGML_TYPE_Q6_K: return lacuna_plane_type { LACUNA_SCALES_K6,  4, 2,  32, false };
        default:             return std::nullopt;
    }
}

// Codes and scales of consecutive values of a row of the file
struct codes {
    std::vector<uint8_t>     code;
    std::vector<ggml_half>   d, dmin;  // F16: of a block; K types: of a super-block
    std::vector<uint8_t>     s, m;     // K4: six bits each; K6: int8 s

    explicit codes(const lacuna_plane_type & type, int64_t n) : code(GGML_PAD((size_t) n, LACUNA_PLANE_UNIT)), n(n) {
        const size_t blocks = n/lacuna_scale_block(type.kind);
        const bool   k      = type.kind != LACUNA_SCALES_F16;
        d   .resize(k ? n/LACUNA_SUPER_BLOCK : blocks);
        dmin.resize(type.minima ? d.size() : 0);
        s   .resize(k ? blocks : 0);
        m   .resize(type.minima ? blocks : 0);
    }

    void read(ggml_type type, const void * src);

private:
    int64_t n;
};

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

// of row-wise blocks, as dequantize_row_* in ggml-quants.c reads them
void codes::read(ggml_type type, const void * src) {
    const size_t n_block = n/ggml_blck_size(type);

    for (size_t i = 0; i < n_block; i++) {
        uint8_t * c = code.data() + i*ggml_blck_size(type);
        switch (type) {
            case GGML_TYPE_Q4_0: {
                const auto & b = ((const block_q4_0 *) src)[i];
                d[i] = b.d;
                for (int j = 0; j < QK4_0/2; j++) {
                    c[j]           = b.qs[j] & 15;
                    c[j + QK4_0/2] = b.qs[j] >> 4;
                }
                break;
            }
            case GGML_TYPE_Q5_0: {
                const auto & b = ((const block_q5_0 *) src)[i];
                uint32_t qh;
                memcpy(&qh, b.qh, sizeof(qh));
                d[i] = b.d;
                for (int j = 0; j < QK5_0/2; j++) {
                    c[j]           = (b.qs[j] & 15) | (qh >> j & 1) << 4;
                    c[j + QK5_0/2] = (b.qs[j] >> 4) | (qh >> (j + 16) & 1) << 4;
                }
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

// Bits [shift, shift + bits) of n codes, whole units of them, in runs, see lacuna-planes-kernels.h. n_vector: of a run, 8, or 4 where blocks have 16 values
static void write_plane(const uint8_t * code, int64_t n, int n_vector, int shift, int bits, uint8_t * dst) {
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

static int read_plane(const uint8_t * src, int64_t i, int64_t n, int n_vector, int bits) {
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

// vectors of a run of a row
static int vectors_of(lacuna_scale_kind kind) { return lacuna_scale_block(kind)/4; }

// low halves and upper bits of s and m
static void write_6_bits(uint8_t s, uint8_t m, size_t i, uint8_t * low, uint8_t * upper) {
    low[i] = (s & 15) | (m & 15) << 4;
    upper[i/2] |= (s >> 4 | m >> 4 << 2) << 4*(i % 2);
}

// the arithmetic of dequantize_row_*
static float value_of(const lacuna_plane_type & type, int code, float d, int s, float dmin, int m) {
    switch (type.kind) {
        case LACUNA_SCALES_F16: return d*(float) (code - type.zero);
        case LACUNA_SCALES_K6:  return d*(float) s*(float) (code - type.zero);
        default:                return d*(float) s*(float) code - dmin*(float) m;
    }
}

// of what the lower plane of a value adds to it, and of the value
static std::pair<float, float> squares_of(const lacuna_plane_type & type, const codes & c, int64_t i) {
    const size_t b     = i/lacuna_scale_block(type.kind);
    const float  d     = ggml_fp16_to_fp32(type.kind == LACUNA_SCALES_F16 ? c.d[b] : c.d[i/LACUNA_SUPER_BLOCK]);
    const float  scale = type.kind == LACUNA_SCALES_F16 ? d : type.kind == LACUNA_SCALES_K6 ? d*(int8_t) c.s[b] : d*c.s[b];
    const float  min   = type.minima ? ggml_fp16_to_fp32(c.dmin[i/LACUNA_SUPER_BLOCK])*c.m[b] : 0.0f;
    const float  rest  = scale*((c.code[i] & ((1 << type.low) - 1)) - type.middle());
    const float  value = scale*(c.code[i] - type.zero) - min;

    return { rest*rest, value*value };
}

static int six_bits_s(const uint8_t * low, const uint8_t * upper, size_t i) { return (low[i] & 15) | (upper[i/2] >> 4*(i % 2) & 3) << 4; }
static int six_bits_m(const uint8_t * low, const uint8_t * upper, size_t i) { return low[i] >> 4 | (upper[i/2] >> (4*(i % 2) + 2) & 3) << 4; }

// memory

static constexpr size_t ALIGNMENT  = 64;
static constexpr size_t LARGE_PAGE = 2*1024*1024;
static constexpr size_t PIECE      = 64*1024*1024;

static std::shared_ptr<uint8_t> allocate(size_t size) {
#if defined(_WIN32)
    auto * p = (uint8_t *) _aligned_malloc(size, LARGE_PAGE);
    const auto release = [](uint8_t * p) { _aligned_free(p); };
#else
    auto * p = (uint8_t *) aligned_alloc(LARGE_PAGE, size);
    const auto release = [](uint8_t * p) { free(p); };
#endif
    if (!p) {
        throw std::bad_alloc();
    }
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    madvise(p, size, MADV_HUGEPAGE); // where rows are skipped, address translation costs more than they do
#endif
    return { p, release };
}

std::shared_ptr<uint8_t> lacuna_plane_memory::take(size_t n) {
    const size_t room = GGML_PAD(n + ALIGNMENT, ALIGNMENT); // vectors may be loaded beyond the end
    if (taken + room > size) {
        size  = std::max(PIECE, GGML_PAD(room, LARGE_PAGE)); // what is not written to takes no memory
        piece = allocate(size);
        taken = 0;
    }
    std::shared_ptr<uint8_t> res(piece, piece.get() + taken);
    memset(res.get(), 0, room);
    taken += room;
    return res;
}

// rows

static lacuna_plane_type require_type(const ggml_tensor * w) {
    const auto type = lacuna_plane_type_of(w->type);
    if (!type) {
        throw std::invalid_argument(std::string(ggml_type_name(w->type)) + " weights cannot be divided into planes");
    }
    return *type;
}

static size_t row_base_size(const lacuna_plane_type & type, int64_t n) {
    return lacuna_row_scales_size(type.kind, n) + lacuna_plane_size(type.high, n);
}

lacuna_plane_rows::lacuna_plane_rows(const lacuna_rows & rows, lacuna_plane_memory & memory, int n_threads) :
    type(require_type(rows.w)), n_embd(rows.w->ne[0]), n_ff(rows.n) {
    const ggml_tensor * w = rows.w;
    error.resize(n_ff);
    scales_size = lacuna_row_scales_size(type.kind, n_embd);
    base_size   = row_base_size(type, n_embd);
    rest_size   = lacuna_plane_size(type.low, n_embd);
    base = memory.take(n_ff*base_size);
    rest = memory.take(n_ff*rest_size);

    const size_t n_count = lacuna_scale_count(type.kind, n_embd);

    lacuna_parallel(n_threads, [&](int ith) {
        codes c(type, n_embd);
        std::vector<uint8_t> ordered(c.code.size());
        for (int64_t i = n_ff*ith/n_threads; i < n_ff*(ith + 1)/n_threads; i++) {
            c.read(w->type, (const uint8_t *) w->data + (rows.first + i)*w->nb[1]);

            uint8_t * p = base.get() + i*base_size;
            switch (type.kind) {
                case LACUNA_SCALES_F16:
                    memcpy(p, c.d.data(), c.d.size()*sizeof(ggml_half));
                    break;
                case LACUNA_SCALES_K4:
                    for (size_t b = 0; b < c.s.size(); b++) {
                        write_6_bits(c.s[b], c.m[b], b, p, p + n_count);
                    }
                    memcpy(p + n_count + n_count/2,               c.d.data(),    c.d.size()   *sizeof(ggml_half));
                    memcpy(p + n_count + n_count/2 + n_count/8*2, c.dmin.data(), c.dmin.size()*sizeof(ggml_half));
                    break;
                case LACUNA_SCALES_K6:
                    memcpy(p, c.s.data(), c.s.size());
                    memcpy(p + n_count, c.d.data(), c.d.size()*sizeof(ggml_half));
                    break;
            }
            lacuna_to_runs(c.code.data(), c.code.size(), lacuna_scale_block(type.kind), ordered.data());
            write_plane(ordered.data(), ordered.size(), vectors_of(type.kind), type.low, type.high, p + scales_size);
            write_plane(ordered.data(), ordered.size(), vectors_of(type.kind), 0,        type.low,  rest.get() + i*rest_size);

            double sum = 0.0;
            for (int64_t j = 0; j < n_embd; j++) {
                sum += squares_of(type, c, j).first;
            }
            error[i] = (float) std::sqrt(sum);
        }
    });
}

static float half_at(const uint8_t * p, size_t i) {
    ggml_half h;
    memcpy(&h, p + i*sizeof(h), sizeof(h));
    return ggml_fp16_to_fp32(h);
}

void lacuna_plane_rows::to_float(int64_t i, float * dst) const {
    const uint8_t * p = scales(i);
    const size_t n_count = lacuna_scale_count(type.kind, n_embd);

    const int64_t n     = GGML_PAD(n_embd, LACUNA_PLANE_UNIT);
    const int     block = lacuna_scale_block(type.kind);
    for (int64_t j = 0; j < n_embd; j++) {
        const int64_t at   = lacuna_place_in_runs(j, n, block);
        const int     code = read_plane(high(i), at, n, vectors_of(type.kind), type.high) << type.low | read_plane(low(i), at, n, vectors_of(type.kind), type.low);
        const size_t  b    = j/block;
        switch (type.kind) {
            case LACUNA_SCALES_F16: dst[j] = value_of(type, code, half_at(p, b), 0, 0.0f, 0); break;
            case LACUNA_SCALES_K6:  dst[j] = value_of(type, code, half_at(p + n_count, j/LACUNA_SUPER_BLOCK), (int8_t) p[b], 0.0f, 0); break;
            case LACUNA_SCALES_K4: {
                const uint8_t * d = p + n_count + n_count/2;
                dst[j] = value_of(type, code, half_at(d, j/LACUNA_SUPER_BLOCK), six_bits_s(p, p + n_count, b),
                        half_at(d + n_count/8*2, j/LACUNA_SUPER_BLOCK), six_bits_m(p, p + n_count, b));
                break;
            }
        }
    }
}

// columns

static constexpr int COLUMN_VECTORS = 8; // of a run

static size_t padded(int64_t n) { return GGML_PAD((size_t) n, LACUNA_PLANE_UNIT); }

static size_t group_scales_size(const lacuna_plane_type & type, int64_t n) {
    return type.kind == LACUNA_SCALES_F16 ? 2*padded(n) : type.kind == LACUNA_SCALES_K4 ? padded(n)*3/2 : padded(n);
}

static size_t super_scales_size(const lacuna_plane_type & type, int64_t n) {
    return type.kind == LACUNA_SCALES_F16 ? 0 : type.minima ? 4*padded(n) : 2*padded(n);
}

static size_t shared_scales_size(const lacuna_plane_type & type, int64_t n_embd, int64_t n_ff) {
    return n_ff/lacuna_scale_block(type.kind)*group_scales_size(type, n_embd) + n_ff/LACUNA_SUPER_BLOCK*super_scales_size(type, n_embd);
}

lacuna_plane_columns::lacuna_plane_columns(const ggml_tensor * w, lacuna_plane_memory & memory, int n_threads) :
    type(require_type(w)), n_embd(w->ne[1]), n_ff(w->ne[0]) {
    n_padded     = padded(n_embd);
    n_group      = n_ff/group_size();
    base_size    = lacuna_plane_size(type.high, n_embd);
    rest_size    = lacuna_plane_size(type.low,  n_embd);
    group_scales = group_scales_size(type, n_embd);
    super_size   = super_scales_size(type, n_embd);
    base   = memory.take(n_ff*base_size);
    rest   = memory.take(n_ff*rest_size);
    shared_size  = shared_scales_size(type, n_embd, n_ff);
    shared = memory.take(shared_size);

    std::vector<int64_t> runs; // where each begins
    for (int64_t r = 0; r < n_padded; r += 4*COLUMN_VECTORS*lacuna_run_lanes((int) ((n_padded - r)/(4*COLUMN_VECTORS)))) {
        runs.push_back(r);
    }
    std::atomic<size_t> next { 0 };

    std::vector<std::vector<double>> rest_squares(n_threads, std::vector<double>(n_ff)), squares(rest_squares);

    // a run of outputs at a time: rows of the file, which are columns here
    lacuna_parallel(n_threads, [&](int ith) {
        std::vector<codes> rows(4*COLUMN_VECTORS*LACUNA_RUN_LANES, codes(type, n_ff));
        std::vector<uint8_t> column(rows.size());

        for (size_t run = next.fetch_add(1); run < runs.size(); run = next.fetch_add(1)) {
            const int64_t r0  = runs[run];
            const int64_t all = (run + 1 < runs.size() ? runs[run + 1] : n_padded) - r0;
            const int64_t n   = std::min(all, n_embd - r0);
            for (int64_t k = 0; k < n; k++) {
                const auto & c = rows[k];
                const int64_t r = r0 + k;
                rows[k].read(w->type, (const uint8_t *) w->data + r*w->nb[1]);

                for (int64_t i = 0; i < n_ff; i++) {
                    const auto [rest, all] = squares_of(type, c, i);
                    rest_squares[ith][i] += rest;
                    squares     [ith][i] += all;
                }
                for (int64_t g = 0; g < n_group; g++) {
                    uint8_t * p = shared.get() + g*group_scales;
                    switch (type.kind) {
                        case LACUNA_SCALES_F16: memcpy(p + 2*r, &c.d[g], sizeof(ggml_half)); break;
                        case LACUNA_SCALES_K6:  p[r] = c.s[g]; break;
                        case LACUNA_SCALES_K4:  write_6_bits(c.s[g], c.m[g], r, p, p + n_padded); break;
                    }
                }
                for (size_t b = 0; type.kind != LACUNA_SCALES_F16 && b < c.d.size(); b++) {
                    uint8_t * p = shared.get() + n_group*group_scales + b*super_size;
                    memcpy(p + 2*r, &c.d[b], sizeof(ggml_half));
                    if (type.minima) {
                        memcpy(p + 2*(n_padded + r), &c.dmin[b], sizeof(ggml_half));
                    }
                }
            }
            for (int64_t i = 0; i < n_ff; i++) {
                for (int64_t k = 0; k < n; k++) {
                    column[k] = rows[k].code[i];
                }
                std::fill(column.begin() + n, column.begin() + all, 0);
                write_plane(column.data(), all, COLUMN_VECTORS, type.low, type.high, base.get() + i*base_size + r0/8*type.high);
                write_plane(column.data(), all, COLUMN_VECTORS, 0,        type.low,  rest.get() + i*rest_size + r0/8*type.low);
            }
        }
    });

    error.resize(n_ff);
    for (int64_t i = 0; i < n_ff; i++) {
        double rest = 0.0, all = 0.0;
        for (int ith = 0; ith < n_threads; ith++) {
            rest += rest_squares[ith][i];
            all  += squares[ith][i];
        }
        error[i] = all > 0.0 ? (float) std::sqrt(rest/all) : 0.0f;
    }
}

void lacuna_plane_columns::to_float(int64_t i, float * dst) const {
    const int64_t   g = i/group_size();
    const uint8_t * p = scales(g);
    const uint8_t * d = super(g);

    for (int64_t r = 0; r < n_embd; r++) {
        const int code = read_plane(high(i), r, n_padded, COLUMN_VECTORS, type.high) << type.low | read_plane(low(i), r, n_padded, COLUMN_VECTORS, type.low);
        switch (type.kind) {
            case LACUNA_SCALES_F16: dst[r] = value_of(type, code, half_at(p, r), 0, 0.0f, 0); break;
            case LACUNA_SCALES_K6:  dst[r] = value_of(type, code, half_at(d, r), (int8_t) p[r], 0.0f, 0); break;
            case LACUNA_SCALES_K4:
                dst[r] = value_of(type, code, half_at(d, r), six_bits_s(p, p + n_padded, r), half_at(d, n_padded + r), six_bits_m(p, p + n_padded, r));
                break;
        }
    }
}

// layers

lacuna_plane_layer::lacuna_plane_layer(lacuna_activation activation, const lacuna_rows & up, const lacuna_rows & gate, const ggml_tensor * down,
                                       lacuna_plane_memory & memory, int n_threads) :
    activation(activation),
    up(up, memory, n_threads),
    gate(gate ? std::make_optional<lacuna_plane_rows>(gate, memory, n_threads) : std::nullopt),
    down(down, memory, n_threads) {}

size_t lacuna_plane_layer::bytes() const {
    const auto of = [](const auto & matrix) { return matrix.n_ff*(matrix.base_size + matrix.rest_size); };

    return of(up) + (gate ? of(*gate) : 0) + of(down) + down.shared_size;
}

lacuna_plane_sizes lacuna_plane_sizes_of(const llama_layer & layer) {
    const auto up = lacuna_up_rows(layer), gate = lacuna_gate_rows(layer);
    const auto * down = layer.ffn_down;
    const auto tu = require_type(up.w), td = require_type(down);
    const auto tg = gate ? std::make_optional(require_type(gate.w)) : std::nullopt;
    const int64_t n_embd = up.w->ne[0], n_ff = up.n;

    // of a row in full the scales are read once more: it was too long ago for any cache
    const auto rest = [&](const std::optional<lacuna_plane_type> & t) {
        return t ? (double) n_ff*(lacuna_plane_size(t->low, n_embd) + lacuna_row_scales_size(t->kind, n_embd)) : 0.0;
    };
    const auto file = [](const lacuna_rows & r) { return r ? (double) r.n*ggml_row_size(r.w->type, r.w->ne[0]) : 0.0; };

    lacuna_plane_sizes res;
    res.file      = file(up) + file(gate) + ggml_nbytes(down);
    res.up        = (double) n_ff*row_base_size(tu, n_embd);
    res.gate      = tg ? (double) n_ff*row_base_size(*tg, n_embd) : 0.0;
    res.down      = (double) n_ff*lacuna_plane_size(td.high, n_embd);
    res.shared    = (double) shared_scales_size(td, n_embd, n_ff);
    res.up_rest   = rest(tu);
    res.gate_rest = rest(tg);
    res.down_rest = (double) n_ff*lacuna_plane_size(td.low, n_embd);
    return res;
}

// a model's

lacuna_planes::lacuna_planes(std::shared_ptr<lacuna_weights> weights) : weights(std::move(weights)), layers(this->weights->model.layers.size()) {}

size_t lacuna_planes::make(int il, int n_threads) {
    if (il < 0 || il >= (int) layers.size()) {
        throw std::invalid_argument("layer " + std::to_string(il) + " does not exist");
    }
    const std::lock_guard<std::mutex> one(making);
    if (const auto made = layer(il)) {
        return made->bytes();
    }
    const auto & l = weights->model.layers[il];
    const auto host = [&](lacuna_rows r) { return lacuna_rows { weights->host(r.w), r.first, r.n }; };
    const auto gate = lacuna_gate_rows(l);

    auto made = std::make_shared<const lacuna_plane_layer>(lacuna_form_of(weights->model).activation, host(lacuna_up_rows(l)), gate ? host(gate) : gate,
            weights->host(l.ffn_down), memory, n_threads);

    const std::lock_guard<std::mutex> lock(mutex);
    layers[il] = made;

    return made->bytes();
}

std::shared_ptr<const lacuna_plane_layer> lacuna_planes::layer(int il) const {
    const std::lock_guard<std::mutex> lock(mutex);
    return il >= 0 && il < (int) layers.size() ? layers[il] : nullptr;
}

size_t lacuna_planes::bytes() const {
    const std::lock_guard<std::mutex> lock(mutex);
    size_t res = 0;
    for (const auto & layer : layers) {
        res += layer ? layer->bytes() : 0;
    }
    return res;
}

void lacuna_planes::clear() {
    const std::lock_guard<std::mutex> one(making); // before the other, as in make
    const std::lock_guard<std::mutex> lock(mutex);
    for (auto & layer : layers) {
        layer.reset();
    }
    memory = {}; // it holds the piece that is not full yet
}

std::string lacuna_choice_unavailable_reason(const lacuna_weights & weights) {
    const auto no = [](const std::string & why) { return "a token cannot choose among this model's neurons: " + why; };

    for (const auto & layer : weights.model.layers) {
        for (const auto * t : { layer.ffn_up, layer.ffn_gate, layer.ffn_down }) {
            if (t && lacuna_device_of(t)) {
                return "a token's own choice needs the CPU, and this model is on another device";
            }
            if (t && !lacuna_plane_type_of(t->type)) {
                return no(std::string("its FFN has weights of type ") + ggml_type_name(t->type));
            }
        }
        if (layer.ffn_up->ne[0] > 32768) {
            return no("its rows are too long");
        }
    }
    return {};
}
