"""Step 4: train, resumably and within a wall-clock budget.

    python3 training/train.py --size small --device cpu --minutes 90
    python3 training/train.py --size large --device cuda --minutes 25

The schedule follows the share of the budget that has been spent, so a run always ends fully decayed, however busy the
machine is; time in which the process is suspended does not count. A second call resumes from the checkpoint; the budget may be changed then. Writes
.work/<size>.pt (checkpoint: weights, optimisers, position) and results/<size>.csv (loss curve).

SIGTERM saves a checkpoint and ends the run.

`--again` begins a new schedule from the weights of a finished run. On a CPU each worker is a process with one PyTorch thread.
"""

from __future__ import annotations

import argparse
import csv
import os
import signal
import threading
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # a worker is one thread; set before torch loads

import numpy as np
import torch

from common import HERE, WORK
from model import SIZES, Config, Model, TorchOps
from muon import Muon
from pack import PAD, rows_file
from workers import MicroBatch, Workers

SEED = 4
WARM_UP, DECAY_FROM = 0.015, 0.50  # shares of the budget: linear warm-up, constant, linear decay to zero
LONG_FROM = 0.88  # share of the budget from which rows are as long as the context
BIGGER_BATCH_FROM = 0.75  # share of the budget from which a step takes twice the tokens
ADAM_LR, MUON_LR = 3e-3, 0.02
MUON_SHARES = 8  # optimisers that the workers take steps of; fixed, so that a checkpoint fits any number of workers
PAUSE = 60  # seconds; a step that takes longer was stopped from outside, and the rest of it is not counted

#        tokens per micro-batch and per (first) step, row length of the first phase
PLANS = {
    "cpu": {"micro": 1024, "step": 8192, "short": 512},
    "cuda": {"micro": 65536, "step": 262144, "short": 1024},
}


def learning_rate(spent: float) -> float:
    """Factor on the peak learning rates after the given share of the budget."""
    return min(1.0, spent / WARM_UP) * min(1.0, max(0.0, (1 - spent) / (1 - DECAY_FROM)))


class Rows:
    """Training rows in a fixed random order, read from where the last run stopped."""

    def __init__(self, split: str, length: int):
        self._rows = np.load(rows_file(split, length), mmap_mode="r")
        self.length = length

    def batch(self, start: int, count: int) -> MicroBatch:
        """Inputs and targets [count, length] of rows start…, round and round; padding is 0 in inputs and -1 in targets."""
        rows = self._rows[np.arange(start, start + count) % len(self._rows)].astype(np.int64)
        inputs, targets = rows[:, :-1].copy(), rows[:, 1:].copy()
        inputs[inputs == PAD], targets[targets == PAD] = 0, -1
        return inputs, targets


def make_optimisers(model: Model) -> list[torch.optim.Optimizer]:
    """AdamW for the embedding and the norms, Muon for the matrices; their state is there, as before the first step."""
    named = dict(model.named_parameters())
    matrices = [weight for name, weight in named.items() if weight.dim() == 2 and name != "embedding.weight"]
    others = [weight for name, weight in named.items() if weight.dim() == 1 or name == "embedding.weight"]
    adam = torch.optim.AdamW(others, lr=ADAM_LR, betas=(0.9, 0.95), weight_decay=0.0)
    optimisers = [adam] + [Muon(matrices[index::MUON_SHARES], lr=MUON_LR) for index in range(MUON_SHARES)]
    for weight in model.parameters():
        weight.grad = torch.zeros_like(weight)
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["peak"], group["lr"] = group["lr"], 0.0
        optimiser.step()
    for state in adam.state.values():
        state["step"].zero_()
    return optimisers


