"""Data-parallel training on a CPU: processes that share the weights, and take the parts of a step as they become free.

Processes, because threads of one Python wait for each other: on two cores, two threads trained 1.2 times as fast as one,
two processes twice.
"""

from __future__ import annotations

import multiprocessing
from typing import Callable, Iterator

import numpy as np
import torch

MicroBatch = tuple[np.ndarray, np.ndarray]  # int64 inputs and targets [rows, length]; negative targets do not count
GRADIENTS, STEP, EVALUATE = range(3)


class Workers:
    """One process on an accelerator; on a CPU `count`: this one and its forks, which end with it.

    `loss(inputs, targets, scale)` is scale · the summed loss of a micro-batch. The optimisers' state has to exist already: it
    is moved to shared memory, so that any process can take any optimiser's step.
    """

    def __init__(self, model: torch.nn.Module, optimisers: list[torch.optim.Optimizer], loss: Callable, device: str, count: int):
        self._weights, self._optimisers, self._loss, self._device = list(model.parameters()), optimisers, loss, device
        # of every process; the first one's become the sum
        self._gradients = [[torch.zeros_like(weight) for weight in self._weights] for _ in range(count)]
        self._pipes = []
        if count == 1:
            return
        state = [value for optimiser in optimisers for values in optimiser.state.values() for value in values.values()]
        for tensor in [*self._weights, *state, *(gradient for gradients in self._gradients for gradient in gradients)]:
            tensor.share_memory_()
        context = multiprocessing.get_context("fork")
        self._next, self._lock = context.RawValue("i", 0), context.Lock()
        for index in range(1, count):
            pipe, far_end = context.Pipe()
            context.Process(target=self._serve, args=(far_end, index), daemon=True).start()
            self._pipes.append(pipe)

    def __len__(self) -> int:
        return len(self._gradients)

    def gradients(self, micro_batches: list[MicroBatch]) -> float:
        """Leave the mean gradient for `step`; returns the mean loss in nats per token."""
        loss = self._share(GRADIENTS, micro_batches)
        for gradients in self._gradients[1:]:
            for total, gradient in zip(self._gradients[0], gradients):
                total.add_(gradient)
                gradient.zero_()
        return loss

    def step(self, factor: float) -> None:
        """Every optimiser takes a step with `factor` times its peak learning rate."""
        self._share(STEP, factor)
        for gradient in self._gradients[0]:
            gradient.zero_()

    def evaluate(self, micro_batches: list[MicroBatch]) -> float:
        """Mean loss in nats per token."""
        return self._share(EVALUATE, micro_batches)

    def _share(self, what: int, work) -> float:
        if self._pipes:
            self._next.value = 0
        for pipe in self._pipes:
            pipe.send((what, work))
        return self._do(what, work, 0) + sum(pipe.recv() for pipe in self._pipes)

    def _serve(self, pipe, process: int) -> None:
        while True:
            try:
                what, work = pipe.recv()
            except EOFError:
                return
            pipe.send(self._do(what, work, process))

    def _mine(self, count: int) -> Iterator[int]:
        """Indices of the parts that fall to this process."""
        if not self._pipes and len(self) == 1:
            yield from range(count)
            return
        while True:
            with self._lock:
                index = self._next.value
                self._next.value += 1
            if index >= count:
                return
            yield index

    def _do(self, what: int, work, process: int) -> float:
        """This process's part; returns its share of the mean loss."""
        for weight, gradient in zip(self._weights, self._gradients[process if what == GRADIENTS else 0]):
            weight.grad = gradient
        if what == STEP:
            for index in self._mine(len(self._optimisers)):
                for group in self._optimisers[index].param_groups:
                    group["lr"] = group["peak"] * work
                self._optimisers[index].step()
            return 0.0
        scale, mean = 1 / sum(int((targets >= 0).sum()) for _, targets in work), 0.0
        with torch.set_grad_enabled(what == GRADIENTS), torch.autocast(self._device, dtype=torch.bfloat16):
            for index in self._mine(len(work)):
                loss = self._loss(*(torch.from_numpy(part).to(self._device) for part in work[index]), scale)
                if what == GRADIENTS:
                    loss.backward()
                mean += loss.item()
        return mean
