#include "lacuna-planes.h"

#include "lacuna-family.h"
#include "lacuna-parallel.h"
#include "lacuna-weights.h"

#include "llama-model.h"

#include <atomic>
#include <cmath>
#include <cstring>
#include <stdexcept>

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

// rows

// of a run
static int vectors_of(lacuna_scale_kind kind) { return lacuna_scale_block(kind)/4; }

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
        lacuna_plane_codes c(type, n_embd);
        std::vector<uint8_t> ordered(c.code.size());
        for (int64_t i = n_ff*ith/n_threads; i < n_ff*(ith + 1)/n_threads; i++) {
            c.read(w->type, (const uint8_t *) w->data + (rows.first + i)*w->nb[1]);

            uint8_t * p = base.get() + i*base_size;
            switch (type.kind) {
                case LACUNA_SCALES_F16:
                    memcpy(p, c.d.data(), c.d.size()*sizeof(ggml_fp16_t));
                    break;
                case LACUNA_SCALES_F16_M:
                    memcpy(p,             c.d.data(),    c.d.size()   *sizeof(ggml_fp16_t));
                    memcpy(p + 2*n_count, c.dmin.data(), c.dmin.size()*sizeof(ggml_fp16_t));
                    break;
                case LACUNA_SCALES_K4:
                    for (size_t b = 0; b < c.s.size(); b++) {
                        lacuna_write_6_bits(c.s[b], c.m[b], b, p, p + n_count);
                    }
                    memcpy(p + n_count + n_count/2,               c.d.data(),    c.d.size()   *sizeof(ggml_fp16_t));
                    memcpy(p + n_count + n_count/2 + n_count/8*2, c.dmin.data(), c.dmin.size()*sizeof(ggml_fp16_t));
                    break;
                case LACUNA_SCALES_K6:
                    memcpy(p, c.s.data(), c.s.size());
                    memcpy(p + n_count, c.d.data(), c.d.size()*sizeof(ggml_fp16_t));
                    break;
            }
            lacuna_to_runs(c.code.data(), c.code.size(), lacuna_scale_block(type.kind), ordered.data());
            lacuna_write_plane(ordered.data(), ordered.size(), vectors_of(type.kind), type.low, type.high, p + scales_size);
            lacuna_write_plane(ordered.data(), ordered.size(), vectors_of(type.kind), 0,        type.low,  rest.get() + i*rest_size);

            double sum = 0.0;
            for (int64_t j = 0; j < n_embd; j++) {
                sum += lacuna_plane_squares(type, c, j).first;
            }
            error[i] = (float) std::sqrt(sum);
        }
    });
}

static float half_at(const uint8_t * p, size_t i) {
    ggml_fp16_t h;
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
        const int     code = lacuna_read_plane(high(i), at, n, vectors_of(type.kind), type.high) << type.low | lacuna_read_plane(low(i), at, n, vectors_of(type.kind), type.low);
        const size_t  b    = j/block;
        switch (type.kind) {
            case LACUNA_SCALES_F16:   dst[j] = lacuna_plane_value(type, code, half_at(p, b), 0, 0.0f, 0); break;
            case LACUNA_SCALES_F16_M: dst[j] = lacuna_plane_value(type, code, half_at(p, b), 0, half_at(p, n_count + b), 0); break;
            case LACUNA_SCALES_K6:    dst[j] = lacuna_plane_value(type, code, half_at(p + n_count, j/LACUNA_SUPER_BLOCK), (int8_t) p[b], 0.0f, 0); break;
            case LACUNA_SCALES_K4: {
                const uint8_t * d = p + n_count + n_count/2;
                dst[j] = lacuna_plane_value(type, code, half_at(d, j/LACUNA_SUPER_BLOCK), lacuna_six_bits_s(p, p + n_count, b),
                        half_at(d + n_count/8*2, j/LACUNA_SUPER_BLOCK), lacuna_six_bits_m(p, p + n_count, b));
                break;
            }
        }
    }
}

