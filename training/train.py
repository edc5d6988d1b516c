"""Step 4: train within a wall-clock budget, reading row files that pack.py may still be writing.

    python3 training/train.py --seconds 540 [--size large] [--device cuda] [--rows training/.work/rows]
    python3 training/train.py --seconds 60 --size tiny --device cpu --micro 4096 --step 8192      to try it out

The schedule follows the share of the budget that has been spent, so a run always ends fully decayed. For a GPU: bfloat16 activations, q, k, v and
gate, up as one product each, compiled between attentions, attention within documents by variable-length flash attention, Muon in batches of
equal shapes. The state folder gets curve.csv, and once a minute and at the end model.q8.*of4 and model.rest.*of4: together 16-bit weights, small enough to
be carried elsewhere, which assemble.py joins to the checkpoint that the next steps read.
"""

from __future__ import annotations

import argparse
import csv
import functools
import inspect
import json
import math
import os
import pickle
import queue
import shutil
import signal
import sys
import threading
import time
import traceback
from dataclasses import replace
from pathlib import Path

import numpy as np
import sentencepiece
import torch
import torch.nn.functional as F

from common import TOKENIZER, WORK
from model import SIZES, Config, Model
from pack import BOS, EOS, PAD

SEED = 4
WARM_UP, DECAY_FROM, LONG_FROM = 0.015, 0.50, 0.85
ADAM_LR, MUON_LR, MUON_DECAY = 3e-3, 0.02, 0.1
MIDDLE_WEIGHT, FIRST_WEIGHT, FIRST = 1.5, 3.0, 4  # of the loss: a middle's tokens, and its first ones
PARTS, PART_LIMIT = 4, 16_500_000
STARTED = float(os.environ.get("STARTED", time.time()))


def say(*words) -> None:
    print(f"[{time.time() - STARTED:6.1f}s]", *words, flush=True)


def learning_rate(spent: float) -> float:
    return min(1.0, spent / WARM_UP) * min(1.0, max(0.0, (1 - spent) / (1 - DECAY_FROM)))


# ---------------------------------------------------------------- data


class Loader:
    """Micro-batches of `tokens` tokens, prepared by a thread from whatever epochs are packed."""

    def __init__(self, folder: Path, lengths: tuple[int, int], tokens: int, middle: int, reset: bool, pin: bool):
        self.folder, self.tokens, self.middle, self.reset, self.pin = folder, tokens, middle, reset, pin
        self.length, self.lengths = lengths[0], lengths
        self.queue: queue.Queue = queue.Queue(maxsize=12)
        self.epochs = {length: 0 for length in lengths}
        self.repeated, self.stop, self.failed = 0, False, None
        threading.Thread(target=self._run, daemon=True).start()

    def _load(self, length: int, epoch: int) -> np.ndarray | None:
        """Rows of an epoch, or None while it is not packed."""
        try:
            shards = int((self.folder / "shards").read_text())
        except (OSError, ValueError):
            return None
        files = sorted(self.folder.glob(f"rows-{length}-e{epoch}-s*.npy"))
        return np.concatenate([np.load(file) for file in files]) if len(files) >= shards else None

    def _run(self) -> None:
        try:
            generator, last = np.random.default_rng(SEED), {}
            while not self.stop:
                length = self.length
                rows = self._load(length, self.epochs[length])
                if rows is not None:
                    self.epochs[length] += 1
                    last[length] = rows
                elif length in last:
                    rows = last[length]
                    self.repeated += 1
                    say(f"epoch {self.epochs[length]} of {length} is not packed yet: the last one again")
                else:
                    time.sleep(0.1)
                    continue
                order, count = generator.permutation(len(rows)), max(1, self.tokens // length)
                if len(order) < count:
                    order = np.resize(order, count)
                for start in range(0, len(order) - count + 1, count):
                    if self.stop or self.length != length:
                        break
                    self.queue.put((length, self._prepare(rows[order[start : start + count]])))
        except BaseException as error:  # the trainer must not wait for ever
            self.failed = error
            traceback.print_exc()

    def _prepare(self, rows: np.ndarray) -> dict:
        inputs, targets = rows[:, :-1].astype(np.int64), rows[:, 1:].astype(np.int64)
        size, (height, width) = inputs.size, inputs.shape
        begins = inputs == BOS
        begins[:, 0] = True
        starts = np.flatnonzero(begins.ravel())
        place = np.arange(size)
        own = starts[np.cumsum(begins.ravel()) - 1]  # where each token's document begins
        flat_in, flat_out = inputs.ravel(), targets.ravel()
        middle = np.maximum.accumulate(np.where(flat_in == self.middle, place, -1))
        inside = (middle >= own) & (flat_in != EOS) & (flat_in != PAD)
        weights = np.where(inside, np.where(place - middle < FIRST, FIRST_WEIGHT, MIDDLE_WEIGHT), 1.0).astype(np.float32)
        counts = (flat_out != PAD) & (flat_out != BOS) & (flat_in != PAD)  # a cut document says nothing about what follows
        weights[~counts] = 0
        flat_in[flat_in == PAD], flat_out[~counts] = 0, 0
        arrays = {
            "inputs": flat_in, "targets": flat_out, "weights": weights, "starts": starts.astype(np.int32),
            "places": (place - own) if self.reset else np.tile(np.arange(width), height),
        }
        batch = {key: torch.from_numpy(np.ascontiguousarray(value)) for key, value in arrays.items()}
        if self.pin:
            batch = {key: value.pin_memory() for key, value in batch.items()}
        return batch | {"total": float(weights.sum()), "count": int(counts.sum())}

    def next(self, length: int) -> dict:
        self.length, began = length, time.time()
        while True:
            if time.time() - began > 120:
                raise RuntimeError("no rows: see pack.log")
            try:
                own, batch = self.queue.get(timeout=5)
            except queue.Empty:
                if self.failed:
                    raise RuntimeError("the loader failed") from self.failed
                say("waiting for rows")
                continue
            if own == length:
                return batch


# ---------------------------------------------------------------- network, between attentions


def norm(x, weight, eps: float):
    wide = x.float()
    return (wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + eps) * weight).to(x.dtype)


