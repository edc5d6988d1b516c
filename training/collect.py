"""Step 1: download the pinned packages and write their clean, deduplicated source files to .work/corpus.jsonl.

    python3 training/collect.py [--uncapped] [--only SPLIT …]

Held-out packages come first, so that a training file which nearly equals a held-out one is the one that goes. A package that cannot be
had or read is reported and left out; .work/collected.json counts the files and bytes that each of the others gave, for the model's card.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tarfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

import archives
from common import COLLECTED, CORPUS, LANGUAGES, load_packages
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


def try_package(package: dict) -> tuple[dict, list[dict], str]:
    """The package, its files, and why there are none where it failed: gone from its registry, or no archive that can be read."""
    try:
        return package, read_package(package), ""
    except (subprocess.CalledProcessError, OSError, EOFError, ValueError, AttributeError, tarfile.TarError) as error:
        return package, [], f"{type(error).__name__}: {error}"


def over_cap(split: str, language_: str, package_size: int, language_size: int, uncapped: bool) -> bool:
    """True when a package or, in training, a language has its share; held-out packages are capped in any case."""
    if split == "train" and uncapped:
        return False
    return package_size > PACKAGE_CAP[language_] or split == "train" and language_size > LANGUAGE_CAP[language_]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--uncapped", action="store_true", help="all training files, for a long run")
    parser.add_argument("--only", nargs="+", choices=("train", "validation", "test"), help="these packages alone, say `test` to evaluate")
    arguments = parser.parse_args()
    packages = [package for package in load_packages() if arguments.only is None or package["split"] in arguments.only]
    random.Random(SEED).shuffle(packages)
    packages.sort(key=lambda package: package["split"] == "train")
    seen, sizes, counts, kept, collected, failed = Seen(), Counter(), Counter(), 0, [], 0
    CORPUS.parent.mkdir(exist_ok=True)
    with ProcessPoolExecutor() as pool, CORPUS.open("w") as out:
        for package, files, failure in pool.map(try_package, packages):
            own, own_files = Counter(), 0
            if failure:
                failed += 1
                print(f"left out {package['name']} {package['version']} ({package['registry']}): {failure}", file=sys.stderr)
            for file in files:
                key = file["split"], file["lang"]
                size = len(file["text"])
                if over_cap(*key, own[key] + size, sizes[key] + size, arguments.uncapped):
                    counts["over a cap"] += 1
                elif not seen.is_new(file.pop("signature")):
                    counts["near-duplicate"] += 1
                else:
                    out.write(json.dumps(file) + "\n")
                    own[key] += size
                    sizes[key] += size
                    own_files += 1
            kept += own_files
            if own_files:
                collected.append({**package, "files": own_files, "characters": sum(own.values())})
    collected.sort(key=lambda package: (package["registry"], package["name"]))
    COLLECTED.write_text(json.dumps(collected, indent=1) + "\n")
    print(f"{kept} files of {len(collected)} packages kept, {failed} packages failed; left out: {dict(counts)}")
    for split in ("train", "validation", "test"):
        print(split, {lang: f"{sizes[split, lang] / 1e6:.2f} MB" for lang in LANGUAGES})


if __name__ == "__main__":
    main()
