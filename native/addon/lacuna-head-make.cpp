#include "lacuna-head-make.h"

#include "lacuna-eigen.h"

#include "llama-model.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <random>
#include <stdexcept>

// Tokens come in the order in which they were found worth having: the first ones are what is mostly chosen from
static constexpr int64_t FREQUENT_ROWS   = 32768;
static constexpr int64_t FREQUENT_STRIDE = 2;
static constexpr int64_t OTHER_STRIDE    = 8;
static constexpr double  OTHER_WEIGHT    = 0.15;

static constexpr double  RIDGE       = 0.02; // of the mean of C's diagonal: some hundred inputs do not show every direction
static constexpr int     ITERATIONS  = 6;
static constexpr int     MORE        = 32;   // vectors than dimensions: the last ones converge slowly
static constexpr int64_t SAMPLE_ROWS = 512;  // a step
static constexpr int64_t WRITE_ROWS  = 1024; // a step

// The best distance of 2^bits uniform levels for normally distributed values
static float level_distance(int bits) {
    return bits == 2 ? 0.9957f : 0.3352f;
}

static lacuna_head_header header_for(const ggml_tensor * head, const std::string & identity) {
    lacuna_head_header res = {};
    memcpy(res.identity, identity.data(), std::min(identity.size(), sizeof(res.identity)));
    res.n_embd  = (uint32_t) head->ne[0];
    res.n_vocab = (uint32_t) head->ne[1];

    // what keeps all of the first choices of code: see docs/kernels.md
    const uint32_t groups = res.n_embd/LACUNA_HEAD_GROUP;
    res.n_group[0] = std::min(groups, 2u);
    res.bits[0]    = 4;
    res.n_group[1] = std::min(groups - res.n_group[0], 10u);
    res.bits[1]    = 2;
    return res;
}

lacuna_head_maker::lacuna_head_maker(std::shared_ptr<lacuna_weights> w, lacuna_head_make_params p) :
        weights(std::move(w)), params(std::move(p)), head(weights->host(weights->model.output)), runner(weights->model, params.n_threads),
        header(header_for(head, params.identity)), n_embd((int) head->ne[0]), n_vocab((int) head->ne[1]),
        n_dim(header.shape().n_dim()), n_vector(std::min(n_embd, n_dim + MORE)) {
    const size_t n = params.inputs.size()/n_embd;
    if (n == 0 || n*n_embd != params.inputs.size()) {
        throw std::invalid_argument("there are no inputs of the output head");
    }
    input.swap(params.inputs);
    const float scale = 1.0f/std::sqrt((float) n);
    double trace = 0.0;
    for (float & v : input) {
        v *= scale;
        trace += (double) v*v;
    }
    if (!std::isfinite(trace) || trace <= 0.0) {
        throw std::invalid_argument("the inputs of the output head are not numbers");
    }
    ridge = (float) (RIDGE*trace/n_embd);

    input_t.resize(input.size());
    for (size_t i = 0; i < n; i++) {
        for (int j = 0; j < n_embd; j++) {
            input_t[j*n + i] = input[i*n_embd + j];
        }
    }
    gram.assign((size_t) n_embd*n_embd, 0.0f);
    sum.assign(n_embd, 0.0);
}

lacuna_head_maker::~lacuna_head_maker() {
    if (file) {
        std::fclose(file);
        std::remove(params.path.c_str());
    }
}

double lacuna_head_maker::step() {
    switch (current) {
        case SAMPLE:         sample_rows();    break;
        case START:          finish_sample();  break;
        case MULTIPLY:       multiply();       break;
        case ORTHONORMALISE: orthonormalise(); break;
        case ROTATE:         rotate();         break;
        case ROWS:           write_rows();     break;
        case DONE:                             break;
    }
    switch (current) {
        case SAMPLE: return 0.3*next/n_vocab;
        case ROWS:   return 0.4 + 0.59*next/n_vocab;
        case DONE:   return 1.0;
        default:     return 0.3 + 0.1*iteration/(ITERATIONS + 1);
    }
}

void lacuna_head_maker::read_row(int64_t row, float * values) const {
    lacuna_row_to_float(head, row, 0, n_embd, values);
    float all = 0.0f;
    for (int i = 0; i < n_embd; i++) {
        all += values[i];
    }
    if (!std::isfinite(all)) {
        throw std::runtime_error("the output head has rows that are not numbers");
    }
}

std::vector<float> lacuna_head_maker::products(const std::vector<float> & a, const std::vector<float> & b, int64_t k) {
    lacuna_values values;
    runner.run([&](lacuna_runner::io & io) {
        ggml_tensor * left  = io.input(GGML_TYPE_F32, { k, (int64_t) a.size()/k }, a.data());
        ggml_tensor * right = io.input(GGML_TYPE_F32, { k, (int64_t) b.size()/k }, b.data());
        io.output(ggml_mul_mat(io.ctx, left, right), values);
    });
    return std::vector<float>(values.data(), values.data() + values.size());
}