def heads_of(h, wq, wk, wv, cos, sin, head_dim: int, repeat: int):
    """q, k, v as [tokens, heads, head_dim], rotated; k and v repeated for grouped queries."""
    weight = torch.cat((wq, wk, wv)).to(h.dtype)
    q, k, v = F.linear(h, weight).split((wq.shape[0], wk.shape[0], wv.shape[0]), -1)
    q, k, v = (part.unflatten(-1, (-1, head_dim)) for part in (q, k, v))

    def rotate(x):
        first, second = x.float().chunk(2, -1)
        c, s = cos[:, None], sin[:, None]
        return torch.cat((first * c - second * s, second * c + first * s), -1).to(h.dtype)

    q, k = rotate(q), rotate(k)
    if repeat > 1:
        k, v = k.repeat_interleave(repeat, 1), v.repeat_interleave(repeat, 1)
    return q, k, v.contiguous()


def first_part(x, w_norm, wq, wk, wv, cos, sin, eps: float, head_dim: int, repeat: int):
    return heads_of(norm(x, w_norm, eps), wq, wk, wv, cos, sin, head_dim, repeat)


def block_end(x, y, wo, w_norm, wg, wu, wd, eps: float):
    x = x + F.linear(y.flatten(1), wo.to(x.dtype))
    gate, up = F.linear(norm(x, w_norm, eps), torch.cat((wg, wu)).to(x.dtype)).chunk(2, -1)
    return x + F.linear(F.silu(gate) * up, wd.to(x.dtype))


def middle_part(x, y, wo, w_ff, wg, wu, wd, w_norm, wq, wk, wv, cos, sin, eps: float, head_dim: int, repeat: int):
    x = block_end(x, y, wo, w_ff, wg, wu, wd, eps)
    return (x, *heads_of(norm(x, w_norm, eps), wq, wk, wv, cos, sin, head_dim, repeat))


def last_part(x, y, wo, w_ff, wg, wu, wd, w_norm, embedding, targets, weights, scale, eps: float):
    """scale · weighted cross-entropy, and the unweighted sum."""
    h = norm(block_end(x, y, wo, w_ff, wg, wu, wd, eps), w_norm, eps)
    logits = F.linear(h, embedding.to(h.dtype)).float()
    losses = F.cross_entropy(logits, targets, reduction="none")
    return (losses * weights).sum() * scale, (losses.detach() * (weights > 0)).sum()


# ---------------------------------------------------------------- attention within documents


def documents_of(starts: torch.Tensor, size: int) -> torch.Tensor:
    """Number of each token's document."""
    return torch.searchsorted(starts, torch.arange(size, device=starts.device, dtype=starts.dtype), right=True)


def plain_attention(q, k, v, mask):
    """Also for PyTorch before 2.0."""
    return (q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5).masked_fill(~mask, float("-inf")).softmax(-1) @ v


