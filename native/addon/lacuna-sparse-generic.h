// The kernels in terms of `simd`, a vector of floats. Each instruction set's file includes this, in a namespace of its own and
// compiled for that set: nothing here may be shared between them, so no standard headers either.

constexpr int BLOCK      = 32; // of the quantised types
constexpr int CACHE_LINE = 64;

// Vectors of y that stay in registers while all rows pass by: enough to hide the latency of a multiply-add, and whole blocks
constexpr int TILE = 8*simd::W >= BLOCK ? 8 : BLOCK/simd::W;

inline float half_to_float(uint16_t h) {
    const uint32_t w    = (uint32_t) h << 16;
    const uint32_t sign = w & 0x80000000u;
    const uint32_t two  = w + w;
    uint32_t bits;
    if (two < (1u << 27)) { // subnormal
        const uint32_t magic = 126u << 23;
        const float f = __builtin_bit_cast(float, (two >> 17) | magic) - 0.5f;
        bits = __builtin_bit_cast(uint32_t, f);
    } else {
        const float f = __builtin_bit_cast(float, (two >> 4) + (0xE0u << 23)) * __builtin_bit_cast(float, 0x7800000u);
        bits = __builtin_bit_cast(uint32_t, f);
    }
    return __builtin_bit_cast(float, sign | bits);
}

// x/(1 + exp(-x)); exp to 2 ulp, after Cephes
inline simd::V silu(simd::V x) {
    const auto c = [](float f) { return simd::set1(f); };

    const simd::V e       = simd::min(simd::max(simd::mul(x, c(-1.0f)), c(-87.0f)), c(88.0f));
    const simd::V shifted = simd::fma(c(12582912.0f), e, c(1.44269504f)); // rounds to an integer in the low bits
    const simd::V n       = simd::sub(shifted, c(12582912.0f));
    const simd::V r       = simd::fma(simd::fma(e, n, c(-0.693359375f)), n, c(2.12194440e-4f));

    simd::V p = c(1.9875691500e-4f);
    p = simd::fma(c(1.3981999507e-3f), p, r);
    p = simd::fma(c(8.3334519073e-3f), p, r);
    p = simd::fma(c(4.1665795894e-2f), p, r);
    p = simd::fma(c(1.6666665459e-1f), p, r);
    p = simd::fma(c(5.0000001201e-1f), p, r);
    p = simd::fma(simd::fma(c(1.0f), r, c(1.0f)), p, simd::mul(r, r));

    return simd::div(x, simd::fma(c(1.0f), p, simd::exp2_low_bits(shifted)));
}

int select(const float * gate, const float * weight, int n, float threshold, float * act, int32_t * idx) {
    int at = 0;
    for (; at + simd::W <= n; at += simd::W) {
        simd::store(act + at, silu(simd::load(gate + at)));
    }
    if (at < n) {
        float rest[simd::W] = { 0.0f };
        __builtin_memcpy(rest, gate + at, (n - at)*sizeof(float));
        simd::store(rest, silu(simd::load(rest)));
        __builtin_memcpy(act + at, rest, (n - at)*sizeof(float));
    }
    // branchless: which neurons are active cannot be predicted
    int count = 0;
    if (weight) {
        for (int i = 0; i < n; i++) {
            idx[count] = i;
            count += __builtin_fabsf(act[i])*weight[i] >= threshold;
        }
    } else {
        for (int i = 0; i < n; i++) {
            idx[count] = i;
            count += __builtin_fabsf(act[i]) >= threshold;
        }
    }
    return count;
}

inline void prefetch(const void * p, size_t size) {
    for (size_t i = 0; i < size; i += CACHE_LINE) {
        __builtin_prefetch((const uint8_t *) p + i);
    }
}

// How a type is stored. quants: bytes of n of them. add: N vectors of acc get those of p from column c on, times the factor of their block (or of the row);
// one at a time, so that no accumulator has to leave its register

struct stored_q8_0 {
    static constexpr bool scaled = true;
    static size_t quants(int n) { return n; }

    template <int N> static inline void add(simd::V * acc, const uint8_t * p, int c, const float * f) {
        for (int i = 0; i < N; i++) {
            acc[i] = simd::fma(acc[i], simd::from_i8((const int8_t *) p + c + i*simd::W), simd::set1(f[i*simd::W/BLOCK]));
        }
    }
};

struct stored_q4_0 {
    static constexpr bool scaled = true;
    static size_t quants(int n) { return n/2; }

    template <int N> static inline void add(simd::V * acc, const uint8_t * p, int c, const float * f) {
        constexpr int H = 16/simd::W; // vectors in half a block
        for (int b = 0; b < N/(2*H); b++) {
            const simd::V factor = simd::set1(f[b]);
            for (int i = 0; i < H; i++) {
                simd::V low, high;
                simd::from_i4(p + c/2 + b*16 + i*simd::W, low, high);
                acc[(2*b + 0)*H + i] = simd::fma(acc[(2*b + 0)*H + i], low,  factor);
                acc[(2*b + 1)*H + i] = simd::fma(acc[(2*b + 1)*H + i], high, factor);
            }
        }
    }
};

