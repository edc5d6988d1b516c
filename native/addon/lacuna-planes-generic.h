// The kernels in terms of `simd`, vectors of floats and of codes. Each instruction set's file includes this, in a namespace of its own
// and compiled for that set: nothing here may be shared between them, so no standard headers either.

#if !defined(INLINE)
#    define INLINE inline __attribute__((always_inline))
#endif
#define NOINLINE __attribute__((noinline)) // once for all types

constexpr int W      = simd::W;
constexpr int TOKENS = 4; // that a row is unpacked for at once

INLINE void prefetch_far (const uint8_t * p) { __builtin_prefetch(p, 0, 2); }
INLINE void prefetch_near(const uint8_t * p) { __builtin_prefetch(p, 0, 3); }

// What is read once a token and layer, from its beginning to its end
INLINE void prefetch_array(const float * p) { prefetch_near((const uint8_t *) p + 2048); }

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
        const auto bits = (uint32_t) (e.bits[i/64] >> i % 64);
        prefetch_array(e.weight     + i);
        prefetch_array(e.up_error   + i);
        prefetch_array(e.down_error + i);
        if (e.gate) {
            prefetch_array(e.gate_error + i);
        }
        simd::store(res + i, simd::select(bits, at(e.gate ? e.gate + i : nullptr, e.up + i, e.weight + i, e.up_error + i, e.gate ? e.gate_error + i : nullptr, e.down_error + i)));
    }
    if (i < n) {
        float rest[7][W] = {};
        const float * from[6] = { e.gate, e.up, e.weight, e.up_error, e.gate_error, e.down_error };
        for (int k = 0; k < 6; k++) {
            if (from[k]) {
                __builtin_memcpy(rest[k], from[k] + i, (n - i)*sizeof(float));
            }
        }
        simd::store(rest[6], simd::select((uint32_t) (e.bits[i/64] >> i % 64), at(rest[0], rest[1], rest[2], rest[3], rest[4], rest[5])));
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

void score(const float * x, const float * weight, float * value, int n) {
    int i = 0;
    for (; i + W <= n; i += W) {
        prefetch_array(weight + i);
        simd::store(value + i, simd::mul(simd::abs(simd::load(x + i)), simd::load(weight + i)));
    }
    for (; i < n; i++) {
        value[i] = __builtin_fabsf(x[i])*weight[i];
    }
}

void reach(const float * value, int n, float threshold, uint64_t * bits) {
    const simd::V limit = simd::set1(threshold);
    for (int i0 = 0; i0 < n; i0 += 64) {
        uint64_t word = 0;
        int i = i0;
        for (; i + W <= n && i < i0 + 64; i += W) {
            word |= (uint64_t) simd::bits_ge(simd::load(value + i), limit) << (i - i0);
        }
        for (; i < n && i < i0 + 64; i++) {
            word |= (uint64_t) (value[i] >= threshold) << (i - i0);
        }
        bits[i0/64] = word;
    }
}

// vectors 2*PAIR and 2*PAIR + 1 of a run
template <int BITS, int PAIR>
INLINE void unpack(const uint8_t * p, int part, simd::I & a, simd::I & b) {
    switch (BITS) {
        case 1: {
            const simd::I x = simd::codes(p);
            a = simd::template field<2*PAIR,     1>(x);
            b = simd::template field<2*PAIR + 1, 1>(x);
            break;
        }
        case 2: {
            const simd::I x = simd::codes(p + PAIR/2*part);
            a = simd::template field<4*(PAIR % 2),     3>(x);
            b = simd::template field<4*(PAIR % 2) + 2, 3>(x);
            break;
        }
        case 3:
            if (PAIR < 3) {
                const simd::I x = simd::codes(p + PAIR*part);
                a = simd::template field<0, 7>(x);
                b = simd::template field<3, 7>(x);
            } else {
                const simd::I last = simd::codes(p + 2*part);
                a = simd::both(simd::template field<6, 3>(simd::codes(p)),        simd::template field<4, 4>(last));
                b = simd::both(simd::template field<6, 3>(simd::codes(p + part)), simd::template field<5, 4>(last));
            }
            break;
        default: {
            const simd::I x = simd::codes(p + PAIR*part);
            a = simd::template field<0, 15>(x);
            b = simd::template field<4, 15>(x);
            break;
        }
    }
}

template <int BITS, int VECTORS>
INLINE void unpack_run(const uint8_t * p, int part, simd::I * c) {
    unpack<BITS, 0>(p, part, c[0], c[1]);
    unpack<BITS, 1>(p, part, c[2], c[3]);
    if (VECTORS == 8) {
        unpack<BITS, 2>(p, part, c[4 % VECTORS], c[5 % VECTORS]);
        unpack<BITS, 3>(p, part, c[6 % VECTORS], c[7 % VECTORS]);
    }
}

// s and m of W blocks of a row, from block i on
template <lacuna_scale_kind KIND>
INLINE void row_scales(const uint8_t * p, int n_count, int i, simd::V & s, simd::V & m) {
    switch (KIND) {
        case LACUNA_SCALES_F16:
            s = simd::from_f16((const uint16_t *) p + i);
            break;
        case LACUNA_SCALES_F16_M:
            s = simd::from_f16((const uint16_t *) p + i);
            m = simd::from_f16((const uint16_t *) p + n_count + i);
            break;
        case LACUNA_SCALES_K4: {
            const uint8_t  * upper = p + n_count;
            const uint16_t * d     = (const uint16_t *) (upper + n_count/2);
            const uint16_t * dmin  = d + n_count/8;
            simd::from_6_bits(p + i, upper + i/2, s, m);
            s = simd::mul(s, simd::spread_f16(d    + i/8, 8));
            m = simd::mul(m, simd::spread_f16(dmin + i/8, 8));
            break;
        }
        case LACUNA_SCALES_K6:
            s = simd::mul(simd::from_i8((const int8_t *) p + i), simd::spread_f16((const uint16_t *) (p + n_count) + i/16, 16));
            break;
    }
}

// Rows ahead that are asked for: into the second cache, from which there are more reads under way at once, and then into the first
constexpr int ROWS_FAR  = 8;
constexpr int ROWS_NEAR = 1;

INLINE void prefetch_both(const uint8_t * far, const uint8_t * near, int n) {
    for (int i = 0; i < n; i += 64) {
        prefetch_far (far  + i);
        prefetch_near(near + i);
    }
}

template <lacuna_scale_kind KIND, int BITS, int N>
void rows(const lacuna_plane_row & r, const int32_t * list, int n_list, const lacuna_plane_input * x, float * res, size_t stride) {
    constexpr int BLOCK   = KIND == LACUNA_SCALES_K6 ? 16 : 32;
    constexpr int VECTORS = BLOCK/4;

    const int  n_block  = r.n/BLOCK;
    const int  n_count  = lacuna_scale_count(KIND, r.n);
    const int  n_scales = (int) lacuna_row_scales_size(KIND, r.n);
    const auto step     = simd::set1(r.step);
    const auto add      = simd::set1(r.add);

    for (int k = 0; k < n_list; k++) {
        const int32_t   i      = list[k];
        const int32_t   far    = list[k + ROWS_FAR  < n_list ? k + ROWS_FAR  : n_list - 1];
        const int32_t   near   = list[k + ROWS_NEAR < n_list ? k + ROWS_NEAR : n_list - 1];
        const uint8_t * scales = r.scales + i*r.scales_stride;
        const uint8_t * codes  = r.codes  + i*r.codes_stride;
        const uint8_t * codes_far  = r.codes + far *r.codes_stride;
        const uint8_t * codes_near = r.codes + near*r.codes_stride;
        prefetch_both(r.scales + far*r.scales_stride, r.scales + near*r.scales_stride, n_scales);

        simd::V sum[N];
        for (int t = 0; t < N; t++) {
            sum[t] = simd::set1(0.0f);
        }
        for (int b = 0, at = 0; b < n_block;) {
            const int lanes = lacuna_run_lanes(n_block - b);
            const int part  = 4*lanes;
            const int size  = lanes*BLOCK/8*BITS;
            prefetch_both(codes_far + at, codes_near + at, size);

            for (int l = 0; l < lanes; l += W) {
                simd::V s, m;
                row_scales<KIND>(scales, n_count, b + l, s, m);
                simd::V factor = simd::mul(s, step);
                simd::V fixed  = simd::mul(s, add);
                if ((KIND == LACUNA_SCALES_K4 || KIND == LACUNA_SCALES_F16_M) && r.minima) {
                    fixed = simd::sub(fixed, m);
                }
                if (lanes < W) { // the rest is of other blocks
                    factor = simd::first(factor, lanes);
                    fixed  = simd::first(fixed,  lanes);
                }
                simd::I c[VECTORS];
                unpack_run<BITS, VECTORS>(codes + at + 4*l, part, c);
                for (int t = 0; t < N; t++) {
                    const int8_t * q = x[t].q + b*BLOCK + 4*l;
                    simd::A products = simd::no_products();
                    for (int v = 0; v < VECTORS; v++) {
                        products = simd::dot4(products, c[v], q + v*part);
                    }
                    sum[t] = simd::fma(sum[t], simd::sums(products), simd::mul(factor, simd::load(x[t].d + b + l)));
                    sum[t] = simd::fma(sum[t], fixed, simd::load(x[t].sum + b + l));
                }
            }
            at += size;
            b  += lanes;
        }
        for (int t = 0; t < N; t++) {
            res[t*stride + i] = simd::sum(sum[t]);
        }
    }
}

template <lacuna_scale_kind KIND, int BITS>
void rows(const lacuna_plane_row & r, const int32_t * list, int n_list, const lacuna_plane_input * x, int n, float * res, size_t stride) {
    for (; n > 0; n -= TOKENS, x += TOKENS, res += TOKENS*stride) {
        switch (n) {
            case 1:  rows<KIND, BITS, 1>(r, list, n_list, x, res, stride); break;
            case 2:  rows<KIND, BITS, 2>(r, list, n_list, x, res, stride); break;
            case 3:  rows<KIND, BITS, 3>(r, list, n_list, x, res, stride); break;
            default: rows<KIND, BITS, 4>(r, list, n_list, x, res, stride); break;
        }
    }
}

void rows(const lacuna_plane_row & r, const int32_t * list, int n_list, const lacuna_plane_input * x, int n, float * res, size_t stride) {
    switch (r.kind) {
        case LACUNA_SCALES_F16:
            switch (r.bits) {
                case 1:  rows<LACUNA_SCALES_F16, 1>(r, list, n_list, x, n, res, stride); break;
                case 2:  rows<LACUNA_SCALES_F16, 2>(r, list, n_list, x, n, res, stride); break;
                case 3:  rows<LACUNA_SCALES_F16, 3>(r, list, n_list, x, n, res, stride); break;
                default: rows<LACUNA_SCALES_F16, 4>(r, list, n_list, x, n, res, stride); break;
            }
            break;
        case LACUNA_SCALES_F16_M:
            switch (r.bits) {
                case 1:  rows<LACUNA_SCALES_F16_M, 1>(r, list, n_list, x, n, res, stride); break;
                case 2:  rows<LACUNA_SCALES_F16_M, 2>(r, list, n_list, x, n, res, stride); break;
                default: rows<LACUNA_SCALES_F16_M, 3>(r, list, n_list, x, n, res, stride); break;
            }
            break;
        case LACUNA_SCALES_K4:
            switch (r.bits) {
                case 1:  rows<LACUNA_SCALES_K4, 1>(r, list, n_list, x, n, res, stride); break;
                case 2:  rows<LACUNA_SCALES_K4, 2>(r, list, n_list, x, n, res, stride); break;
                default: rows<LACUNA_SCALES_K4, 3>(r, list, n_list, x, n, res, stride); break;
            }
            break;
        case LACUNA_SCALES_K6:
            switch (r.bits) {
                case 2:  rows<LACUNA_SCALES_K6, 2>(r, list, n_list, x, n, res, stride); break;
                default: rows<LACUNA_SCALES_K6, 4>(r, list, n_list, x, n, res, stride); break;
            }
            break;
    }
}

constexpr int RUN = 32*LACUNA_RUN_LANES;

// Columns that are added at once, and those ahead that are asked for, as with rows
constexpr int COLUMNS      = LACUNA_PLANE_COLUMNS;
constexpr int COLUMNS_FAR  = 8;
constexpr int COLUMNS_NEAR = COLUMNS;

// Sums of coefficient*code of vectors 2*PAIR and 2*PAIR + 1 of a run, as they are left by simd::add_pair in sums[8*CODES], and in the end in order in res
template <int BITS, int PAIR>
INLINE void add_pair(const uint8_t * const * columns, const int8_t * coef, size_t at, int part, bool first, bool last, int16_t * sums, int16_t * res) {
    simd::I c[COLUMNS][2];
    for (int k = 0; k < COLUMNS; k++) {
        unpack<BITS, PAIR>(columns[k] + at, part, c[k][0], c[k][1]);
    }
    for (int v = 0; v < 2; v++) {
        int16_t * p = sums + (2*PAIR + v)*simd::CODES;
        simd::I lower = first ? simd::zero() : simd::load_i16(p), upper = first ? simd::zero() : simd::load_i16(p + simd::CODES/2);
        for (int k = 0; k < COLUMNS; k += 2) {
            simd::add_pair(lower, upper, simd::zip(c[k][v], c[k + 1][v]), simd::pair(coef + k));
        }
        if (last) { // of a short run what lies beyond is overwritten by the next one
            simd::store_pair(res + (2*PAIR + v)*part, lower, upper);
        } else {
            simd::store_i16(p, lower);
            simd::store_i16(p + simd::CODES/2, upper);
        }
    }
}

// Sums of n columns of `size` codes, in order; work is for what is not in order yet
template <int BITS>
NOINLINE void add_columns(const uint8_t * const * columns, const int8_t * coef, int n, int size, int16_t * work, int16_t * res,
        const uint8_t * next_scales, int n_next_scales) {
    int asked = 0;
    for (int k = 0; k < n; k += COLUMNS) {
        const bool first = k == 0, last = k + COLUMNS >= n;
        for (const int end = last ? n_next_scales : n_next_scales*(k + COLUMNS)/n; asked < end; asked += 64) {
            prefetch_far(next_scales + asked);
        }
        int16_t * sums = work;
        for (int r = 0; r < size;) {
            const int part = 4*lacuna_run_lanes((size - r)/32);
            const size_t at = (size_t) r/8*BITS;
            for (int i = 0; i < COLUMNS; i++) {
                prefetch_both(columns[k + COLUMNS_FAR + i] + at, columns[k + COLUMNS_NEAR + i] + at, part*BITS);
            }
            for (int j = 0; j < part; j += simd::CODES, sums += 8*simd::CODES) {
                add_pair<BITS, 0>(columns + k, coef + k, at + j, part, first, last, sums, res + r + j);
                add_pair<BITS, 1>(columns + k, coef + k, at + j, part, first, last, sums, res + r + j);
                add_pair<BITS, 2>(columns + k, coef + k, at + j, part, first, last, sums, res + r + j);
                add_pair<BITS, 3>(columns + k, coef + k, at + j, part, first, last, sums, res + r + j);
            }
            r += 8*part;
        }
    }
}

// 15*127*columns fit into 16 bits
template <int BITS>
constexpr int most_columns() { return BITS == 4 ? 16 : 32; }

template <lacuna_scale_kind KIND, int HIGH, int LOW>
void groups(const lacuna_plane_groups & gs, float * y) {
    const size_t room = gs.n + 2*RUN; // short runs at the end take whole vectors

    // sums of the upper planes, in two parts where they do not fit into one, and of the lower ones
    int16_t * work   = (int16_t *) gs.work;
    int16_t * high   = work + room, * high_2 = high + room;
    int16_t * low    = high_2 + room, * low_2 = low + room;
    float   * sums   = (float *) (low_2 + room); // [gs.n] K types: of the groups, in units of d
    float   * minima = sums + gs.n;              // [gs.n] K4: of theirs, in units of dmin

    const auto * d    = (const uint16_t *) gs.super;
    const auto * dmin = d + gs.n;
    const auto   step = simd::set1((float) (1 << LOW));

    for (int g = 0; g < gs.n_group; g++) {
        const auto & group = gs.groups[g];
        const bool   first = g == 0, last = g + 1 == gs.n_group;

        // the scales of the next one, and those of the super-block, in pieces
        const uint8_t * next = last ? gs.next_scales : gs.groups[g + 1].scales;
        const int n_scales = next == nullptr ? 0 : KIND == LACUNA_SCALES_F16 ? 2*gs.n : KIND == LACUNA_SCALES_F16_M ? 4*gs.n : KIND == LACUNA_SCALES_K4 ? gs.n*3/2 : gs.n;
        const int n_super  = !lacuna_has_super_blocks(KIND) ? 0 : KIND == LACUNA_SCALES_K4 ? 4*gs.n : 2*gs.n;
        for (int i = n_super*g/gs.n_group; i < n_super*(g + 1)/gs.n_group; i += 64) {
            prefetch_far(gs.super + i);
        }

        constexpr int MOST = most_columns<HIGH>(), MOST_LOW = most_columns<LOW>();
        const bool two = group.n_high > MOST, some = group.n_low > 0, two_low = group.n_low > MOST_LOW;
        add_columns<HIGH>(group.high, group.high_coef, two ? MOST : group.n_high, gs.n, work, high, next, n_scales);
        if (two) {
            add_columns<HIGH>(group.high + MOST, group.high_coef + MOST, group.n_high - MOST, gs.n, work, high_2, nullptr, 0);
        }
        if (some) {
            add_columns<LOW>(group.low, group.low_coef, two_low ? MOST_LOW : group.n_low, gs.n, work, low, nullptr, 0);
        }
        if (two_low) {
            add_columns<LOW>(group.low + MOST_LOW, group.low_coef + MOST_LOW, group.n_low - MOST_LOW, gs.n, work, low_2, nullptr, 0);
        }

        const simd::V unit = simd::set1(group.unit);
        const simd::V code = simd::set1(group.code);
        const simd::V sum  = simd::set1(group.unit*group.sum);
        for (int r0 = 0; r0 < gs.n; r0 += LACUNA_PLANE_UNIT) {
            alignas(64) uint8_t s6[LACUNA_PLANE_UNIT], m6[LACUNA_PLANE_UNIT];
            if (KIND == LACUNA_SCALES_K4) {
                for (int i = 0; i < LACUNA_PLANE_UNIT; i += simd::CODES) {
                    simd::six_bits(group.scales + r0 + i, group.scales + gs.n + (r0 + i)/2, s6 + i, m6 + i);
                }
            }
            for (int i = 0; i < LACUNA_PLANE_UNIT; i += W) {
                const int r = r0 + i;
                simd::V v = simd::from_i16(high + r);
                if (two) {
                    v = simd::add(v, simd::from_i16(high_2 + r));
                }
                v = simd::fma(code, v, step);
                if (some) {
                    v = simd::add(v, simd::from_i16(low + r));
                }
                if (two_low) {
                    v = simd::add(v, simd::from_i16(low_2 + r));
                }
                v = simd::mul(v, unit);
                if (!lacuna_has_super_blocks(KIND)) {
                    v = simd::fma(simd::load(y + r), simd::from_f16((const uint16_t *) group.scales + r), v);
                    if (KIND == LACUNA_SCALES_F16_M) {
                        v = simd::sub(v, simd::mul(simd::from_f16((const uint16_t *) group.scales + gs.n + r), sum));
                    }
                    simd::store(y + r, v);
                    continue;
                }
                v = simd::mul(v, KIND == LACUNA_SCALES_K4 ? simd::from_u8(s6 + i) : simd::from_i8((const int8_t *) group.scales + r));
                v = first ? v : simd::add(simd::load(sums + r), v);

                simd::V m = v;
                if (KIND == LACUNA_SCALES_K4) {
                    m = simd::mul(simd::from_u8(m6 + i), sum);
                    m = first ? m : simd::add(simd::load(minima + r), m);
                }
                if (last) {
                    v = simd::fma(simd::load(y + r), v, simd::from_f16(d + r));
                    if (KIND == LACUNA_SCALES_K4) {
                        v = simd::sub(v, simd::mul(m, simd::from_f16(dmin + r)));
                    }
                    simd::store(y + r, v);
                } else {
                    simd::store(sums + r, v);
                    if (KIND == LACUNA_SCALES_K4) {
                        simd::store(minima + r, m);
                    }
                }
            }
        }
    }
}

void groups(const lacuna_plane_groups & gs, float * y) {
    switch (gs.kind) {
        case LACUNA_SCALES_F16:
            switch (gs.low) {
                case 1:  groups<LACUNA_SCALES_F16, 3, 1>(gs, y); break;
                case 2:  groups<LACUNA_SCALES_F16, 3, 2>(gs, y); break;
                default: groups<LACUNA_SCALES_F16, 4, 4>(gs, y); break;
            }
            break;
        case LACUNA_SCALES_F16_M:
            switch (gs.low) {
                case 1:  groups<LACUNA_SCALES_F16_M, 3, 1>(gs, y); break;
                default: groups<LACUNA_SCALES_F16_M, 3, 2>(gs, y); break;
            }
            break;
        case LACUNA_SCALES_K4:
            switch (gs.low) {
                case 1:  groups<LACUNA_SCALES_K4, 3, 1>(gs, y); break;
                default: groups<LACUNA_SCALES_K4, 3, 2>(gs, y); break;
            }
            break;
        case LACUNA_SCALES_K6:
            groups<LACUNA_SCALES_K6, 4, 2>(gs, y);
            break;
    }
}
