"""Write the small held-out sample that benches use offline: heldout/ and heldout.json.

    python3 training/heldout.py

Needs .work/corpus.jsonl (step 1), which also holds the held-out packages whole: the lines whose split is `test`.
"""

from __future__ import annotations

import json
import random
import re
import shutil

import archives
from common import CORPUS, HERE, LANGUAGES, load_packages

SEED = 5
FILES_PER_LANGUAGE, MIN_BYTES, MAX_BYTES = 10, 3_000, 14_000
FOLDER, INDEX = HERE / "heldout", HERE / "heldout.json"


def choose(files: list[dict]) -> list[dict]:
    """FILES_PER_LANGUAGE files of middling size per language, taken from the packages in turn."""
    random_, chosen = random.Random(SEED), []
    for language in LANGUAGES:
        by_package: dict[str, list[dict]] = {}
        for file in files:
            if file["lang"] == language and MIN_BYTES <= len(file["text"]) <= MAX_BYTES:
                by_package.setdefault(file["package"], []).append(file)
        for group in by_package.values():
            random_.shuffle(group)
        names, count = sorted(by_package), 0
        while count < FILES_PER_LANGUAGE and any(by_package.values()):
            for name in names:
                if by_package[name] and count < FILES_PER_LANGUAGE:
                    chosen.append(by_package[name].pop())
                    count += 1
    return chosen


def licence_text(package: dict) -> str:
    """The licence file that a package ships: LICENSE in npm's, debian/copyright in Debian's."""
    find = archives.npm_file if package["registry"] == "npm" else archives.debian_file
    pattern = r"licen[sc]e(\.\w+)?$" if package["registry"] == "npm" else rf"usr/share/doc/{re.escape(package['name'])}/copyright$"
    for path, content in archives.members(find(package["name"], package["version"])):
        if re.match(pattern, path, re.I):
            return content.decode("utf-8", "replace")
    raise ValueError(f"{package['name']}: no licence file")


def main() -> None:
    packages = {package["name"]: package for package in load_packages() if package["split"] == "test"}
    with CORPUS.open() as corpus:
        files = [file for line in corpus if (file := json.loads(line))["split"] == "test"]
    shutil.rmtree(FOLDER, ignore_errors=True)
    index = []
    for file in choose(files):
        # .txt, so that no tool of this repository takes a sample for its own source
        path = FOLDER / file["package"].replace("/", "__") / (file["path"].replace("/", "__") + ".txt")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file["text"])
        index.append({
            "file": str(path.relative_to(HERE)), "package": file["package"], "path": file["path"], "language": file["lang"],
            "licence": packages[file["package"]]["licence"],
        })
    for name in sorted({item["package"] for item in index}):
        (FOLDER / name.replace("/", "__") / "LICENSE.txt").write_text(licence_text(packages[name]))
    rows = lambda items: "[\n    " + ",\n    ".join(json.dumps(item) for item in items) + "\n  ]"
    INDEX.write_text('{\n  "packages": ' + rows(packages.values()) + ',\n  "files": ' + rows(index) + "\n}\n")
    print(f"{len(index)} files, {sum((HERE / item['file']).stat().st_size for item in index) / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
