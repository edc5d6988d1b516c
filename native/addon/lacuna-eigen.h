#pragma once

#include <vector>

// Eigenvalues and eigenvectors of a symmetric matrix a [n, n], of which the lower triangle is read: Householder's tridiagonalisation and
// the implicit QL iteration, in double. values [n] descend; vectors [n, n]: row i belongs to values[i], of length 1.
// throws std::runtime_error if the iteration does not converge, as for values that are not numbers
void lacuna_eigen(int n, std::vector<double> a, std::vector<double> & values, std::vector<double> & vectors);