class Attention:
    """`self(q, k, v)` for [tokens, heads, head_dim] within the documents given to the last `batch(starts, length, size)`."""

    def __init__(self, device: str, kind: str):
        self.kind, self.device = kind, device
        if kind.startswith("varlen"):
            from torch.nn.attention.varlen import varlen_attn

            known = inspect.signature(varlen_attn).parameters
            options = {"window_size": (-1, 0)} if "window_size" in known else {"is_causal": True}
            if kind == "varlen-gqa" and "enable_gqa" in known:
                options["enable_gqa"] = True
            self.varlen = functools.partial(varlen_attn, **options)

    def batch(self, starts: torch.Tensor | None, length: int, size: int) -> None:
        self.length, self.size = length, size
        if self.kind.startswith("varlen"):
            self.cumulative = torch.cat((starts, starts.new_full((1,), size)))
        elif self.kind == "flex":
            from torch.nn.attention.flex_attention import create_block_mask

            document = documents_of(starts, size).view(-1, length)
            self.mask = create_block_mask(lambda b, h, i, j: (i >= j) & (document[b, i] == document[b, j]), document.shape[0], None, length, length, device=self.device)
        elif self.kind == "mask":
            document = documents_of(starts, size).view(-1, length)
            self.mask = (document[:, :, None] == document[:, None, :]).tril()[:, None]

    def __call__(self, q, k, v):
        if self.kind.startswith("varlen"):
            return self.varlen(q, k, v, self.cumulative, self.cumulative, self.length, self.length)
        q, k, v = (x.unflatten(0, (-1, self.length)).transpose(1, 2) for x in (q, k, v))
        if self.kind == "flex":
            y = _flex(q, k, v, block_mask=self.mask)
        elif self.kind == "mask":
            y = plain_attention(q, k, v, self.mask)
        elif hasattr(F, "scaled_dot_product_attention"):
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            y = plain_attention(q, k, v, torch.ones(self.length, self.length, dtype=torch.bool, device=q.device).tril())
        return y.transpose(1, 2).flatten(0, 1)


_flex = None


def choose_attention(device: str, wanted: str, config: Config) -> Attention:
    """The fastest kind that agrees with a plain reference, values and gradients."""
    if device == "cpu":
        return Attention(device, "mask")
    global _flex
    size, length, heads = 2048, 1024, config.n_head
    torch.manual_seed(1)
    starts = torch.tensor([0, 5, 300, 301, 1024, 1500], dtype=torch.int32, device=device)
    q, k, v, grad = (torch.randn(size, heads, config.head_dim, device=device, dtype=torch.bfloat16) for _ in range(4))
    repeat = heads // config.n_head_kv
    k, v = k[:, ::repeat].contiguous(), v[:, ::repeat].contiguous()

    def run(attention, dtype, expand):
        leaves = [x.detach().to(dtype).requires_grad_() for x in (q, k, v)]
        attention.batch(starts, length, size)
        inputs = [leaves[0], *(x.repeat_interleave(repeat, 1) if expand else x for x in leaves[1:])]
        y = attention(*inputs)
        y.backward(grad.to(dtype))
        return [y, *(leaf.grad for leaf in leaves)]

    reference = run(Attention(device, "mask"), torch.float32, True)
    for kind in [wanted] if wanted else ["varlen-gqa", "varlen", "flex"]:
        try:
            if kind == "flex":
                from torch.nn.attention.flex_attention import flex_attention

                _flex = torch.compile(flex_attention, dynamic=False)
            attention = Attention(device, kind)
            got = run(attention, torch.bfloat16, kind != "varlen-gqa")
            errors = [((a.float() - b).norm() / b.norm()).item() for a, b in zip(got, reference)]
            say(f"attention {kind}: relative errors {', '.join(f'{e:.1e}' for e in errors)}")
            if all(error < 0.02 for error in errors):
                return attention
        except Exception as error:
            say(f"attention {kind} does not work: {type(error).__name__}: {str(error)[:300]}")
    say("attention falls back to plain causal (documents of a row see each other)")
    return Attention(device, "sdpa")


# ---------------------------------------------------------------- optimisers