std::vector<float> lacuna_head_maker::covariance(const std::vector<float> & rows) {
    const auto projected = products(input, rows, n_embd);
    auto res = products(input_t, projected, (int64_t) input.size()/n_embd);
    for (size_t i = 0; i < res.size(); i++) {
        res[i] += ridge*rows[i];
    }
    return res;
}

void lacuna_head_maker::sample_rows() {
    std::vector<float> row(n_embd);
    std::vector<float> block((size_t) n_embd*SAMPLE_ROWS, 0.0f);

    for (int64_t i = 0; i < SAMPLE_ROWS && next < n_vocab; i++) {
        const bool   frequent = next < FREQUENT_ROWS;
        const double w        = frequent ? 1.0 : OTHER_WEIGHT;
        read_row(next, row.data());
        const float root = (float) std::sqrt(w);
        for (int j = 0; j < n_embd; j++) {
            block[j*SAMPLE_ROWS + i] = root*row[j];
            sum[j] += w*row[j];
        }
        weight += w;
        next   += frequent ? FREQUENT_STRIDE : OTHER_STRIDE;
    }
    const auto part = products(block, block, SAMPLE_ROWS);
    for (size_t i = 0; i < gram.size(); i++) {
        gram[i] += part[i];
    }
    if (next >= n_vocab) {
        current = START;
    }
}

void lacuna_head_maker::finish_sample() {
    mean.resize(n_embd);
    for (int i = 0; i < n_embd; i++) {
        mean[i] = (float) (sum[i]/weight);
    }
    for (int i = 0; i < n_embd; i++) {
        for (int j = 0; j < n_embd; j++) {
            gram[(size_t) i*n_embd + j] -= (float) (sum[i]*sum[j]/weight);
        }
    }
    std::mt19937 random(1);
    q.resize((size_t) n_vector*n_embd);
    for (float & v : q) {
        v = (float) (random()/2147483648.0 - 1.0);
    }
    cq = covariance(q);
    pass    = 0;
    current = ORTHONORMALISE;
}

void lacuna_head_maker::multiply() {
    q  = products(gram, cq, n_embd);
    cq = covariance(q);
    pass    = 0;
    current = ORTHONORMALISE;
}

// Cholesky's factor of Q^T C Q; twice, because once is not exact when the vectors are nearly parallel
void lacuna_head_maker::orthonormalise() {
    const int m = n_vector;
    const auto dots = products(q, cq, n_embd);

    std::vector<double> size(m);
    for (int i = 0; i < m; i++) {
        size[i] = std::sqrt(std::max(1e-30, (double) dots[(size_t) i*m + i]));
    }
    std::vector<double> l((size_t) m*m, 0.0);
    for (int i = 0; i < m; i++) {
        for (int j = 0; j <= i; j++) {
            double v = dots[(size_t) i*m + j]/(size[i]*size[j]) + (i == j ? 1e-6 : 0.0);
            for (int k = 0; k < j; k++) {
                v -= l[(size_t) i*m + k]*l[(size_t) j*m + k];
            }
            l[(size_t) i*m + j] = i == j ? std::sqrt(std::max(v, 1e-6)) : v/l[(size_t) j*m + j];
        }
    }
    for (auto * rows : { &q, &cq }) {
        for (int i = 0; i < m; i++) {
            float * row = rows->data() + (size_t) i*n_embd;
            const float scale = (float) (1.0/size[i]);
            for (int k = 0; k < n_embd; k++) {
                row[k] *= scale;
            }
            for (int j = 0; j < i; j++) {
                const float   f     = (float) l[(size_t) i*m + j];
                const float * other = rows->data() + (size_t) j*n_embd;
                for (int k = 0; k < n_embd; k++) {
                    row[k] -= f*other[k];
                }
            }
            const float last = (float) (1.0/l[(size_t) i*m + i]);
            for (int k = 0; k < n_embd; k++) {
                row[k] *= last;
            }
        }
    }
    if (++pass == 2) {
        current = iteration++ < ITERATIONS ? MULTIPLY : ROTATE;
    }
}

