#pragma once

// What an FFN does to its gate, or to its up projection where it has no gate: x*sigmoid(z(x)), with z(x) = x for SiLU and, for GELU (in the
// form with tanh, which is the one that llama.cpp computes), z(x) = Z1*x + Z3*x^3. No headers: kernels include this.

enum lacuna_activation {
    LACUNA_SILU,
    LACUNA_GELU,
};

constexpr float LACUNA_GELU_Z1 = 1.59576912160573081f; // 2*sqrt(2/pi)
constexpr float LACUNA_GELU_Z3 = 0.07135481627260025f; // that times 0.044715
