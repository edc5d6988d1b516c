"""Quantise matrices with ggml itself, from the native build: gguf-py writes no K-quants."""

from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np

from common import HERE

BINS = HERE.parent / "node_modules" / "node-llama-cpp" / "bins"


def _library() -> ctypes.CDLL:
    found = sorted(BINS.glob("*/libggml-base.*"))
    if not found:
        raise SystemExit("K-quants need the native build: npm run build:native")
    return ctypes.CDLL(str(found[0]))


def quantize(array: np.ndarray, kind: int, block: int, block_bytes: int) -> np.ndarray:
    """Bytes [rows, width / block * block_bytes] of a float32 matrix [rows, width] in ggml's type number `kind`."""
    rows, width = array.shape
    if width % block:
        raise ValueError(f"rows of {width} do not hold blocks of {block}")
    source = np.ascontiguousarray(array, dtype=np.float32)
    target = np.zeros((rows, width // block * block_bytes), dtype=np.uint8)
    function = _library().ggml_quantize_chunk
    function.restype = ctypes.c_size_t
    pointers = (ctypes.c_void_p(source.ctypes.data), ctypes.c_void_p(target.ctypes.data))
    written = function(ctypes.c_int(kind), *pointers, ctypes.c_int64(0), ctypes.c_int64(rows), ctypes.c_int64(width), None)
    assert written == target.nbytes, (written, target.nbytes)
    return target