class BatchedMuon:
    """Muon (Jordan et al., 2024; MIT) for all matrices of one shape at once: momentum whose matrices are orthogonalised by Newton-Schulz iterations."""

    def __init__(self, matrices: list[torch.Tensor]):
        groups: dict[tuple, list[torch.Tensor]] = {}
        for matrix in matrices:
            groups.setdefault(tuple(matrix.shape), []).append(matrix)
        self.groups = list(groups.values())
        self.velocities = [torch.zeros((len(group), *group[0].shape), device=group[0].device) for group in self.groups]

    @torch.no_grad()
    def step(self, lr: float, momentum: float, factor: torch.Tensor) -> None:
        for group, velocity in zip(self.groups, self.velocities):
            gradient = torch.stack([matrix.grad for matrix in group]) * factor
            velocity.mul_(momentum).add_(gradient)
            update = self.orthogonalise(gradient.add_(velocity, alpha=momentum))
            torch._foreach_mul_(group, 1 - lr * MUON_DECAY)
            torch._foreach_add_(group, list(update.float().unbind(0)), alpha=-lr * max(1.0, group[0].shape[0] / group[0].shape[1]) ** 0.5)

    @staticmethod
    def orthogonalise(matrices: torch.Tensor) -> torch.Tensor:
        a, b, c = 3.4445, -4.7750, 2.0315
        x = matrices.bfloat16() if matrices.is_cuda else matrices  # slow on most CPUs
        tall = x.shape[1] > x.shape[2]
        if tall:
            x = x.mT.contiguous()
        x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
        for _ in range(5):
            gram = x @ x.mT
            x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
        return x.mT if tall else x


# ---------------------------------------------------------------- training