struct stored_f16 {
    static constexpr bool scaled = false;
    static size_t quants(int n) { return n*sizeof(uint16_t); }

    static inline simd::V load(const uint8_t * p, int c) { return simd::from_f16((const uint16_t *) p + c); }
    static inline float   at  (const uint8_t * p, int c) { return half_to_float(((const uint16_t *) p)[c]); }
};

struct stored_bf16 {
    static constexpr bool scaled = false;
    static size_t quants(int n) { return n*sizeof(uint16_t); }

    static inline simd::V load(const uint8_t * p, int c) { return simd::from_bf16((const uint16_t *) p + c); }
    static inline float   at  (const uint8_t * p, int c) { return __builtin_bit_cast(float, (uint32_t) ((const uint16_t *) p)[c] << 16); }
};

struct stored_f32 {
    static constexpr bool scaled = false;
    static size_t quants(int n) { return n*sizeof(float); }

    static inline simd::V load(const uint8_t * p, int c) { return simd::load((const float *) p + c); }
    static inline float   at  (const uint8_t * p, int c) { return ((const float *) p)[c]; }
};

template <typename stored, int N>
inline void add_row(simd::V * acc, const uint8_t * p, int c, const float * f) {
    if constexpr (stored::scaled) {
        stored::template add<N>(acc, p, c, f + c/BLOCK);
    } else {
        const simd::V factor = simd::set1(f[0]);
        for (int i = 0; i < N; i++) {
            acc[i] = simd::fma(acc[i], stored::load(p, c + i*simd::W), factor);
        }
    }
}

// y[c..c + N*W) += ..., with y in registers. stride: between the factors of two rows; scaled types have one for each block
template <typename stored, int N>
inline void add_tile(const uint8_t * const * rows, const uint8_t * const * ahead, const float * factors, int stride, int n_row, int c, float * y) {
    const size_t at   = stored::quants(c);
    const size_t size = stored::quants(N*simd::W);

    simd::V acc[N];
    for (int i = 0; i < N; i++) {
        acc[i] = simd::load(y + c + i*simd::W);
    }
    for (int k = 0; k < n_row; k++) {
        prefetch(ahead[k] + at, size);
        add_row<stored, N>(acc, rows[k], c, factors + k*stride);
    }
    for (int i = 0; i < N; i++) {
        simd::store(y + c + i*simd::W, acc[i]);
    }
}

template <typename stored>
void accumulate_scaled(const uint8_t * const * rows, const uint8_t * const * ahead, const float * coef, int n_row, int n, float * scratch, float * y) {
    const int n_block = n/BLOCK;
    for (int k = 0; k < n_row; k++) {
        const uint16_t * d = (const uint16_t *) (rows[k] + stored::quants(n));
        float * f = scratch + k*n_block;
        prefetch(ahead[k] + stored::quants(n), n_block*sizeof(uint16_t));
        int b = 0;
        for (; b + simd::W <= n_block; b += simd::W) {
            simd::store(f + b, simd::mul(simd::from_f16(d + b), simd::set1(coef[k])));
        }
        for (; b < n_block; b++) {
            f[b] = half_to_float(d[b])*coef[k];
        }
    }
    int c = 0;
    for (; c + TILE*simd::W <= n; c += TILE*simd::W) {
        add_tile<stored, TILE>(rows, ahead, scratch, n_block, n_row, c, y);
    }
    for (; c < n; c += BLOCK) {
        add_tile<stored, BLOCK/simd::W>(rows, ahead, scratch, n_block, n_row, c, y);
    }
}

template <typename stored>
void accumulate_plain(const uint8_t * const * rows, const uint8_t * const * ahead, const float * coef, int n_row, int n, float * y) {
    int c = 0;
    for (; c + TILE*simd::W <= n; c += TILE*simd::W) {
        add_tile<stored, TILE>(rows, ahead, coef, 1, n_row, c, y);
    }
    for (; c + simd::W <= n; c += simd::W) {
        add_tile<stored, 1>(rows, ahead, coef, 1, n_row, c, y);
    }
    for (; c < n; c++) {
        for (int k = 0; k < n_row; k++) {
            y[c] += coef[k]*stored::at(rows[k], c);
        }
    }
}

void accumulate(lacuna_down_type type, const uint8_t * const * rows, const uint8_t * const * ahead, const float * coef, int n_row, int n, float * scratch, float * y) {
    switch (type) {
        case LACUNA_DOWN_Q8_0: accumulate_scaled<stored_q8_0>(rows, ahead, coef, n_row, n, scratch, y); break;
        case LACUNA_DOWN_Q4_0: accumulate_scaled<stored_q4_0>(rows, ahead, coef, n_row, n, scratch, y); break;
        case LACUNA_DOWN_F16:  accumulate_plain<stored_f16> (rows, ahead, coef, n_row, n, y);           break;
        case LACUNA_DOWN_BF16: accumulate_plain<stored_bf16>(rows, ahead, coef, n_row, n, y);           break;
        case LACUNA_DOWN_F32:  accumulate_plain<stored_f32> (rows, ahead, coef, n_row, n, y);           break;
    }
}
