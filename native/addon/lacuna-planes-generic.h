// The kernels in terms of `simd`, vectors of floats and of codes. Each instruction set's file includes this, in a namespace of its own
// and compiled for that set: nothing here may be shared between them, so no standard headers either.

constexpr int UNIT = LACUNA_PLANE_UNIT;
constexpr int W    = simd::W;

constexpr int MAX_BLOCKS = 2048; // of a row: 32,768 values in blocks of 16

// 1/(1 + exp(-x)); exp to 2 ulp, after Cephes
inline simd::V sigmoid(simd::V x) {
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

    return simd::div(c(1.0f), simd::fma(c(1.0f), p, simd::exp2_low_bits(shifted)));
}

// an activation function over x, and its derivative
struct activated { simd::V share, slope; };

template <lacuna_activation A>
inline activated activation_of(simd::V x) {
    const simd::V one = simd::set1(1.0f);
    if (A == LACUNA_SILU) {
        const simd::V s = sigmoid(x);
        return { s, simd::mul(s, simd::fma(one, x, simd::sub(one, s))) };
    }
    const simd::V square = simd::mul(x, x), z1 = simd::set1(LACUNA_GELU_Z1), z3 = simd::set1(LACUNA_GELU_Z3);
    const simd::V s  = sigmoid(simd::mul(x, simd::fma(z1, z3, square)));
    const simd::V dz = simd::fma(z1, simd::set1(3*LACUNA_GELU_Z3), square);
    return { s, simd::mul(s, simd::fma(one, simd::mul(x, dz), simd::sub(one, s))) };
}

template <lacuna_activation A>
void activate(const float * gate, const float * up, float * act, int n) {
    const float * x = gate ? gate : up;
    const auto at = [](simd::V v) { return simd::mul(v, activation_of<A>(v).share); };
    int i = 0;
    for (; i + W <= n; i += W) {
        const simd::V a = at(simd::load(x + i));
        simd::store(act + i, gate ? simd::mul(a, simd::load(up + i)) : a);
    }
    if (i < n) {
        float rest[W] = { 0.0f };
        __builtin_memcpy(rest, x + i, (n - i)*sizeof(float));
        simd::store(rest, at(simd::load(rest)));
        for (int j = 0; i < n; i++, j++) {
            act[i] = gate ? rest[j]*up[i] : rest[j];
        }
    }
}

void activate(lacuna_activation a, const float * gate, const float * up, float * act, int n) {
    a == LACUNA_SILU ? activate<LACUNA_SILU>(gate, up, act, n) : activate<LACUNA_GELU>(gate, up, act, n);
}

// The derivatives of an activation, by up and by gate, tell what an error in them does to it
template <lacuna_activation A>
void error(const lacuna_plane_errors & e, float * res, int n) {
    const simd::V input = simd::set1(e.input);

    const auto square = [](simd::V v) { return simd::mul(v, v); };
    const auto at = [&](const float * gate, const float * up, const float * weight, const float * eu, const float * eg, const float * ed) {
        const simd::V u = simd::load(up), x = e.gate ? simd::load(gate) : u;
        const auto a = activation_of<A>(x);
        const simd::V act = simd::mul(x, a.share);
        const simd::V by_up   = simd::mul(e.gate ? act : a.slope, simd::mul(input, simd::load(eu)));
        const simd::V by_down = simd::mul(e.gate ? simd::mul(act, u) : act, simd::load(ed));
        simd::V sum = simd::add(square(by_up), square(by_down));
        if (e.gate) {
            sum = simd::add(sum, square(simd::mul(simd::mul(u, a.slope), simd::mul(input, simd::load(eg)))));
        }
        return simd::mul(square(simd::load(weight)), sum);
    };
    int i = 0;
    for (; i + W <= n; i += W) {
        simd::store(res + i, at(e.gate ? e.gate + i : nullptr, e.up + i, e.weight + i, e.up_error + i, e.gate ? e.gate_error + i : nullptr, e.down_error + i));
    }
    if (i < n) {
        float rest[7][W] = {};
        const float * from[6] = { e.gate, e.up, e.weight, e.up_error, e.gate_error, e.down_error };
        for (int k = 0; k < 6; k++) {
            if (from[k]) {
                __builtin_memcpy(rest[k], from[k] + i, (n - i)*sizeof(float));
            }
        }
        simd::store(rest[6], at(rest[0], rest[1], rest[2], rest[3], rest[4], rest[5]));
        __builtin_memcpy(res + i, rest[6], (n - i)*sizeof(float));
    }
}

void error(const lacuna_plane_errors & e, float * res, int n) {
    e.activation == LACUNA_SILU ? error<LACUNA_SILU>(e, res, n) : error<LACUNA_GELU>(e, res, n);
}