class Trainer:
    def __init__(self, arguments):
        self.arguments, self.device = arguments, arguments.device
        self.cuda = self.device == "cuda"
        self.dtype = torch.bfloat16 if self.cuda else torch.float32
        config = SIZES[arguments.size]
        if arguments.vocabulary:
            config = replace(config, n_vocab=arguments.vocabulary)
        if arguments.layers:
            config = replace(config, n_layer=arguments.layers)
        self.config = config
        torch.manual_seed(SEED)
        model = Model(config)
        self.weights = {name: weight.detach().to(self.device).requires_grad_() for name, weight in model.named_parameters()}
        self.cos, self.sin = model.cos.to(self.device), model.sin.to(self.device)
        self.parameters = sum(weight.numel() for weight in self.weights.values())
        matrices = [weight for name, weight in self.weights.items() if weight.dim() == 2 and name != "embedding.weight"]
        others = [weight for name, weight in self.weights.items() if weight.dim() == 1 or name == "embedding.weight"]
        self.muon = BatchedMuon(matrices)
        self.adam = torch.optim.AdamW(others, lr=ADAM_LR, betas=(0.9, 0.95), weight_decay=0.0, **({"fused": True} if self.cuda else {}))
        self.attention = choose_attention(self.device, arguments.attention, config)
        self.repeat = 1 if self.attention.kind == "varlen-gqa" else config.n_head // config.n_head_kv
        self.progress = {"step": 0, "tokens": 0, "seconds": 0.0, "schedule_began": 0.0, "position": {}}
        self.parts = (first_part, middle_part, last_part)
        if arguments.compile:
            self.parts = tuple(torch.compile(part, dynamic=False, fullgraph=True) for part in self.parts)
        self.saving = None

    def layer(self, index: int, *names: str) -> list[torch.Tensor]:
        return [self.weights[f"blocks.{index}.{name}.weight"] for name in names]

    def losses(self, batch: dict, length: int, scale: torch.Tensor):
        """Weighted loss to differentiate and the plain sum, of one micro-batch on the device."""
        config, weights = self.config, self.weights
        first, middle, last = self.parts
        cos, sin = self.cos[batch["places"]], self.sin[batch["places"]]
        self.attention.batch(batch["starts"], length, len(batch["inputs"]))
        rest = (cos, sin, config.norm_eps, config.head_dim, self.repeat)
        x = F.embedding(batch["inputs"], weights["embedding.weight"]).to(self.dtype)
        q, k, v = first(x, *self.layer(0, "attention_norm", "attention.q", "attention.k", "attention.v"), *rest)
        for index in range(config.n_layer):
            y = self.attention(q, k, v)
            own = self.layer(index, "attention.out", "feed_forward_norm", "feed_forward.gate", "feed_forward.up", "feed_forward.down")
            if index + 1 < config.n_layer:
                x, q, k, v = middle(x, y, *own, *self.layer(index + 1, "attention_norm", "attention.q", "attention.k", "attention.v"), *rest)
        return last(x, y, *own, weights["norm.weight"], weights["embedding.weight"], batch["targets"], batch["weights"], scale, config.norm_eps)

    @torch.no_grad()
    def hidden(self, tokens: torch.Tensor) -> torch.Tensor:
        """Normalised output [B, T, D] without compilation; one document per row."""
        config, (height, width) = self.config, tokens.shape
        cos, sin = (table[:width].repeat(height, 1) for table in (self.cos, self.sin))
        attention = Attention(self.device, "sdpa")
        attention.batch(None, width, height * width)
        rest = (cos, sin, config.norm_eps, config.head_dim, config.n_head // config.n_head_kv)
        x = F.embedding(tokens.flatten(), self.weights["embedding.weight"]).to(self.dtype)
        for index in range(config.n_layer):
            q, k, v = first_part(x, *self.layer(index, "attention_norm", "attention.q", "attention.k", "attention.v"), *rest)
            x = block_end(x, attention(q, k, v), *self.layer(index, "attention.out", "feed_forward_norm", "feed_forward.gate", "feed_forward.up", "feed_forward.down"), config.norm_eps)
        return norm(x, self.weights["norm.weight"], config.norm_eps).view(height, width, -1)

    @torch.no_grad()
    def table_losses(self, table: np.ndarray) -> tuple[float, int]:
        """Summed nats and number of targets of a table of single documents."""
        total, count = 0.0, 0
        embedding = self.weights["embedding.weight"].to(self.dtype)
        for start in range(0, len(table), 32):
            rows = torch.from_numpy(table[start : start + 32].astype(np.int64)).to(self.device)
            inputs, targets = rows[:, :-1].clone(), rows[:, 1:].clone()
            inputs[inputs == PAD], targets[targets == PAD] = 0, -1
            logits = F.linear(self.hidden(inputs), embedding).float().flatten(0, 1)
            total += F.cross_entropy(logits, targets.flatten(), ignore_index=-1, reduction="sum").item()
            count += int((targets >= 0).sum())
        return total, count

    @torch.no_grad()
    def exact(self, form, newline: list[int]) -> dict[str, float]:
        """Share of FIM cases whose middle, and then an end of line, is the most likely token everywhere: greedy exact match."""
        table, spans, order = form
        embedding = self.weights["embedding.weight"].to(self.dtype)
        ends, hits, seen = torch.tensor(newline, device=self.device), {}, {}
        for start in range(0, len(table), 64):
            rows = torch.from_numpy(table[start : start + 64].astype(np.int64)).to(self.device)
            inputs = rows.clone()
            inputs[inputs == PAD] = 0
            best = F.linear(self.hidden(inputs), embedding).argmax(-1)
            for row, (begin, end), language in zip(range(len(rows)), spans[start : start + 64], order[start : start + 64]):
                good = bool((best[row, begin - 1 : end - 1] == rows[row, begin:end]).all()) and bool((best[row, end - 1] == ends).any())
                hits[language] = hits.get(language, 0) + good
                seen[language] = seen.get(language, 0) + 1
        return {language: hits[language] / seen[language] for language in seen}

    def validation(self) -> dict:
        """What pack.py made of the validation packages; less of it where --evaluate-rows says so."""
        data, most = pickle.loads((Path(self.arguments.rows) / "validation.pickle").read_bytes()), self.arguments.evaluate_rows
        if most:
            data["mixed"] = data["mixed"][:most]
            data["plain"] = {language: (table[:most], size * min(most, len(table)) / len(table)) for language, (table, size) in data["plain"].items()}
            data["forms"] = {name: tuple(part[:: max(1, len(part) // most)] for part in form) for name, form in data["forms"].items()}
        return data

    def evaluate(self, data: dict, full: bool) -> tuple[float, float]:
        """(validation nats per token, bits per byte); prints the rest."""
        began = time.time()
        loss, count = self.table_losses(data["mixed"] if full else data["mixed"][:192])
        bits = {}
        for language, (table, size) in data["plain"].items():
            bits[language] = self.table_losses(table)[0] / math.log(2) / size
        words = [f"validation {loss / count:.4f} nats/token, bits/byte " + " ".join(f"{language} {value:.3f}" for language, value in bits.items())]
        for name, form in data["forms"].items():
            words.append(f"exact {name} " + " ".join(f"{language} {value:.1%}" for language, value in self.exact(form, data["newline"]).items()))
        say("; ".join(words), f"({time.time() - began:.1f} s)")
        return loss / count, sum(bits.values()) / len(bits)

    @torch.no_grad()
    def samples(self, data: dict) -> str:
        """Greedy completions of a few prompts, one line each."""
        processor = sentencepiece.SentencePieceProcessor(model_file=str(TOKENIZER))
        prompts, newline = data["prompts"], set(data["newline"])
        embedding = self.weights["embedding.weight"].to(self.dtype)
        texts = [list(prompt["tokens"]) for prompt in prompts]
        done, answers = [False] * len(texts), [[] for _ in texts]
        for _ in range(32):
            width = (max(map(len, texts)) + 63) // 64 * 64
            table = torch.zeros(len(texts), width, dtype=torch.long)
            for index, text in enumerate(texts):
                table[index, : len(text)] = torch.tensor(text)
            hidden = self.hidden(table.to(self.device))
            at = torch.tensor([len(text) - 1 for text in texts], device=self.device)
            best = F.linear(hidden[torch.arange(len(texts), device=self.device), at], embedding).argmax(-1).tolist()
            for index, token in enumerate(best):
                if not done[index]:
                    done[index] = token in newline
                    if not done[index]:
                        answers[index].append(token)
                        texts[index].append(token)
            if all(done):
                break
        lines = []
        for prompt, answer in zip(prompts, answers):
            got = "".join(processor.id_to_piece(token) for token in answer).replace("▁", " ")
            lines.append(f"{prompt['language']:10} {prompt['form']:6} {prompt['shown'].strip()!r} -> {got!r}  (author: {prompt['wanted']!r})")
        return "\n".join(lines)

    # ---------------- saving

    @torch.no_grad()
    def snapshot(self) -> tuple[dict, dict]:
        """Weights as Q8_0 blocks (q, d) and what these leave (r, in steps of d / 220), on the CPU."""
        low, rest = {}, {}
        for name, weight in self.weights.items():
            if weight.dim() == 1:
                low[f"{name}:plain"] = weight.float().cpu().numpy()
                continue
            blocks = weight.detach().float().reshape(-1, 32)
            scale = blocks.abs().amax(1, keepdim=True) / 127
            q = torch.round(blocks * torch.where(scale > 0, 1 / scale, torch.zeros_like(scale)))
            d = scale.half()
            step = d.float() / 220
            r = torch.round((blocks - q * d.float()) * torch.where(step > 0, 1 / step, torch.zeros_like(step))).clamp(-127, 127)
            shape = tuple(weight.shape)
            low[f"{name}:q"], low[f"{name}:d"] = q.to(torch.int8).view(shape).cpu().numpy(), d.view(shape[0], -1).cpu().numpy()
            rest[f"{name}:r"] = r.to(torch.int8).view(shape).cpu().numpy()
        header = json.dumps({"config": self.config.__dict__, "progress": self.progress}).encode()
        low["header"] = np.frombuffer(header, dtype=np.uint8)
        rest["header"] = low["header"]
        return low, rest

    def save(self, wait: bool) -> None:
        if self.saving is not None and self.saving.is_alive():
            if not wait:
                return
            self.saving.join()
        self.saving = threading.Thread(target=self._write, args=self.snapshot())
        self.saving.start()
        if wait:
            self.saving.join()

    def _write(self, low: dict, rest: dict) -> None:
        try:
            state, out = Path(self.arguments.state), self.arguments.out and Path(self.arguments.out)
            for name, data in (("q8", low), ("rest", rest)):
                whole = state / f"model.{name}.npz.partial"
                with whole.open("wb") as file:
                    np.savez(file, **data)
                content = whole.read_bytes()
                size = -(-len(content) // PARTS)
                assert size < PART_LIMIT, f"{name} is too large for {PARTS} parts"
                for part in range(PARTS):
                    target = state / f"model.{name}.{part + 1}of{PARTS}"
                    target.with_suffix(".partial").write_bytes(content[part * size : (part + 1) * size])
                    target.with_suffix(".partial").replace(target)
                whole.unlink()
            if out:
                for part in range(PARTS):
                    name = f"model.q8.{part + 1}of{PARTS}"
                    shutil.copyfile(state / name, out / name)
                shutil.copyfile(state / "curve.csv", out / "curve.csv")
        except Exception:
            traceback.print_exc()

    # ---------------- the run

    def micro_step(self, batch: dict, length: int, scale: float):
        moved = {key: value.to(self.device, non_blocking=True) for key, value in batch.items() if isinstance(value, torch.Tensor)}
        loss, plain = self.losses(moved, length, torch.full((), scale, device=self.device))
        loss.backward()
        return plain.detach()

    def profile(self, loader: Loader, length: int) -> None:
        """Where the time of one micro-batch goes."""
        try:
            from torch.profiler import ProfilerActivity, profile

            batch = loader.next(length)
            torch.cuda.synchronize()
            with profile(activities=[ProfilerActivity.CUDA, ProfilerActivity.CPU]) as profiler:
                self.micro_step(batch, length, 0.0)
                torch.cuda.synchronize()
                began = time.time()
                self.muon.step(0.0, 0.0, torch.zeros((), device=self.device))
                torch.cuda.synchronize()
                say(f"Muon {1e3 * (time.time() - began):.1f} ms")
            print(profiler.key_averages().table(sort_by="self_cuda_time_total", row_limit=22, max_name_column_width=70), flush=True)
        except Exception:
            traceback.print_exc()

    def run(self) -> None:
        arguments, config = self.arguments, self.config
        short, long = arguments.short, arguments.long
        say(f"{self.parameters / 1e6:.2f} M parameters, {config}, attention {self.attention.kind}, micro-batch {arguments.micro}, step {arguments.step}")
        self.progress["processor"] = torch.cuda.get_device_name() if self.cuda else "CPU"
        stopping = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: stopping.set())
        state = Path(arguments.state)
        curve = state / "curve.csv"
        curve.write_text("step,minutes,tokens,learning_rate,train_loss,validation_loss,bits_per_byte\n")
        reset = self.attention.kind != "sdpa"
        middle = sentencepiece.SentencePieceProcessor(model_file=str(TOKENIZER)).piece_to_id("<|fim_middle|>")
        loader = Loader(Path(arguments.rows), (short, long), arguments.micro, middle, reset, self.cuda)
        batch = loader.next(short)
        say("first rows are here; warming up")
        for attempt in ("as asked", "without compilation"):
            try:
                for _ in range(2):
                    loss = self.micro_step(batch, short, 1 / batch["total"])
                    first = loss.item() / batch["count"]
                break
            except Exception:
                if attempt != "as asked" or not arguments.compile:
                    raise
                traceback.print_exc()
                say("compilation failed; going on without it")
                self.parts = (first_part, middle_part, last_part)
        for weight in self.weights.values():
            weight.grad.zero_()
        for velocity in self.muon.velocities:
            self.muon.orthogonalise(torch.randn_like(velocity))
        say(f"warm; loss at the start {first:.3f} (uniform {math.log(config.n_vocab):.3f})")
        data = None
        began = clock = time.time()
        deadline = STARTED + arguments.seconds - arguments.tail
        everything = list(self.weights.values())
        average, saved, evaluated, marks, pending, last_log = None, began, began, [], [], began
        buffer = torch.zeros(64)
        buffer = buffer.pin_memory() if self.cuda else buffer
        per_token = 6 * self.parameters
        warm_tokens, bad = 0, 0
        while not stopping.is_set():
            now = time.time()
            spent = (now - began) / max(1e-9, deadline - began)
            if spent >= 1:
                break
            length = long if spent >= LONG_FROM else short
            batches = [loader.next(length) for _ in range(max(1, arguments.step // arguments.micro))]
            total, count = sum(batch["total"] for batch in batches), sum(batch["count"] for batch in batches)
            plain = sum(self.micro_step(batch, length, 1 / total) for batch in batches)
            factor = learning_rate(spent)
            for weight in everything:
                weight.grad.nan_to_num_(0.0, 0.0, 0.0)
            norm_ = torch.linalg.vector_norm(torch.stack(torch._foreach_norm([weight.grad for weight in everything])))
            scale = torch.where(torch.isfinite(norm_), (1.0 / (norm_ + 1e-6)).clamp(max=1.0), torch.zeros_like(norm_))
            others = [weight.grad for group in self.adam.param_groups for weight in group["params"]]
            torch._foreach_mul_(others, scale)
            for group in self.adam.param_groups:
                group["lr"] = ADAM_LR * factor
            self.adam.step()
            self.muon.step(MUON_LR * factor, 0.85 + 0.10 * min(1.0, self.progress["step"] / 300), scale)
            torch._foreach_zero_([weight.grad for weight in everything])
            slot = self.progress["step"] % 64
            buffer[slot : slot + 1].copy_(plain.reshape(1), non_blocking=True)
            pending.append((slot, count))
            if self.cuda:
                event = torch.cuda.Event()
                event.record()
                marks.append(event)
                if len(marks) > 2:
                    marks.pop(0).synchronize()
            ready = pending[: -2] if self.cuda else pending
            for own_slot, own_count in ready:
                loss = buffer[own_slot].item() / own_count
                if not math.isfinite(loss):
                    bad += 1
                    say(f"loss {loss} at step {self.progress['step']}")
                    if bad > 20:
                        raise FloatingPointError("the weights are lost")
                    continue
                average = loss if average is None else 0.97 * average + 0.03 * loss
            pending = pending[len(ready) :]
            self.progress["step"] += 1
            self.progress["tokens"] += count
            self.progress["seconds"] = time.time() - began
            if average is None:
                continue
            due = time.time() - evaluated > arguments.evaluate_seconds
            step = self.progress["step"]
            if step in (10, 30) or step % 50 == 0 or due:
                values = ("", "")
                if due and (Path(arguments.rows) / "validation.pickle").exists():
                    try:
                        data = data or self.validation()
                        values = tuple(f"{value:.4f}" for value in self.evaluate(data, False))
                    except Exception:  # training goes first
                        traceback.print_exc()
                evaluated = time.time() if due else evaluated
                speed = (self.progress["tokens"] - warm_tokens) / (time.time() - last_log)
                warm_tokens, last_log = self.progress["tokens"], time.time()
                row = [step, f"{self.progress['seconds'] / 60:.3f}", self.progress["tokens"], f"{factor:.4f}", f"{average:.4f}", *values]
                with curve.open("a") as file:
                    csv.writer(file, lineterminator="\n").writerow(row)
                attention = 6 * config.n_layer * config.n_embd * length / 2
                say(f"step {step}, {self.progress['tokens'] / 1e6:.1f} M tokens, lr {factor:.3f}, loss {average:.4f}, {speed / 1e3:.0f} k tokens/s, MFU {speed * (per_token + attention) / 989e12:.1%}, "
                    f"epochs begun {loader.epochs}" + (f", queue {loader.queue.qsize()}" if loader.queue.qsize() < 3 else ""))
                if arguments.profile and step >= 50:
                    self.profile(loader, length)
                    arguments.profile = False
            if time.time() - saved > arguments.save_seconds:
                try:
                    self.save(wait=False)
                except Exception:
                    traceback.print_exc()
                saved = time.time()
        if self.cuda:
            torch.cuda.synchronize()
            say(f"peak memory {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB")
        loader.stop = True
        self.progress["seconds"] = time.time() - began
        say(f"schedule over: {self.progress['step']} steps, {self.progress['tokens'] / 1e6:.1f} M tokens in {self.progress['seconds']:.0f} s, {loader.repeated} repeated epochs; saving")
        self.save(wait=True)
        say("saved")
        try:
            data = data or self.validation()
            values = self.evaluate(data, True)
            row = [self.progress["step"], f"{self.progress['seconds'] / 60:.3f}", self.progress["tokens"], f"{learning_rate(min(1.0, spent)):.4f}", f"{average:.4f}", *(f"{value:.4f}" for value in values)]
            with curve.open("a") as file:
                csv.writer(file, lineterminator="\n").writerow(row)
            text = self.samples(data)
            (state / "samples.txt").write_text(text + "\n")
            print(text, flush=True)
        except Exception:
            traceback.print_exc()
        say("done")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default=str(WORK / "rows"))
    parser.add_argument("--state", default=str(WORK / "state"))
    parser.add_argument("--out", default="")
    parser.add_argument("--seconds", type=float, required=True, help="from $STARTED to the end of everything")
    parser.add_argument("--tail", type=float, default=14, help="of these, for saving, evaluation and samples")
    parser.add_argument("--size", choices=SIZES, default="large")
    parser.add_argument("--layers", type=int, default=0)
    parser.add_argument("--vocabulary", type=int, default=0)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--attention", default="")
    parser.add_argument("--no-compile", dest="compile", action="store_false")
    parser.add_argument("--evaluate-rows", type=int, default=0, help="fewer, to try this out")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--micro", type=int, default=65536)
    parser.add_argument("--step", type=int, default=131072)
    parser.add_argument("--short", type=int, default=1024)
    parser.add_argument("--long", type=int, default=2048)
    parser.add_argument("--save-seconds", type=float, default=60)
    parser.add_argument("--evaluate-seconds", type=float, default=75)
    arguments = parser.parse_args()
    arguments.compile = arguments.compile and arguments.device == "cuda"
    Path(arguments.state).mkdir(parents=True, exist_ok=True)
    say(f"PyTorch {torch.__version__}")
    Trainer(arguments).run()


if __name__ == "__main__":
    main()
