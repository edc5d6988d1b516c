"""Check the fused CPU operations against plain PyTorch in float32: loss within 1e-3, every gradient's cosine above 0.999.

    python3 training/test_cpu_ops.py
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from cpu_ops import CpuOps
from model import SIZES, Model, TorchOps


def main() -> None:
    torch.manual_seed(0)
    config = SIZES["tiny"]
    plain, fused = Model(config, TorchOps), Model(config, CpuOps)
    for weight in plain.parameters():
        if weight.dim() == 2:
            torch.nn.init.normal_(weight, std=0.05)
    fused.load_state_dict(plain.state_dict())
    tokens = torch.randint(0, config.n_vocab, (2, 129))
    inputs, targets = tokens[:, :-1], tokens[:, 1:].clone()
    targets[0, :5] = -1  # padding must not count
    scale = 1 / (targets >= 0).sum().item()
    expected = plain.loss(inputs, targets, scale)
    expected.backward()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        actual = fused.loss(inputs, targets, scale)
    actual.backward()
    assert abs(expected.item() - actual.item()) < 1e-3 * expected.item(), (expected.item(), actual.item())
    cosines = {
        name: F.cosine_similarity(weight.grad.flatten(), other.grad.flatten(), 0).item()
        for (name, weight), other in zip(plain.named_parameters(), fused.parameters())
    }
    worst = min(cosines, key=cosines.get)
    assert cosines[worst] > 0.999, (worst, cosines[worst])
    print(f"loss {actual.item():.4f} against {expected.item():.4f}; worst gradient cosine {cosines[worst]:.5f} ({worst})")


if __name__ == "__main__":
    main()