int count(const float * value, int n, float threshold) {
    int res = 0;
    int i = 0;
    for (; i + W <= n; i += W) {
        res += simd::count_ge(simd::load(value + i), simd::set1(threshold));
    }
    for (; i < n; i++) {
        res += value[i] >= threshold;
    }
    return res;
}

// s[i], m[i] of a row's blocks
inline void row_scales(lacuna_scale_kind kind, const uint8_t * p, int n_count, float * s, float * m) {
    switch (kind) {
        case LACUNA_SCALES_F16:
            for (int i = 0; i < n_count; i += W) {
                simd::store(s + i, simd::from_f16((const uint16_t *) p + i));
            }
            break;
        case LACUNA_SCALES_K4: {
            const uint8_t  * upper = p + n_count;
            const uint16_t * d     = (const uint16_t *) (upper + n_count/2);
            const uint16_t * dmin  = d + n_count/8;
            for (int i = 0; i < n_count; i += W) {
                simd::V si, mi;
                simd::from_6_bits(p + i, upper + i/2, si, mi);
                simd::store(s + i, simd::mul(si, simd::spread_f16(d    + i/8, 8)));
                simd::store(m + i, simd::mul(mi, simd::spread_f16(dmin + i/8, 8)));
            }
            break;
        }
        case LACUNA_SCALES_K6: {
            const uint16_t * d = (const uint16_t *) (p + n_count);
            for (int i = 0; i < n_count; i += W) {
                simd::store(s + i, simd::mul(simd::from_i8((const int8_t *) p + i), simd::spread_f16(d + i/16, 16)));
            }
            break;
        }
    }
}

template <int BITS>
struct packed {
    static constexpr int SIZE = 16*BITS; // of a unit
    static inline void load(const uint8_t * p, simd::I * c) { simd::template unpack<BITS>(p, c); }
};

struct unpacked {
    static constexpr int SIZE = UNIT;
    static inline void load(const uint8_t * p, simd::I * c) {
        for (int v = 0; v < simd::VECTORS; v++) {
            __builtin_memcpy(&c[v], p + v*simd::CODES, sizeof(c[v]));
        }
    }
};

// sum of factor[block]*(code*q)
template <typename stored, int BLOCK>
inline float dot(const uint8_t * codes, const int8_t * q, const float * factor, int n) {
    simd::V sums[2] = { simd::set1(0.0f), simd::set1(0.0f) };
    for (int i = 0; i < n; i += UNIT) {
        simd::I c[simd::VECTORS];
        stored::load(codes, c);
        for (int v = 0; v < simd::VECTORS; v++) {
            simd::V & sum = sums[v % 2];
            sum = simd::fma(sum, simd::dot4(c[v], q + i + v*simd::CODES), simd::template spread<BLOCK>(factor + (i + v*simd::CODES)/BLOCK));
        }
        codes += stored::SIZE;
    }
    return simd::sum(simd::add(sums[0], sums[1]));
}

template <typename stored>
void row(const lacuna_plane_row & r, const uint8_t * codes, const float * s, const float * m, const lacuna_plane_input * x, int n, float * res) {
    alignas(64) float factor[MAX_BLOCKS];

    const int     n_count = lacuna_scale_count(r.kind, r.n);
    const simd::V add     = simd::set1(r.add);
    for (int t = 0; t < n; t++) {
        // what does not depend on the codes
        simd::V rest = simd::set1(0.0f);
        for (int i = 0; i < n_count; i += W) {
            const simd::V si  = simd::load(s + i);
            const simd::V sum = simd::load(x[t].sum + i);
            rest = simd::fma(rest, sum, simd::mul(si, add));
            if (r.minima) {
                rest = simd::sub(rest, simd::mul(simd::load(m + i), sum));
            }
            simd::store(factor + i, simd::mul(si, r.kind == LACUNA_SCALES_K6 ? simd::spread_pairs(x[t].d + i/2) : simd::load(x[t].d + i)));
        }
        const float product = r.kind == LACUNA_SCALES_K6 ? dot<stored, 16>(codes, x[t].q, factor, r.n) : dot<stored, 32>(codes, x[t].q, factor, r.n);
        res[t] = r.step*product + simd::sum(rest);
    }
}

template <int BITS>
inline void unpack_row(const uint8_t * codes, int n, uint8_t * dst) {
    for (int i = 0; i < n; i += UNIT) {
        simd::I c[simd::VECTORS];
        simd::template unpack<BITS>(codes + i/UNIT*16*BITS, c);
        __builtin_memcpy(dst + i, c, sizeof(c));
    }
}

