"""The network: `llama` in GGUF terms (RMSNorm, rotary positions, grouped-query attention, SwiGLU, tied embeddings).

Shapes: B sequences, T tokens, D embedding, V vocabulary.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F


@dataclass(frozen=True)
class Config:
    """Sizes of a model; n_embd and n_ff are multiples of 256 so that every K-quant block fits."""

    n_embd: int
    n_layer: int
    n_head: int
    n_head_kv: int
    n_ff: int
    n_vocab: int
    n_ctx: int
    rope_base: float = 10_000.0
    norm_eps: float = 1e-5

    @property
    def head_dim(self) -> int:
        return self.n_embd // self.n_head


SIZES = {
    "tiny": Config(n_embd=256, n_layer=2, n_head=4, n_head_kv=2, n_ff=512, n_vocab=8192, n_ctx=1024),  # to try the recipe out
    "small": Config(n_embd=256, n_layer=6, n_head=4, n_head_kv=2, n_ff=1280, n_vocab=8192, n_ctx=1024),
    "large": Config(n_embd=512, n_layer=12, n_head=8, n_head_kv=2, n_ff=2048, n_vocab=16384, n_ctx=2048),
}


def rotate(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Rotary positions on x [B, heads, T, head_dim]. Halves are rotated against each other, which is faster than the
    interleaved pairs of ggml's `llama`; the export permutes the rows of q and k accordingly (`interleave`)."""
    first, second = x.chunk(2, -1)
    return torch.cat((first * cos - second * sin, second * cos + first * sin), -1)


def interleave(weight: torch.Tensor, heads: int) -> torch.Tensor:
    """Rows of a q or k projection [heads·head_dim, D] from rotated halves to interleaved pairs, as ggml expects."""
    rows, width = weight.shape
    return weight.view(heads, 2, rows // heads // 2, width).transpose(1, 2).reshape(rows, width)


def deinterleave(weight: torch.Tensor, heads: int) -> torch.Tensor:
    """The inverse of `interleave`."""
    rows, width = weight.shape
    return weight.view(heads, rows // heads // 2, 2, width).transpose(1, 2).reshape(rows, width)


class TorchOps:
    """The operations between matrix products."""

    @staticmethod
    def rms_norm(x: torch.Tensor, weight: torch.Tensor, eps: float) -> torch.Tensor:
        """x / rms(x) * weight over the last dimension."""
        x = x.float()
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + eps) * weight

    @staticmethod
    def swiglu(gate: torch.Tensor, up: torch.Tensor) -> torch.Tensor:
        return F.silu(gate) * up

    @staticmethod
    def attention(q, k, v, cos, sin, heads: int, heads_kv: int) -> torch.Tensor:
        """Causal attention; q [B, T, D], k and v [B, T, heads_kv·head_dim] -> [B, T, D]. Fused where PyTorch has it (from 2.0)."""
        batch, length, width = q.shape
        q, k, v = (x.view(batch, length, -1, width // heads).transpose(1, 2) for x in (q, k, v))
        q, k = rotate(q, cos, sin).to(v.dtype), rotate(k, cos, sin).to(v.dtype)  # in float32, as cos and sin are
        k, v = (x.repeat_interleave(heads // heads_kv, 1) for x in (k, v))
        if hasattr(F, "scaled_dot_product_attention"):
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            hidden = torch.ones(length, length, dtype=torch.bool, device=q.device).triu(1)
            scores = (q @ k.transpose(-1, -2)) * (width // heads) ** -0.5
            y = scores.masked_fill(hidden, float("-inf")).softmax(-1) @ v
        return y.transpose(1, 2).reshape(batch, length, width)

    @staticmethod
    def cross_entropy(hidden: torch.Tensor, weight: torch.Tensor, targets: torch.Tensor, scale: float) -> torch.Tensor:
        """scale · summed cross-entropy (nats) of hidden @ weight.T against targets; negative targets do not count."""
        logits = F.linear(hidden, weight).float()
        return scale * F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-1, reduction="sum")


class RMSNorm(nn.Module):
    def __init__(self, config: Config, ops):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(config.n_embd))
        self.eps, self.ops = config.norm_eps, ops

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.ops.rms_norm(x, self.weight, self.eps)


class Attention(nn.Module):
    def __init__(self, config: Config, ops):
        super().__init__()
        self.config, self.ops = config, ops
        kv = config.head_dim * config.n_head_kv
        self.q = nn.Linear(config.n_embd, config.n_embd, bias=False)
        self.k = nn.Linear(config.n_embd, kv, bias=False)
        self.v = nn.Linear(config.n_embd, kv, bias=False)
        self.out = nn.Linear(config.n_embd, config.n_embd, bias=False)

    def forward(self, x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
        config = self.config
        return self.out(self.ops.attention(self.q(x), self.k(x), self.v(x), cos, sin, config.n_head, config.n_head_kv))


class FeedForward(nn.Module):
    def __init__(self, config: Config, ops):
        super().__init__()
        self.ops = ops
        self.gate = nn.Linear(config.n_embd, config.n_ff, bias=False)
        self.up = nn.Linear(config.n_embd, config.n_ff, bias=False)
        self.down = nn.Linear(config.n_ff, config.n_embd, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.down(self.ops.swiglu(self.gate(x), self.up(x)))


class Block(nn.Module):
    def __init__(self, config: Config, ops):
        super().__init__()
        self.attention_norm = RMSNorm(config, ops)
        self.attention = Attention(config, ops)
        self.feed_forward_norm = RMSNorm(config, ops)
        self.feed_forward = FeedForward(config, ops)

    def forward(self, x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
        x = x + self.attention(self.attention_norm(x), cos, sin)
        return x + self.feed_forward(self.feed_forward_norm(x))


class Model(nn.Module):
    def __init__(self, config: Config, ops=TorchOps):
        super().__init__()
        self.config, self.ops = config, ops
        self.embedding = nn.Embedding(config.n_vocab, config.n_embd)
        self.blocks = nn.ModuleList(Block(config, ops) for _ in range(config.n_layer))
        self.norm = RMSNorm(config, ops)
        for name, weight in self.named_parameters():
            if name == "embedding.weight":
                nn.init.normal_(weight, std=0.02)
            elif name.endswith(("out.weight", "down.weight")):
                nn.init.zeros_(weight)  # every block starts as the identity
            elif weight.dim() == 2:
                nn.init.normal_(weight, std=0.8 / math.sqrt(weight.shape[1]))
        half = torch.arange(0, config.head_dim, 2) / config.head_dim
        angles = torch.arange(config.n_ctx)[:, None] * config.rope_base ** -half[None]
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)

    def hidden(self, tokens: torch.Tensor) -> torch.Tensor:
        """Normalised output of the last block, [B, T, D], for tokens [B, T]."""
        x = self.embedding(tokens)
        length = tokens.shape[1]
        for block in self.blocks:
            x = block(x, self.cos[:length], self.sin[:length])
        return self.norm(x)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Logits [B, T, V]."""
        return F.linear(self.hidden(tokens), self.embedding.weight)

    def loss(self, tokens: torch.Tensor, targets: torch.Tensor, scale: float) -> torch.Tensor:
        """scale · summed cross-entropy in nats; targets [B, T] are negative where nothing is to be learned."""
        return self.ops.cross_entropy(self.hidden(tokens), self.embedding.weight, targets, scale)
