#include "lacuna-eigen.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

static constexpr int MAX_ITERATIONS = 50; // for one value; a few are usual

// The rows of `v` begin as those of the matrix and become those of the orthogonal Q with a = Q T Q^T, T having the diagonal d and, below it,
// e[1..n): EISPACK's tred2, with rows and columns swapped so that inner loops run along memory
static void tridiagonalise(int n, std::vector<double> & v, std::vector<double> & d, std::vector<double> & e) {
    const auto at = [&](int i, int j) -> double & { return v[(size_t) i*n + j]; };

    for (int i = n - 1; i > 0; i--) {
        double h = 0.0, scale = 0.0;
        for (int k = 0; k < i; k++) {
            scale += std::fabs(at(i, k));
        }
        if (i == 1 || scale == 0.0) {
            e[i] = at(i, i - 1);
            d[i] = 0.0;
            continue;
        }
        for (int k = 0; k < i; k++) {
            at(i, k) /= scale;
            h += at(i, k)*at(i, k);
        }
        const double f = at(i, i - 1);
        const double g = f > 0.0 ? -std::sqrt(h) : std::sqrt(h);
        e[i] = scale*g;
        h -= f*g;
        at(i, i - 1) = f - g;

        // e[0..i) = A u, of which the lower triangle is there
        std::fill(e.begin(), e.begin() + i, 0.0);
        for (int j = 0; j < i; j++) {
            const double u = at(i, j);
            double sum = at(j, j)*u;
            for (int k = 0; k < j; k++) {
                sum  += at(j, k)*at(i, k);
                e[k] += at(j, k)*u;
            }
            e[j] += sum;
        }
        double uau = 0.0;
        for (int j = 0; j < i; j++) {
            e[j] /= h;
            uau  += e[j]*at(i, j);
        }
        for (int j = 0; j < i; j++) {
            e[j] -= uau/(2.0*h)*at(i, j);
        }
        for (int j = 0; j < i; j++) {
            const double u = at(i, j), w = e[j];
            for (int k = 0; k <= j; k++) {
                at(j, k) -= u*e[k] + w*at(i, k);
            }
        }
        d[i] = h;
    }

    // the product of the reflections, whose vectors are in the rows, from the smallest
    std::vector<double> product(n);
    d[0] = at(0, 0);
    at(0, 0) = 1.0;
    for (int i = 1; i < n; i++) {
        if (d[i] != 0.0) {
            // Q [0..i)x[0..i) -= (Q^T u) u^T/h, along the rows
            std::fill(product.begin(), product.begin() + i, 0.0);
            for (int k = 0; k < i; k++) {
                for (int j = 0; j < i; j++) {
                    product[j] += at(i, k)*at(k, j);
                }
            }
            for (int k = 0; k < i; k++) {
                const double u = at(i, k)/d[i];
                for (int j = 0; j < i; j++) {
                    at(k, j) -= u*product[j];
                }
            }
        }
        d[i] = at(i, i);
        at(i, i) = 1.0;
        for (int j = 0; j < i; j++) {
            at(i, j) = at(j, i) = 0.0;
        }
    }
}

// The eigenvalues replace d; row i of v, which begins as the transposed Q, becomes the vector of d[i]: EISPACK's tql2
static void diagonalise(int n, std::vector<double> & v, std::vector<double> & d, std::vector<double> & e) {
    std::rotate(e.begin(), e.begin() + 1, e.end());
    e[n - 1] = 0.0;

    for (int l = 0; l < n; l++) {
        for (int iteration = 0;; iteration++) {
            int m = l;
            for (; m < n - 1; m++) {
                const double size = std::fabs(d[m]) + std::fabs(d[m + 1]);
                if (std::fabs(e[m]) <= 1e-15*size || e[m] == 0.0) {
                    break;
                }
            }
            if (m == l) {
                break;
            }
            if (iteration == MAX_ITERATIONS) {
                throw std::runtime_error("the eigenvalues of a matrix do not converge");
            }
            double g = (d[l + 1] - d[l])/(2.0*e[l]);
            double r = std::hypot(g, 1.0);
            g = d[m] - d[l] + e[l]/(g + std::copysign(r, g));

            double s = 1.0, c = 1.0, p = 0.0;
            int i = m - 1;
            for (; i >= l; i--) {
                const double f = s*e[i], b = c*e[i];
                r = std::hypot(f, g);
                e[i + 1] = r;
                if (r == 0.0) {
                    d[i + 1] -= p;
                    e[m] = 0.0;
                    break;
                }
                s = f/r;
                c = g/r;
                g = d[i + 1] - p;
                r = (d[i] - g)*s + 2.0*c*b;
                p = s*r;
                d[i + 1] = g + p;
                g = c*r - b;

                double * low  = v.data() + (size_t) i*n;
                double * high = low + n;
                for (int k = 0; k < n; k++) {
                    const double x = high[k], y = low[k];
                    high[k] = s*y + c*x;
                    low [k] = c*y - s*x;
                }
            }
            if (r == 0.0 && i >= l) {
                continue;
            }
            d[l] -= p;
            e[l]  = g;
            e[m]  = 0.0;
        }
    }
}

void lacuna_eigen(int n, std::vector<double> a, std::vector<double> & values, std::vector<double> & vectors) {
    if (n == 0) {
        values.clear();
        vectors.clear();
        return;
    }
    std::vector<double> d(n), e(n);
    tridiagonalise(n, a, d, e);

    std::vector<double> v((size_t) n*n);
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++) {
            v[(size_t) j*n + i] = a[(size_t) i*n + j];
        }
    }
    diagonalise(n, v, d, e);

    std::vector<int> order(n);
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(), [&d](int i, int j) { return d[i] > d[j]; });

    values.resize(n);
    vectors.resize((size_t) n*n);
    for (int i = 0; i < n; i++) {
        values[i] = d[order[i]];
        std::copy_n(v.begin() + (size_t) order[i]*n, n, vectors.begin() + (size_t) i*n);
    }
}
