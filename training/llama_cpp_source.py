"""Find gguf-py: in $LLAMA_CPP, or in the git bundle of llama.cpp that node-llama-cpp ships."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from common import HERE, WORK

BUNDLE = HERE.parent / "node_modules" / "node-llama-cpp" / "llama" / "gitRelease.bundle"


def source() -> Path:
    """The folder of llama.cpp's source, cloned from the bundle when needed."""
    if "LLAMA_CPP" in os.environ:
        return Path(os.environ["LLAMA_CPP"])
    clone = WORK / "llama.cpp"
    if not clone.exists():
        subprocess.run(["git", "clone", "--quiet", BUNDLE, clone], check=True)
    return clone


def import_gguf():
    """llama.cpp's own gguf module."""
    sys.path.insert(0, str(source() / "gguf-py"))
    import gguf

    return gguf
