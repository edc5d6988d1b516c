"""Muon: momentum whose matrices are orthogonalised by Newton-Schulz iterations (Jordan et al., 2024; MIT)."""

from __future__ import annotations

import torch

COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # quintic iteration of the reference implementation
ITERATIONS = 5


def orthogonalise(matrix: torch.Tensor) -> torch.Tensor:
    """The nearest orthogonal matrix, roughly; in bfloat16, singular values end in about [0.7, 1.2]."""
    a, b, c = COEFFICIENTS
    x = matrix.bfloat16()
    x = x / (x.norm() + 1e-7)
    tall = x.shape[0] > x.shape[1]
    if tall:
        x = x.t().contiguous()
    for _ in range(ITERATIONS):
        gram = x @ x.t()
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    return (x.t() if tall else x).to(matrix.dtype)


class Muon(torch.optim.Optimizer):
    """For two-dimensional hidden weights; `lr` is the spectral size of a step on a square matrix."""

    def __init__(self, parameters, lr: float = 0.02, momentum: float = 0.95, weight_decay: float = 0.05):
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            lr, momentum = group["lr"], group["momentum"]
            for weight in group["params"]:
                state = self.state[weight]
                if "velocity" not in state:
                    state["velocity"] = torch.zeros_like(weight)
                velocity = state["velocity"].mul_(momentum).add_(weight.grad)
                update = orthogonalise(weight.grad + momentum * velocity)  # Nesterov
                weight.mul_(1 - lr * group["weight_decay"])
                weight.add_(update, alpha=-lr * max(1.0, weight.shape[0] / weight.shape[1]) ** 0.5)
