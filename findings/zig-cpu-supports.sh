#!/usr/bin/env bash
# ziglang 0.17.1 (PyPI): a C program that asks __builtin_cpu_supports() gets 0 for every feature of the processor, without a warning.
#
# The same source, compiled by zig for x86_64-linux-gnu.2.28 and by the system's C compiler, run on the same processor. Clang's and GCC's runtime libraries
# fill the table that the builtin reads (__cpu_model) from cpuid; what zig links in its place (lib/compiler_rt/fmv.zig) leaves it empty. Code that chooses its
# kernels at run time so falls back to the plainest, and nothing says that it does: only its speed. cpuid itself tells the truth in both.
#
# Seen on an Intel Xeon with AVX-512 (the system's compiler: GCC 12.2):
#   cc:  sse2 1, avx2 1, fma 1, avx512f 1; cpuid: avx2 1
#   zig: sse2 0, avx2 0, fma 0, avx512f 0; cpuid: avx2 1
#
# Needs: x86-64 Linux with AVX2, Python 3 with venv, a C compiler, and PyPI.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check ziglang==0.17.1

cat > "$folder/ask.c" <<'C'
#include <cpuid.h>
#include <stdio.h>

int main(void) {
    unsigned a, b = 0, c, d;
    __builtin_cpu_init();
    __get_cpuid_count(7, 0, &a, &b, &c, &d);
    printf("sse2 %d, avx2 %d, fma %d, avx512f %d; cpuid: avx2 %d\n", !!__builtin_cpu_supports("sse2"), !!__builtin_cpu_supports("avx2"),
        !!__builtin_cpu_supports("fma"), !!__builtin_cpu_supports("avx512f"), !!(b & bit_AVX2));
    return 0;
}
C
cc -O1 "$folder/ask.c" -o "$folder/by-cc"
ZIG_GLOBAL_CACHE_DIR="$folder/cache" "$folder/venv/bin/python" -m ziglang cc -target x86_64-linux-gnu.2.28 -O1 "$folder/ask.c" -o "$folder/by-zig"

by_cc=$("$folder/by-cc")
by_zig=$("$folder/by-zig")
echo "cc:  $by_cc"
echo "zig: $by_zig"
[[ "$by_cc" == "sse2 1, avx2 1, fma 1, avx512f "?"; cpuid: avx2 1" ]] || { echo "This processor has no AVX2, or its compiler does not see it."; exit 1; }
[[ "$by_zig" == "sse2 0, avx2 0, fma 0, avx512f 0; cpuid: avx2 1" ]] || { echo "CHANGED: zig's runtime library knows the processor now."; exit 1; }
