#!/usr/bin/env bash
# llama.cpp v0.5.0, as the npm package node-llama-cpp 3.22.1 bundles it, compiled for a processor with AVX512-FP16 (what -march=native means on
# Sapphire Rapids): ggml_vec_dot_f16 multiplies and adds in half precision, in 128 running sums, where every other x86 build sums in float32.
# One would expect more instructions to be faster, not less exact. Seen with GCC 12.2, for 4,096 products of values round 1 and for 4,096 times 4 · 8:
#
#   with AVX512-FP16      relative error 3.7e-04, and inf for a sum of 131,072 (which float32 holds exactly)
#   without               relative error 2.3e-08, and 131072
#
# Rows shorter than 128 values, such as the keys of a head of 64, are not summed by vector instructions at all there.
# Portable builds are not affected: their Sapphire Rapids variant leaves AVX512-FP16 out. Needs such a processor, npm, git and g++.
set -euo pipefail
if ! grep -qw avx512_fp16 /proc/cpuinfo; then
  echo "not tried: this processor has no AVX512-FP16"
  exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm pack --silent node-llama-cpp@3.22.1 >/dev/null
tar xzf node-llama-cpp-3.22.1.tgz
git clone --quiet --no-checkout package/llama/gitRelease.bundle llama.cpp
git -C llama.cpp checkout --quiet HEAD -- ggml
cat >dot.cpp <<'CPP'
#include "ggml.h"
#include "vec.h"
#include <cmath>
#include <cstdio>
#include <cstring>
#include <vector>
static ggml_fp16_t half(float x) { _Float16 h = (_Float16) x; ggml_fp16_t r; memcpy(&r, &h, 2); return r; }
static float single(ggml_fp16_t x) { _Float16 h; memcpy(&h, &x, 2); return h; }
extern "C" { float ggml_table_f32_f16[1 << 16]; }
int main() {
    for (int i = 0; i < 1 << 16; i++) { ggml_table_f32_f16[i] = single((ggml_fp16_t) i); }
    const int n = 4096;
    std::vector<ggml_fp16_t> x(n), y(n);
    unsigned seed = 1;
    double exact = 0;
    for (int i = 0; i < n; i++) {
        seed = seed*1664525 + 1013904223;
        x[i] = half(0.5f + (seed >> 8)/16777216.0f);
        seed = seed*1664525 + 1013904223;
        y[i] = half(0.5f + (seed >> 8)/16777216.0f);
        exact += (double) single(x[i])*single(y[i]);
    }
    float sum;
    ggml_vec_dot_f16(n, &sum, 0, x.data(), 0, y.data(), 0, 1);
    printf("%.1e ", std::fabs(sum - exact)/exact);
    for (int i = 0; i < n; i++) { x[i] = half(4.0f); y[i] = half(8.0f); }
    ggml_vec_dot_f16(n, &sum, 0, x.data(), 0, y.data(), 0, 1);
    printf("%g\n", sum);
}
CPP
build() { # FLAG…
  g++ -std=c++17 -O2 -DNDEBUG -march=sapphirerapids "$@" -ffunction-sections -Wl,--gc-sections -w \
    -I llama.cpp/ggml/include -I llama.cpp/ggml/src -I llama.cpp/ggml/src/ggml-cpu dot.cpp llama.cpp/ggml/src/ggml-cpu/vec.cpp -o dot
  ./dot
}
read -r error large < <(build)
read -r usual_error usual_large < <(build -U__AVX512FP16__)
echo "with AVX512-FP16: relative error $error, large sum $large; without: $usual_error, $usual_large"
awk -v a="$error" -v b="$usual_error" 'BEGIN { exit !(a > 1e-4 && b < 1e-6) }'
[ "$large" = inf ] && [ "$usual_large" = 131072 ]