// Within the space that was found, the eigenvectors themselves
void lacuna_head_maker::rotate() {
    const int m = n_vector;
    const auto dots = products(cq, products(gram, cq, n_embd), n_embd);

    std::vector<double> values, vectors;
    lacuna_eigen(m, std::vector<double>(dots.begin(), dots.end()), values, vectors);

    std::vector<float> rotation((size_t) (n_dim + 1)*n_embd, 0.0f);
    projection.assign((size_t) n_dim*n_embd, 0.0f);
    shift.assign(n_dim, 0.0f);

    for (int i = 0; i < n_dim; i++) {
        float * to_query = rotation.data()   + (size_t) i*n_embd;
        float * to_row   = projection.data() + (size_t) i*n_embd;
        // of the rows in this dimension; it goes to the input, so that all dimensions of a row have one scale
        const double deviation = std::sqrt(std::max(values[i]/weight, 1e-12*std::max(values[0]/weight, 1e-30)));
        for (int j = 0; j < m; j++) {
            const double   v      = vectors[(size_t) i*m + j];
            const float    f      = (float) (v*deviation), g = (float) (v/deviation);
            const float *  from   = q.data()  + (size_t) j*n_embd;
            const float *  from_c = cq.data() + (size_t) j*n_embd;
            for (int k = 0; k < n_embd; k++) {
                to_query[k] += f*from[k];
                to_row[k]   += g*from_c[k];
            }
        }
        for (int k = 0; k < n_embd; k++) {
            shift[i] += mean[k]*to_row[k];
        }
    }
    std::copy(mean.begin(), mean.end(), rotation.begin() + (size_t) n_dim*n_embd);

    file = std::fopen(params.path.c_str(), "wb");
    if (!file) {
        throw std::runtime_error(std::string("the copy of the output head cannot be written: ") + strerror(errno));
    }
    const std::vector<uint8_t> zeros(lacuna_head_header::ALIGNMENT + header.rotation_at());
    header.seal();
    write(zeros.data(), header.rotation_at());

    rotation.resize((header.blocks_at() - header.rotation_at())/sizeof(float)); // padded
    checksum.add(rotation.data(), rotation.size()*sizeof(float));
    write(rotation.data(), rotation.size()*sizeof(float));

    for (auto * v : { &gram, &q, &cq, &input, &input_t }) {
        std::vector<float>().swap(*v);
    }
    next    = 0;
    current = ROWS;
}

void lacuna_head_maker::write(const void * data, size_t size) {
    if (std::fwrite(data, 1, size, file) != size) {
        throw std::runtime_error(std::string("the copy of the output head cannot be written: ") + strerror(errno));
    }
}

// Codes and scale of the row in lane `lane` of a block
static void store_segment(const lacuna_head_segment & s, const float * x, int lane, uint8_t * codes, uint16_t * scale) {
    const int n = s.n_dim();
    if (n == 0) {
        *scale = 0;
        return;
    }
    double square = 0.0;
    for (int i = 0; i < n; i++) {
        square += (double) x[i]*x[i];
    }
    const float unit   = (float) std::sqrt(square/n)*level_distance(s.bits);
    const int   half   = 1 << (s.bits - 1);
    const float middle = half - 0.5f;

    double xc = 0.0, cc = 0.0;
    for (int i = 0; i < n; i++) {
        const int code = unit > 0.0f ? std::min(2*half - 1, std::max(0, (int) std::floor(x[i]/unit) + half)) : half;
        const float c = code - middle;
        xc += (double) x[i]*c;
        cc += (double) c*c;

        const int per_piece = 8/s.bits; // dimensions in fours
        const int four  = i%LACUNA_HEAD_GROUP/4;
        const int piece = i/LACUNA_HEAD_GROUP*s.bits + four/per_piece;
        codes[64*piece + 4*lane + i%4] |= code << (s.bits*(four%per_piece));
    }
    *scale = ggml_fp32_to_fp16((float) (xc/cc));
}

void lacuna_head_maker::write_rows() {
    const int64_t n_row = std::min<int64_t>(WRITE_ROWS, n_vocab - next);
    const auto    shape = header.shape();

    std::vector<float> rows((size_t) n_row*n_embd);
    for (int64_t i = 0; i < n_row; i++) {
        read_row(next + i, rows.data() + i*n_embd);
    }
    auto values = products(projection, rows, n_embd);

    const size_t scales_at = shape.segments[0].code_bytes() + shape.segments[1].code_bytes();
    std::vector<uint8_t> blocks((n_row + LACUNA_HEAD_ROWS - 1)/LACUNA_HEAD_ROWS*shape.block_bytes(), 0);

    for (int64_t i = 0; i < n_row; i++) {
        float *   x     = values.data() + i*n_dim;
        uint8_t * block = blocks.data() + i/LACUNA_HEAD_ROWS*shape.block_bytes();
        const int lane  = (int) (i%LACUNA_HEAD_ROWS);
        for (int j = 0; j < n_dim; j++) {
            x[j] -= shift[j];
        }
        auto * scales = (uint16_t *) (block + scales_at);
        store_segment(shape.segments[0], x,                             lane, block,                                  scales + lane);
        store_segment(shape.segments[1], x + shape.segments[0].n_dim(), lane, block + shape.segments[0].code_bytes(), scales + LACUNA_HEAD_ROWS + lane);
    }
    checksum.add(blocks.data(), blocks.size());
    write(blocks.data(), blocks.size());

    next += n_row;
    if (next == n_vocab) {
        finish_file();
    }
}

void lacuna_head_maker::finish_file() {
    header.checksum = checksum.value();
    header.seal();
    if (std::fseek(file, 0, SEEK_SET) != 0) {
        throw std::runtime_error(std::string("the copy of the output head cannot be written: ") + strerror(errno));
    }
    write(&header, sizeof(header));

    std::FILE * whole = file;
    file = nullptr;
    if (std::fclose(whole) != 0) {
        const int reason = errno;
        std::remove(params.path.c_str());
        throw std::runtime_error(std::string("the copy of the output head cannot be written: ") + strerror(reason));
    }
    current = DONE;
}