// columns

static constexpr int COLUMN_VECTORS = 8; // of a run

static size_t padded(int64_t n) { return GGML_PAD((size_t) n, LACUNA_PLANE_UNIT); }

static size_t group_scales_size(const lacuna_plane_type & type, int64_t n) {
    switch (type.kind) {
        case LACUNA_SCALES_F16:   return 2*padded(n);
        case LACUNA_SCALES_F16_M: return 4*padded(n);
        case LACUNA_SCALES_K4:    return padded(n)*3/2;
        default:                  return padded(n);
    }
}

static size_t super_scales_size(const lacuna_plane_type & type, int64_t n) {
    return !lacuna_has_super_blocks(type.kind) ? 0 : type.minima ? 4*padded(n) : 2*padded(n);
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
        std::vector<lacuna_plane_codes> rows(4*COLUMN_VECTORS*LACUNA_RUN_LANES, lacuna_plane_codes(type, n_ff));
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
                    const auto [rest, all] = lacuna_plane_squares(type, c, i);
                    rest_squares[ith][i] += rest;
                    squares     [ith][i] += all;
                }
                for (int64_t g = 0; g < n_group; g++) {
                    uint8_t * p = shared.get() + g*group_scales;
                    switch (type.kind) {
                        case LACUNA_SCALES_F16: memcpy(p + 2*r, &c.d[g], sizeof(ggml_fp16_t)); break;
                        case LACUNA_SCALES_F16_M:
                            memcpy(p + 2*r,              &c.d[g],    sizeof(ggml_fp16_t));
                            memcpy(p + 2*(n_padded + r), &c.dmin[g], sizeof(ggml_fp16_t));
                            break;
                        case LACUNA_SCALES_K6: p[r] = c.s[g]; break;
                        case LACUNA_SCALES_K4: lacuna_write_6_bits(c.s[g], c.m[g], r, p, p + n_padded); break;
                    }
                }
                for (size_t b = 0; lacuna_has_super_blocks(type.kind) && b < c.d.size(); b++) {
                    uint8_t * p = shared.get() + n_group*group_scales + b*super_size;
                    memcpy(p + 2*r, &c.d[b], sizeof(ggml_fp16_t));
                    if (type.minima) {
                        memcpy(p + 2*(n_padded + r), &c.dmin[b], sizeof(ggml_fp16_t));
                    }
                }
            }
            for (int64_t i = 0; i < n_ff; i++) {
                for (int64_t k = 0; k < n; k++) {
                    column[k] = rows[k].code[i];
                }
                std::fill(column.begin() + n, column.begin() + all, 0);
                lacuna_write_plane(column.data(), all, COLUMN_VECTORS, type.low, type.high, base.get() + i*base_size + r0/8*type.high);
                lacuna_write_plane(column.data(), all, COLUMN_VECTORS, 0,        type.low,  rest.get() + i*rest_size + r0/8*type.low);
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
        const int code = lacuna_read_plane(high(i), r, n_padded, COLUMN_VECTORS, type.high) << type.low | lacuna_read_plane(low(i), r, n_padded, COLUMN_VECTORS, type.low);
        switch (type.kind) {
            case LACUNA_SCALES_F16:   dst[r] = lacuna_plane_value(type, code, half_at(p, r), 0, 0.0f, 0); break;
            case LACUNA_SCALES_F16_M: dst[r] = lacuna_plane_value(type, code, half_at(p, r), 0, half_at(p, n_padded + r), 0); break;
            case LACUNA_SCALES_K6:    dst[r] = lacuna_plane_value(type, code, half_at(d, r), (int8_t) p[r], 0.0f, 0); break;
            case LACUNA_SCALES_K4:
                dst[r] = lacuna_plane_value(type, code, half_at(d, r), lacuna_six_bits_s(p, p + n_padded, r), half_at(d, n_padded + r), lacuna_six_bits_m(p, p + n_padded, r));
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
