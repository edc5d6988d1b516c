"""The model's operations on a CPU, fused and in bfloat16 (see cpu_kernels.c); a drop-in for `model.TorchOps` when training.

Matrix products stay with oneDNN. Use under bfloat16 autocast, one PyTorch thread per calling thread.
"""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path

import torch

from common import HERE, WORK

SOURCE = HERE / "cpu_kernels.c"
CHUNK = 1024  # rows of logits held at a time


def _build() -> ctypes.CDLL:
    library = WORK / "cpu_kernels.so"
    if not library.exists() or library.stat().st_mtime < SOURCE.stat().st_mtime:
        WORK.mkdir(exist_ok=True)
        flags = ["-O3", "-march=native", "-ffast-math", "-shared", "-fPIC"]
        subprocess.run(["cc", *flags, "-o", library, SOURCE, "-lm"], check=True)
    kernels = ctypes.CDLL(str(library))
    kernels.cross_entropy.restype = ctypes.c_double
    return kernels


_kernels = _build()


def _call(name: str, *arguments):
    """Call a kernel with tensors as pointers, ints as int64 and floats as float."""
    converted = []
    for argument in arguments:
        if isinstance(argument, torch.Tensor):
            assert argument.is_contiguous()
            converted.append(ctypes.c_void_p(argument.data_ptr()))
        else:
            converted.append(ctypes.c_int64(argument) if isinstance(argument, int) else ctypes.c_float(argument))
    return getattr(_kernels, name)(*converted)


class _RmsNorm(torch.autograd.Function):
    @staticmethod
    def forward(context, x, weight, eps):
        x = x.contiguous()
        out = torch.empty_like(x, dtype=torch.bfloat16)
        rows, width = x.numel() // x.shape[-1], x.shape[-1]
        inverse = torch.empty(rows)
        _call("rms_norm_forward", x, weight, out, inverse, rows, width, eps)
        context.save_for_backward(x, weight, inverse)
        return out

    @staticmethod
    def backward(context, grad):
        x, weight, inverse = context.saved_tensors
        grad_x, grad_weight = torch.empty_like(x), torch.zeros_like(weight)
        rows, width = x.numel() // x.shape[-1], x.shape[-1]
        _call("rms_norm_backward", grad.contiguous(), x, weight, inverse, grad_x, grad_weight, rows, width)
        return grad_x, grad_weight, None


class _SwiGLU(torch.autograd.Function):
    @staticmethod
    def forward(context, gate, up):
        out = torch.empty_like(gate)
        _call("swiglu_forward", gate, up, out, gate.numel())
        context.save_for_backward(gate, up)
        return out

    @staticmethod
    def backward(context, grad):
        gate, up = context.saved_tensors
        grad_gate, grad_up = torch.empty_like(gate), torch.empty_like(up)
        _call("swiglu_backward", grad.contiguous(), gate, up, grad_gate, grad_up, gate.numel())
        return grad_gate, grad_up


class _Heads(torch.autograd.Function):
    """[B, T, heads·size] -> [B, heads·repeat, T, size], rotated where `rotate`."""

    @staticmethod
    def forward(context, x, cos, sin, heads, repeat, rotate):
        batch, length, width = x.shape
        size = width // heads
        out = torch.empty(batch, heads * repeat, length, size, dtype=torch.bfloat16)
        context.shape = (batch, length, heads, size, repeat, int(rotate))
        context.save_for_backward(cos, sin)
        _call("rotate_forward", x, cos, sin, out, *context.shape)
        return out

    @staticmethod
    def backward(context, grad):
        batch, length, heads, size, *_ = context.shape
        out = torch.empty(batch, length, heads * size, dtype=torch.bfloat16)
        _call("rotate_backward", grad.contiguous(), *context.saved_tensors, out, *context.shape)
        return out, None, None, None, None, None


class _CausalSoftmax(torch.autograd.Function):
    @staticmethod
    def forward(context, scores, scale):
        length = scores.shape[-1]
        _call("causal_softmax_forward", scores, scores.numel() // length**2, length, scale)
        context.mark_dirty(scores)
        context.save_for_backward(scores)
        context.scale = scale
        return scores

    @staticmethod
    def backward(context, grad):
        (probabilities,) = context.saved_tensors
        grad, length = grad.contiguous(), grad.shape[-1]
        _call("causal_softmax_backward", grad, probabilities, grad.numel() // length**2, length, context.scale)
        return grad, None


class _LinearCrossEntropy(torch.autograd.Function):
    """Summed cross-entropy of hidden @ weight.T, times `scale`; gradients are made along the way, chunk by chunk."""

    @staticmethod
    def forward(context, hidden, weight, targets, scale):
        narrow, grad_hidden, grad_weight, total = weight.bfloat16(), torch.empty_like(hidden), torch.zeros_like(weight), 0.0
        for start in range(0, len(hidden), CHUNK):
            rows = hidden[start : start + CHUNK]
            logits = rows @ narrow.t()
            total += _call("cross_entropy", logits, targets[start : start + CHUNK], len(rows), logits.shape[1], scale)
            grad_hidden[start : start + CHUNK] = logits @ narrow
            grad_weight += logits.t() @ rows
        context.save_for_backward(grad_hidden, grad_weight)
        return torch.tensor(total * scale)

    @staticmethod
    def backward(context, grad):
        grad_hidden, grad_weight = context.saved_tensors  # the loss is the root of the graph: grad is 1
        return grad_hidden, grad_weight, None, None


class CpuOps:
    """See model.TorchOps for what each operation is."""

    @staticmethod
    def rms_norm(x, weight, eps):
        return _RmsNorm.apply(x, weight, eps)

    @staticmethod
    def swiglu(gate, up):
        return _SwiGLU.apply(gate, up)

    @staticmethod
    def attention(q, k, v, cos, sin, heads, heads_kv):
        repeat, (batch, length, width) = heads // heads_kv, q.shape
        q = _Heads.apply(q, cos, sin, heads, 1, True).flatten(0, 1)
        k = _Heads.apply(k, cos, sin, heads_kv, repeat, True).flatten(0, 1)
        v = _Heads.apply(v, cos, sin, heads_kv, repeat, False).flatten(0, 1)
        scores = torch.bmm(q, k.transpose(1, 2))
        y = torch.bmm(_CausalSoftmax.apply(scores, (width // heads) ** -0.5), v)
        return y.view(batch, heads, length, -1).transpose(1, 2).reshape(batch, length, width)

    @staticmethod
    def cross_entropy(hidden, weight, targets, scale):
        return _LinearCrossEntropy.apply(hidden.flatten(0, 1), weight, targets.reshape(-1).contiguous(), scale)