void row(const lacuna_plane_row & r, const uint8_t * scales, const uint8_t * codes, const lacuna_plane_input * x, int n, float * res) {
    alignas(64) float s[MAX_BLOCKS];
    alignas(64) float m[MAX_BLOCKS];
    row_scales(r.kind, scales, lacuna_scale_count(r.kind, r.n), s, m);

    if (n > 1) { // once for all of them
        alignas(64) uint8_t all[MAX_BLOCKS*16];
        switch (r.bits) {
            case 1:  unpack_row<1>(codes, r.n, all); break;
            case 2:  unpack_row<2>(codes, r.n, all); break;
            case 3:  unpack_row<3>(codes, r.n, all); break;
            default: unpack_row<4>(codes, r.n, all); break;
        }
        row<unpacked>(r, all, s, m, x, n, res);
        return;
    }
    switch (r.bits) {
        case 1:  row<packed<1>>(r, codes, s, m, x, n, res); break;
        case 2:  row<packed<2>>(r, codes, s, m, x, n, res); break;
        case 3:  row<packed<3>>(r, codes, s, m, x, n, res); break;
        default: row<packed<4>>(r, codes, s, m, x, n, res); break;
    }
}

// sums of coefficient*code of a unit, [UNIT]
template <int BITS>
inline void add_columns(const uint8_t * const * columns, const int8_t * coef, int n, size_t at, int16_t * res) {
    simd::I acc[2*simd::VECTORS];
    for (auto & a : acc) {
        a = simd::zero();
    }
    for (int k = 0; k < n; k += 2) {
        const bool two = k + 1 < n;
        simd::I a[simd::VECTORS], b[simd::VECTORS];
        simd::template unpack<BITS>(columns[k] + at, a);
        simd::template unpack<BITS>(columns[two ? k + 1 : k] + at, b);
        const simd::I c = simd::pair(coef[k], two ? coef[k + 1] : 0);
        for (int v = 0; v < simd::VECTORS; v++) {
            simd::add_pair(acc[2*v], acc[2*v + 1], a[v], b[v], c);
        }
    }
    for (int v = 0; v < simd::VECTORS; v++) {
        simd::store_pair(res + v*simd::CODES, acc[2*v], acc[2*v + 1]);
    }
}

inline void add_columns(int bits, const uint8_t * const * columns, const int8_t * coef, int n, size_t unit, int16_t * res) {
    const size_t at = unit*16*bits;
    switch (bits) {
        case 1:  add_columns<1>(columns, coef, n, at, res); break;
        case 2:  add_columns<2>(columns, coef, n, at, res); break;
        case 3:  add_columns<3>(columns, coef, n, at, res); break;
        default: add_columns<4>(columns, coef, n, at, res); break;
    }
}

void group(const lacuna_plane_group & g, float * y) {
    alignas(64) int16_t high[UNIT], low[UNIT];

    const uint8_t  * upper = g.scales + g.n;                     // K4
    const uint16_t * d     = (const uint16_t *) g.super;         // K4, K6
    const uint16_t * dmin  = d + g.n;                            // K4

    const simd::V unit = simd::set1(g.unit);
    const simd::V code = simd::set1(g.code);
    const simd::V sum  = simd::set1(g.sum);
    const simd::V step = simd::set1((float) (1 << g.low));

    for (int r0 = 0; r0 < g.n; r0 += UNIT) {
        for (int k = 0; k < g.n_next; k++) {
            __builtin_prefetch(g.next_columns[k] + r0/UNIT*16*g.high);
        }
        add_columns(g.high, g.high_columns, g.high_coef, g.n_high, r0/UNIT, high);
        if (g.n_low > 0) {
            add_columns(g.low, g.low_columns, g.low_coef, g.n_low, r0/UNIT, low);
        }
        for (int i = 0; i < UNIT; i += W) {
            const int r = r0 + i;
            simd::V t = simd::fma(code, simd::from_i16(high + i), step);
            if (g.n_low > 0) {
                t = simd::add(t, simd::from_i16(low + i));
            }
            simd::V add;
            switch (g.kind) {
                case LACUNA_SCALES_F16:
                    add = simd::mul(simd::from_f16((const uint16_t *) g.scales + r), t);
                    break;
                case LACUNA_SCALES_K4: {
                    simd::V s, m;
                    simd::from_6_bits(g.scales + r, upper + r/2, s, m);
                    add = simd::sub(simd::mul(simd::mul(s, simd::from_f16(d + r)), t), simd::mul(simd::mul(m, simd::from_f16(dmin + r)), sum));
                    break;
                }
                default:
                    add = simd::mul(simd::mul(simd::from_i8((const int8_t *) g.scales + r), simd::from_f16(d + r)), t);
                    break;
            }
            simd::store(y + r, simd::fma(simd::load(y + r), add, unit));
        }
    }
}
