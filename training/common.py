"""Paths, languages and licence rules shared by every step of the recipe."""

from __future__ import annotations

import json
from pathlib import Path

HERE = Path(__file__).resolve().parent
WORK = HERE / ".work"  # git-ignored: archives, corpus, token files, checkpoints
SOURCES = HERE / "sources.json"  # names we want
PACKAGES = HERE / "packages.json"  # names, versions and licences we got (pinned)
CORPUS = WORK / "corpus.jsonl"  # one JSON object per file: {package, path, lang, split, text}
COLLECTED = WORK / "collected.json"  # the packages that gave text, with how much
TOKENIZER = WORK / "tokenizer.model"

LANGUAGE_BY_SUFFIX = {
    ".ts": "TypeScript", ".tsx": "TypeScript", ".mts": "TypeScript", ".cts": "TypeScript",
    ".js": "JavaScript", ".mjs": "JavaScript", ".cjs": "JavaScript", ".jsx": "JavaScript",
    ".py": "Python",
}
LANGUAGES = ("TypeScript", "JavaScript", "Python")

# SPDX identifiers (or Debian's short names for the same texts) that may enter the corpus.
PERMISSIVE = {
    "MIT", "Expat", "expat", "ISC", "0BSD", "BSD", "BSD-2-Clause", "BSD-3-Clause", "BSD-2-clause", "BSD-3-clause",
    "BSD-2", "BSD-3", "Apache-2.0", "Apache-2", "Apache", "PSF", "PSF-2", "PSF-2.0", "Python-2.0",
}


def is_permissive(licence: str) -> bool:
    """True when every part of an SPDX or DEP-5 expression is permissive, or when an `OR` offers a permissive part."""
    expression = licence.replace("(", " ").replace(")", " ").replace(",", " ")
    for operator in (" or ", " Or "):
        expression = expression.replace(operator, " OR ")
    for operator in (" and ", " And "):
        expression = expression.replace(operator, " AND ")
    return any(
        all(part.strip() in PERMISSIVE for part in alternative.split(" AND "))
        for alternative in expression.split(" OR ")
    )


def spdx(licence: str) -> str:
    """Debian's short names in SPDX's spelling, for counting."""
    names = {"Expat": "MIT", "expat": "MIT", "Apache": "Apache-2.0", "Apache-2": "Apache-2.0", "PSF": "PSF-2.0", "PSF-2": "PSF-2.0"}
    words = licence.strip("()").replace(" or ", " OR ").split(" ")
    words = [names.get(word, word).replace("clause", "Clause") for word in words]
    return " ".join(f"{word}-Clause" if word in ("BSD-2", "BSD-3") else word for word in words)


def load_packages() -> list[dict]:
    """The pinned packages: [{registry, name, version, licence, split}]."""
    return json.loads(PACKAGES.read_text())["packages"]
