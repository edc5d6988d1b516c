"""Check what the trainer promises about documents: they do not see each other, one that was cut teaches no end, and saved weights come back.

    python3 training/test_train.py
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
import torch

import assemble
import train
from model import SIZES, Model
from pack import BOS, EOS, PAD

MIDDLE = 5


def trainer(folder: Path) -> train.Trainer:
    arguments = argparse.Namespace(size="tiny", device="cpu", vocabulary=0, layers=0, attention="", compile=False, state=str(folder), out="")
    result = train.Trainer(arguments)
    for weight in result.weights.values():  # blocks begin as the identity, in which nothing could be seen
        torch.nn.init.normal_(weight.data, std=0.05)
    return result


def prepared(row: list[int]) -> dict:
    loader = train.Loader.__new__(train.Loader)
    loader.middle, loader.reset, loader.pin = MIDDLE, True, False
    return loader._prepare(np.array([row], dtype=np.uint16))


def losses(one: train.Trainer, batch: dict, length: int) -> torch.Tensor:
    tensors = {key: value for key, value in batch.items() if isinstance(value, torch.Tensor)}
    return one.losses(tensors, length, torch.ones(()))[1]


def main() -> None:
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        one = trainer(Path(folder))
        first, second = [BOS, *range(100, 120)], [BOS, *range(200, 230), EOS]
        row = [*first, *second]
        together = prepared([*row, PAD])
        apart = [prepared([*document, PAD]) for document in (first, second)]
        whole = losses(one, together, len(row))
        parts = sum(losses(one, batch, len(document)) for batch, document in zip(apart, (first, second)))
        assert torch.allclose(whole, parts, rtol=1e-4), (whole, parts)
        other = prepared([BOS, *range(300, 320), *second, PAD])
        assert not torch.allclose(losses(one, other, len(row)), whole, rtol=1e-4)

        weights = together["weights"].tolist()
        assert weights[len(first) - 1] == 0, "what follows a document that was cut is no end of it"
        assert weights[len(row) - 2] > 0, "an end by itself is learned"
        assert weights[len(row) - 1] == 0, "padding is not"
        fim = prepared([BOS, 3, 10, 4, 11, MIDDLE, *range(20, 30), EOS, PAD])["weights"].tolist()
        assert fim[5] == train.FIRST_WEIGHT and fim[10] == train.MIDDLE_WEIGHT and fim[2] == 1

        model = Model(SIZES["tiny"])
        model.load_state_dict({name: weight.detach() for name, weight in one.weights.items()})
        tokens = torch.tensor([[BOS, *range(100, 163)]])
        difference = (model.hidden(tokens) - one.hidden(tokens)).abs().max().item()
        assert difference < 1e-3, difference

        (Path(folder) / "curve.csv").write_text("")
        one._write(*one.snapshot())
        low, rest = (assemble.read([Path(folder)], name) for name in ("q8", "rest"))
        assert json.loads(low["header"].tobytes())["config"]["n_layer"] == 2
        worst = 0.0
        for name, weight in one.weights.items():
            if weight.dim() == 2:
                d = low[f"{name}:d"].astype(np.float32).reshape(-1, 1)
                value = low[f"{name}:q"].astype(np.float32).reshape(-1, 32) * d + rest[f"{name}:r"].astype(np.float32).reshape(-1, 32) * (d / 220)
                worst = max(worst, np.abs(value - weight.detach().numpy().reshape(-1, 32)).max() / weight.abs().max().item())
        assert worst < 1e-4, worst
    print(f"documents apart {parts.item():.3f}, in one row {whole.item():.3f}; model.py differs by {difference:.1e}; saved weights by {worst:.1e} of the largest")


if __name__ == "__main__":
    main()
