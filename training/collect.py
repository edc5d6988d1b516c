"""Step 1: download the pinned packages and write their clean, deduplicated source files to .work/corpus.jsonl.

    python3 training/collect.py [--uncapped]

Held-out packages come first, so that a training file which nearly equals a held-out one is the one that goes.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

import archives
from common import CORPUS, LANGUAGES, load_packages
from near_duplicates import Seen, signature
from source_filter import clean, keep_path, language

SEED = 1
PACKAGE_CAP = {"TypeScript": 2_500_000, "JavaScript": 1_000_000, "Python": 800_000}  # bytes per package: none dominates
LANGUAGE_CAP = {"TypeScript": 60_000_000, "JavaScript": 40_000_000, "Python": 48_000_000}  # bytes of training text


def read_package(package: dict) -> list[dict]:
    """Every clean source file of one package with its MinHash signature."""
    find = archives.npm_file if package["registry"] == "npm" else archives.debian_file
    archive = find(package["name"], package["version"])
    if archive is None or not archive.exists():
        archives.download(package["registry"], package["name"], package["version"])
        archive = find(package["name"], package["version"])
    contents = {path: content for path, content in archives.members(archive) if language(path)}
    suffixes = Counter(language(path) for path in contents if not path.endswith((".d.ts", ".d.mts", ".d.cts")))
    ships_typescript = suffixes["TypeScript"] > 0.2 * suffixes["JavaScript"]
    files = []
    for path, content in sorted(contents.items()):
        if keep_path(package["name"], path, ships_typescript) and (text := clean(content)):
            files.append({
                "package": package["name"], "path": path.removeprefix("usr/lib/python3/dist-packages/").removeprefix("usr/lib/"),
                "lang": language(path), "split": package["split"], "text": text, "signature": signature(text),
            })
    random.Random(f"{SEED}{package['name']}").shuffle(files)
    return files


def over_cap(split: str, language_: str, package_size: int, language_size: int, uncapped: bool) -> bool:
    """True when a package or, in training, a language has its share; held-out packages are capped in any case."""
    if split == "train" and uncapped:
        return False
    return package_size > PACKAGE_CAP[language_] or split == "train" and language_size > LANGUAGE_CAP[language_]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--uncapped", action="store_true", help="all training files, for a long run")
    uncapped = parser.parse_args().uncapped
    packages = load_packages()
    random.Random(SEED).shuffle(packages)
    packages.sort(key=lambda package: package["split"] == "train")
    seen, sizes, counts, kept = Seen(), Counter(), Counter(), 0
    CORPUS.parent.mkdir(exist_ok=True)
    with ProcessPoolExecutor() as pool, CORPUS.open("w") as out:
        for files in pool.map(read_package, packages):
            own = Counter()
            for file in files:
                key = file["split"], file["lang"]
                size = len(file["text"])
                if over_cap(*key, own[key] + size, sizes[key] + size, uncapped):
                    counts["over a cap"] += 1
                elif not seen.is_new(file.pop("signature")):
                    counts["near-duplicate"] += 1
                else:
                    out.write(json.dumps(file) + "\n")
                    own[key] += size
                    sizes[key] += size
                    kept += 1
    print(f"{kept} files kept; left out: {dict(counts)}")
    for split in ("train", "validation", "test"):
        print(split, {lang: f"{sizes[split, lang] / 1e6:.2f} MB" for lang in LANGUAGES})


if __name__ == "__main__":
    main()
