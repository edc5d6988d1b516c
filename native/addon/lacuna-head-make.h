#pragma once

#include "lacuna-graph.h"
#include "lacuna-head-copy.h"
#include "lacuna-weights.h"

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

struct lacuna_head_make_params {
    std::vector<float> inputs;   // of the head on text like that of later, [n, n_embd]
    std::string        path;     // of the file to write
    std::string        identity; // of the model

    int n_threads = 1;
};

// Makes the copy of a head (lacuna-head-copy.h), in steps of some ten milliseconds.
//
// With W the rows of the head, mu their mean and C = E[h h^T] of its input h, the scores that matter are those of (W - mu) C^1/2. Their best
// approximation of k dimensions is (W - mu) C Q times Q^T h, Q [n_embd, k] being the first eigenvectors of A C with A = (W - mu)^T (W - mu),
// for which Q^T C Q = 1. A is estimated from some of the rows, Q found by subspace iteration. Then the rows are read once, and each is stored
// as uniform codes with one scale for each segment of dimensions.
class lacuna_head_maker {
public:
    // throws std::invalid_argument
    lacuna_head_maker(std::shared_ptr<lacuna_weights> weights, lacuna_head_make_params params);

    // Removes the file if it is not whole
    ~lacuna_head_maker();

    // Returns what is done of the whole, 1 at the end. Throws std::runtime_error: the rows are not numbers, or the file cannot be written
    double step();

private:
    enum phase { SAMPLE, START, MULTIPLY, ORTHONORMALISE, ROTATE, ROWS, DONE };

    void sample_rows();
    void finish_sample();
    void multiply();
    void orthonormalise();
    void rotate();
    void write_rows();
    void finish_file();

    // [m, n], first along memory: products of the rows of a [m][k] with those of b [n][k]
    std::vector<float> products(const std::vector<float> & a, const std::vector<float> & b, int64_t k);

    // rows of q times C
    std::vector<float> covariance(const std::vector<float> & q);

    void read_row(int64_t row, float * values) const;
    void write(const void * data, size_t size);

    std::shared_ptr<lacuna_weights> weights;
    lacuna_head_make_params         params;
    const ggml_tensor *             head;
    lacuna_runner                   runner;

    lacuna_head_header header = {};
    const int n_embd;
    const int n_vocab;
    int n_dim;    // of the copy
    int n_vector; // of the iteration: some more

    phase   current   = SAMPLE;
    int64_t next      = 0; // row
    int     iteration = 0;
    int     pass      = 0; // of the orthonormalisation

    std::vector<float>  input;       // [n, n_embd]/sqrt(n): C is input^T input + ridge
    std::vector<float>  input_t;     // its transpose
    float               ridge = 0.0f;

    std::vector<float>  gram;        // A, [n_embd, n_embd]
    std::vector<double> sum;         // of the sampled rows, [n_embd]
    double              weight = 0.0;
    std::vector<float>  mean;        // mu

    std::vector<float>  q;           // [n_vector][n_embd]
    std::vector<float>  cq;          // C q
    std::vector<float>  projection;  // [n_dim][n_embd]: rows of the head times these are what is stored
    std::vector<float>  shift;       // [n_dim]: mu times these

    std::FILE *          file = nullptr;
    lacuna_head_checksum checksum;
};
