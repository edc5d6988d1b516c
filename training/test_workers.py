"""Check that two workers leave the same weights as one after two steps (up to the order of bfloat16 sums), and the same loss.

    python3 training/test_workers.py
"""

from __future__ import annotations

import numpy as np
import torch

from cpu_ops import CpuOps
from model import SIZES, Model
from train import make_optimisers
from workers import Workers


def trained(count: int) -> tuple[float, torch.Tensor]:
    """Loss after two steps, and how far they moved the weights."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = Model(SIZES["tiny"], CpuOps)
    before = torch.cat([weight.detach().flatten() for weight in model.parameters()])
    pool = Workers(model, make_optimisers(model), model.loss, "cpu", count)
    tokens = np.random.default_rng(0).integers(0, 256, (4, 65))
    micro_batches = [(row[None, :-1].copy(), row[None, 1:].copy()) for row in tokens]
    for _ in range(2):
        pool.gradients(micro_batches)
        pool.step(1.0)
    after = torch.cat([weight.detach().flatten() for weight in model.parameters()])
    return pool.evaluate(micro_batches), after - before


def main() -> None:
    (one, moved), (two, also_moved) = trained(1), trained(2)
    cosine = torch.nn.functional.cosine_similarity(moved, also_moved, 0).item()
    assert abs(one - two) < 5e-3 * one, (one, two)
    assert cosine > 0.99 and moved.norm() > 0, cosine
    print(f"loss {two:.4f} with two workers, {one:.4f} with one; cosine of the steps {cosine:.5f}")


if __name__ == "__main__":
    main()
