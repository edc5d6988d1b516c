#!/usr/bin/env bash
# llama.cpp v0.5.0 (npm: @node-llama-cpp/linux-x64-vulkan 3.22.1), Vulkan: the product of two F32 matrices is one of F16 on devices with FP16, and
# GGML_PREC_F32 does not change that.
#
# ggml_mul_mat of F32 [48, 80] and F32 [48, 23] on Mesa's software device (Debian 12: llvmpipe, which says fp16: 1), against sums in double precision. Kernels for
# more than eight columns make F16 of what they load into shared memory, of F32 too. ggml_mul_mat_set_prec and ggml_prec_set_src, by which a graph
# asks for more, are not heard for F32 weights; nothing is logged. GGML_VK_DISABLE_F16=1 is, for the whole process. A gradient that is to agree with finite
# differences does not, and a model in F32 has other logits than on the CPU.
#
# Seen, relative error:
#   as it is      5e-04
#   GGML_PREC_F32 5e-04
#   no F16        2e-07
#
# Needs: x86-64 Linux with a Vulkan device (Debian 12: mesa-vulkan-drivers libvulkan1), a C++ compiler, git, npm. A software device compiles for a minute or more.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm pack --silent @node-llama-cpp/linux-x64-vulkan@3.22.1 node-llama-cpp@3.22.1 > /dev/null
for package in *.tgz; do mkdir "${package%.tgz}" && tar -xzf "$package" -C "${package%.tgz}" --strip-components=1; done
libraries=$(dirname "$(find "$folder"/node-llama-cpp-linux-x64-vulkan-* -name 'libggml-vulkan.so')")
git -c advice.detachedHead=false clone --quiet "$(find "$folder" -name gitRelease.bundle)" llama.cpp

cat > product.cpp <<'CPP'
#include "ggml-alloc.h"
#include "ggml-backend.h"
#include "ggml.h"
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <vector>

int main(int argc, char ** argv) {
    const bool precise = argc > 2;
    ggml_backend_load_all_from_path(argv[1]);
    ggml_backend_t device = ggml_backend_init_by_type(GGML_BACKEND_DEVICE_TYPE_GPU, nullptr);
    if (!device) {
        device = ggml_backend_init_by_name("Vulkan0", nullptr);
    }
    if (!device) {
        puts("There is no Vulkan device.");
        return 1;
    }
    const int K = 48, M = 80, N = 23;
    ggml_context * c = ggml_init({ 1 << 20, nullptr, true });
    ggml_tensor * a = ggml_new_tensor_2d(c, GGML_TYPE_F32, K, M);
    ggml_tensor * b = ggml_new_tensor_2d(c, GGML_TYPE_F32, K, N);
    ggml_tensor * r = ggml_mul_mat(c, a, b);
    if (precise) {
        ggml_mul_mat_set_prec(r, GGML_PREC_F32);
        ggml_prec_set_src(r, GGML_PREC_F32, 1);
    }
    ggml_cgraph * graph = ggml_new_graph(c);
    ggml_build_forward_expand(graph, r);
    ggml_backend_alloc_ctx_tensors(c, device);
    std::vector<float> A(K*M), B(K*N), R(M*N);
    for (int i = 0; i < K*M; i++) A[i] = std::sin(i*0.37f);
    for (int i = 0; i < K*N; i++) B[i] = std::cos(i*0.73f);
    ggml_backend_tensor_set(a, A.data(), 0, ggml_nbytes(a));
    ggml_backend_tensor_set(b, B.data(), 0, ggml_nbytes(b));
    ggml_backend_graph_compute(device, graph);
    ggml_backend_tensor_get(r, R.data(), 0, ggml_nbytes(r));
    double error = 0, size = 0;
    for (int j = 0; j < N; j++) {
        for (int i = 0; i < M; i++) {
            double sum = 0;
            for (int k = 0; k < K; k++) sum += (double) A[i*K + k]*B[j*K + k];
            error += (sum - R[j*M + i])*(sum - R[j*M + i]);
            size  += sum*sum;
        }
    }
    printf("%.0e\n", std::sqrt(error/size));
}
CPP
include=llama.cpp/ggml/include
c++ -std=c++17 -O1 -w -I "$include" product.cpp -o product -L "$libraries" $(cd "$libraries" && ls | grep -E '^libggml(\.vulkan)?(\.v[0-9.]+)?\.so$|^libggml-base\.so$' | sed 's/^/-l:/') "-Wl,-rpath,$libraries"

export GGML_VK_VISIBLE_DEVICES=${GGML_VK_VISIBLE_DEVICES:-0}
plain=$(./product "$libraries" 2> log)
precise=$(./product "$libraries" GGML_PREC_F32 2> log)
full=$(GGML_VK_DISABLE_F16=1 ./product "$libraries" 2> log)
echo "as it is      $plain"
echo "GGML_PREC_F32 $precise"
echo "no F16        $full"
[[ "$full" == ?e-07 || "$full" == ?e-08 ]] || { echo "This device is not exact in F32 either."; exit 1; }
[[ "$plain" == ?e-04 ]] || { echo "CHANGED: the product of F32 is one of F32."; exit 1; }
[[ "$precise" == ?e-04 ]] || { echo "CHANGED: GGML_PREC_F32 is heard."; exit 1; }
