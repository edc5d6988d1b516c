"""Find near-duplicate files with MinHash: 64 hashes over shingles of five words, 16 bands of four.

Two files that share a band are compared by their whole signatures; the share of equal hashes estimates the Jaccard
similarity of their shingle sets (Broder 1997).
"""

from __future__ import annotations

import re
import zlib

import numpy as np

HASHES, BANDS, SHINGLE = 64, 16, 5
THRESHOLD = 0.7  # estimated Jaccard similarity from which two files count as the same

_random = np.random.default_rng(20260101)
_MULTIPLIERS = _random.integers(1, 2**63, HASHES, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
_OFFSETS = _random.integers(0, 2**63, HASHES, dtype=np.uint64)
_WORD = re.compile(r"\w+|[^\w\s]")


def signature(text: str) -> np.ndarray:
    """MinHash signature of a text, [HASHES] uint32."""
    words = np.array([zlib.crc32(word.encode()) for word in _WORD.findall(text)], dtype=np.uint64)
    if len(words) < SHINGLE:
        words = np.pad(words, (0, SHINGLE - len(words)))
    shingles = np.zeros(len(words) - SHINGLE + 1, dtype=np.uint64)
    for offset in range(SHINGLE):
        shingles = shingles * np.uint64(0x9E3779B97F4A7C15) + words[offset : offset + len(shingles)]
    smallest = np.empty(HASHES, dtype=np.uint32)
    for index in range(HASHES):
        hashed = (shingles * _MULTIPLIERS[index] + _OFFSETS[index]) >> np.uint64(32)
        smallest[index] = hashed.min()
    return smallest


class Seen:
    """The files accepted so far; `is_new` says whether another one may join them."""

    def __init__(self) -> None:
        self._signatures: list[np.ndarray] = []
        self._buckets: dict[tuple[int, bytes], list[int]] = {}

    def is_new(self, candidate: np.ndarray) -> bool:
        """False when an accepted file is a near-duplicate; otherwise accepts the candidate and returns True."""
        keys = [(band, part.tobytes()) for band, part in enumerate(candidate.reshape(BANDS, -1))]
        for other in {index for key in keys for index in self._buckets.get(key, ())}:
            if (self._signatures[other] == candidate).mean() >= THRESHOLD:
                return False
        for key in keys:
            self._buckets.setdefault(key, []).append(len(self._signatures))
        self._signatures.append(candidate)
        return True