def processor(device: str) -> str:
    """What the run computes on, in words."""
    if device == "cuda":
        return torch.cuda.get_device_name()
    models = {line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")}
    return f"{os.cpu_count()} cores of {', '.join(sorted(models))}"


def train(size: str, device: str, minutes: float, again: bool, workers: int, save_minutes: float, evaluate_minutes: float) -> None:
    config: Config = SIZES[size]
    plan = PLANS[device]
    torch.manual_seed(SEED)
    if device == "cpu":
        from cpu_ops import CpuOps

        torch.set_num_threads(1)
    model = Model(config, CpuOps if device == "cpu" else TorchOps).to(device)
    optimisers = make_optimisers(model)
    progress = {"step": 0, "tokens": 0, "seconds": 0.0, "schedule_began": 0.0, "position": {}}
    checkpoint, curve = WORK / f"{size}.pt", HERE / "results" / f"{size}.csv"
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location=device)
        model.load_state_dict(state["model"])
        for optimiser, saved in zip(optimisers, state["optimisers"]):
            optimiser.load_state_dict(saved)
        progress = {**progress, **state["progress"]}
        print(f"resumed at step {progress['step']}, {progress['seconds'] / 60:.1f} min", flush=True)
    else:
        curve.parent.mkdir(exist_ok=True)
        curve.write_text("step,minutes,tokens,learning_rate,train_loss,validation_loss\n")
    if again:
        progress["schedule_began"], progress["position"] = progress["seconds"], {}
    progress["processor"] = processor(device)
    compiled = torch.compile(model.loss) if device == "cuda" else None  # torch.compile exists from PyTorch 2

    def loss_of(inputs: torch.Tensor, targets: torch.Tensor, scale: float) -> torch.Tensor:
        if compiled:  # a changing Python float would be compiled anew each time
            return scale * compiled(inputs, targets, 1.0)
        return model.loss(inputs, targets, scale)  # the fused kernels need the scale inside

    pool = Workers(model, optimisers, loss_of, device, workers if device == "cpu" else 1)
    data = {length: Rows("train", length) for length in (plan["short"], config.n_ctx)}
    held_out = Rows("validation", plan["short"])
    validation = [held_out.batch(start, max(1, plan["micro"] // plan["short"])) for start in range(0, 96, max(1, plan["micro"] // plan["short"]))]
    print(f"{sum(weight.numel() for weight in model.parameters()) / 1e6:.2f} M parameters, {len(pool)} workers on {device}", flush=True)

    def save() -> None:
        partial = checkpoint.with_suffix(".partial")
        torch.save({"config": config.__dict__, "model": model.state_dict(), "optimisers": [o.state_dict() for o in optimisers], "progress": progress}, partial)
        partial.replace(checkpoint)

    def log(validation_loss: float | None) -> None:
        row = [progress["step"], f"{progress['seconds'] / 60:.2f}", progress["tokens"], f"{learning_rate(spent):.4f}", f"{average:.4f}"]
        with curve.open("a") as file:
            csv.writer(file, lineterminator="\n").writerow(row + ["" if validation_loss is None else f"{validation_loss:.4f}"])
        print(*row, "" if validation_loss is None else f"validation {validation_loss:.4f}", f"{(progress['tokens'] - first_tokens) / (time.time() - began):.0f} tokens/s", flush=True)

    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    average, began, first_tokens, clock, saved, evaluated = None, time.time(), progress["tokens"], time.time(), time.time(), time.time()
    while (spent := (progress["seconds"] - progress["schedule_began"]) / 60 / minutes) < 1 and not stopping.is_set():
        length = config.n_ctx if spent >= LONG_FROM else plan["short"]
        count = plan["step"] * (2 if spent >= BIGGER_BATCH_FROM else 1) // length
        each = max(1, plan["micro"] // length)
        start = progress["position"].setdefault(length, 0)
        loss = pool.gradients([data[length].batch(start + offset, each) for offset in range(0, count, each)])
        pool.step(learning_rate(spent))
        average = loss if average is None else 0.97 * average + 0.03 * loss
        progress["step"] += 1
        progress["tokens"] += count * length
        progress["position"][length] += count
        now = time.time()
        progress["seconds"] += min(now - clock, PAUSE)
        clock = now
        due = now - evaluated > 60 * evaluate_minutes
        if progress["step"] in (10, 30) or progress["step"] % 50 == 0 or due:
            log(pool.evaluate(validation) if due else None)
            evaluated = time.time() if due else evaluated
        if now - saved > 60 * save_minutes:
            save()
            saved = time.time()
    save()
    if not stopping.is_set():
        log(pool.evaluate(validation))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=SIZES, default="small")
    parser.add_argument("--device", choices=PLANS, default="cpu")
    parser.add_argument("--minutes", type=float, default=90, help="wall-clock budget of the whole schedule, over all resumptions")
    parser.add_argument("--again", action="store_true", help="begin a new schedule from the checkpoint's weights, on the rows there are now")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes on a CPU")
    parser.add_argument("--save-minutes", type=float, default=4)
    parser.add_argument("--evaluate-minutes", type=float, default=8)
    arguments = parser.parse_args()
    train(arguments.size, arguments.device, arguments.minutes, arguments.again, arguments.workers, arguments.save_minutes, arguments.evaluate_minutes)


if __name__ == "__main__":
    main()
