#pragma once

#if defined(__x86_64__)

#include <cpuid.h>

// What kernels ask of an x86-64 processor, and of the system, which has to save its registers. __builtin_cpu_supports is no help: what zig links
// in its place knows of no processor that it can anything.
struct lacuna_x86 {
    bool avx2   = false; // with FMA and F16C
    bool avx512 = false; // F, BW, DQ, VL and VNNI, with what avx2 stands for

    lacuna_x86() {
        unsigned a, b, c, d;
        if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE)) {
            return;
        }
        const bool fma_f16c = (c & bit_FMA) && (c & bit_F16C);

        unsigned saved, upper;
        __asm__("xgetbv" : "=a"(saved), "=d"(upper) : "c"(0));
        const auto saves = [saved](unsigned registers) { return (saved & registers) == registers; };

        if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
            return;
        }
        avx2   = fma_f16c && (b & bit_AVX2) && saves(0x06);
        avx512 = avx2 && (b & bit_AVX512F) && (b & bit_AVX512BW) && (b & bit_AVX512DQ) && (b & bit_AVX512VL) && (c & bit_AVX512VNNI) && saves(0xe0);
    }
};

inline const lacuna_x86 & lacuna_this_x86() {
    static const lacuna_x86 processor;
    return processor;
}

#endif
