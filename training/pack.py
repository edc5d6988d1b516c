"""Step 3: turn the corpus into training rows of fixed length, .work/rows-<split>-<length>.npy.

    python3 training/pack.py --length 512

A document is one of
  plain         [path header] code
  FIM           [path header] <prefix>P<suffix>S<middle>M
  several files <sep>path\\ncode <sep>path\\ncode … <sep>path\\n, the last file whole or FIM; files of one package, near by path
always between <s> and </s>, never longer than a row. Half of all documents are FIM (prefix, suffix, middle: the order that
llama.cpp's infill uses); the middle of most of these begins a few lines above the hole. Rows hold whole documents, so that no middle is cut off from its prefix; what is left of a row is
filled with cut plain documents, or padded with PAD, which the loss ignores.
"""

from __future__ import annotations

import argparse
import json
import random
from concurrent.futures import ProcessPoolExecutor

import numpy as np

from common import CORPUS, WORK
from tokenizer import FILE_SEPARATOR, FIM_MIDDLE, FIM_PREFIX, FIM_SUFFIX, Tokenizer

SEED = 3
BOS, EOS, PAD = 1, 2, 65535
FIM_SHARE = 0.5
LEAD_SHARE = 0.6  # FIM documents whose middle begins at a line above the hole, as the extension prompts (src/completion/anchor.ts)
LEAD_LINES, LEAD_CHARACTERS = 7, 400
HEADER_SHARE = 0.4  # documents that begin with <sep>path\n
SEVERAL_SHARE = 0.25  # documents that show pieces of neighbouring files first
OPEN_BINS = 64  # rows open for more documents while packing
FILLER_PART = 6  # one plain document in so many may be cut to fill what is left of rows
MIN_FILLER = 24  # tokens

_tokenizer: Tokenizer  # one in each process, made by _load


def _load() -> None:
    global _tokenizer
    _tokenizer = Tokenizer()


def _piece(name: str) -> int:
    return _tokenizer.piece(name)


def middle_span(text: str, random_: random.Random) -> tuple[int, int]:
    """Start and end (characters) of a span like a real completion: rest of line, few lines, a block, or a stretch of a line."""
    start = random_.randrange(len(text))
    line_end = text.find("\n", start)
    line_end = len(text) if line_end < 0 else line_end
    line_start = text.rfind("\n", 0, start) + 1
    indent = len(text[line_start:]) - len(text[line_start:].lstrip(" \t"))
    kind = random_.random()
    if kind < 0.35:  # rest of the line from anywhere in it
        return start, line_end
    if kind < 0.50:  # the whole statement after its indentation
        return min(line_start + indent, line_end), line_end
    if kind < 0.60:  # a stretch within the line
        return start, min(line_end, start + random_.randint(1, 24))
    if kind < 0.80:  # this line's rest and a few lines more
        end = line_end
        for _ in range(random_.randint(1, 4)):
            following = text.find("\n", end + 1)
            end = len(text) if following < 0 else following
        return start, end
    end = line_end  # a block: from here to where the indentation falls below this line's
    for _ in range(12):
        following = text.find("\n", end + 1)
        following = len(text) if following < 0 else following
        line = text[end + 1 : following]
        if line.strip() and len(line) - len(line.lstrip(" \t")) < indent or following >= len(text):
            break
        end = following
    return (start if random_.random() < 0.5 else min(line_start + indent, line_end)), end


def lead_start(text: str, start: int, random_: random.Random) -> int:
    """The beginning of the line of `start`, or of one a few lines above it; before or behind its indentation."""
    at = start
    for _ in range(1 + random_.randint(0, LEAD_LINES)):
        line = text.rfind("\n", 0, at)
        if line < 0 or start - line > LEAD_CHARACTERS:
            break
        at = line
    begin = at + 1 if at < start else start
    indent = len(text[begin:start]) - len(text[begin:start].lstrip(" \t"))
    return begin + (indent if random_.random() < 0.7 else 0)


def fim_document(text: str, budget: int, random_: random.Random) -> list[int]:
    """<prefix>P<suffix>S<middle>M</s> of at most `budget` tokens round a random span; the three parts are encoded apart."""
    start, end = middle_span(text, random_)
    if random_.random() < LEAD_SHARE:
        start = lead_start(text, start, random_)
    middle = _tokenizer.encode(text[start:end])
    ending = [EOS] if len(middle) <= budget // 2 else []
    middle = middle[: budget // 2] + ending
    room = budget - len(middle) - 3
    suffix_room = int(room * random_.choice((0.0, 0.15, 0.25, 0.4)))
    suffix = _tokenizer.encode(text[end : end + 5 * suffix_room])[:suffix_room]
    prefix_room = int((room - len(suffix)) * random_.choice((0.3, 0.6, 1.0, 1.0)))
    prefix = _tokenizer.encode(text[max(0, start - 5 * prefix_room) : start])[-prefix_room:] if prefix_room else []
    return [_piece(FIM_PREFIX), *prefix, _piece(FIM_SUFFIX), *suffix, _piece(FIM_MIDDLE), *middle]


def documents(files: list[dict], length: int, seed: int) -> list[list[int]]:
    """All documents of one package; every file is used once, long ones in several pieces."""
    random_ = random.Random(seed)
    files = sorted(files, key=lambda file: file["path"])
    result = []
    for index, file in enumerate(files):
        text, position = file["text"], 0
        while position < len(text):
            cut = text.find("\n", min(len(text) - 1, position + int(length * random_.uniform(2.0, 4.2))))
            cut = len(text) if cut < 0 else cut + 1
            piece, head, budget = text[position:cut], [BOS], length - 2
            several = len(files) > 1 and random_.random() < SEVERAL_SHARE
            if several or random_.random() < HEADER_SHARE:
                if several:
                    for _ in range(random_.randint(1, 2)):
                        neighbour = files[(index + random_.choice((-3, -2, -1, 1, 2, 3))) % len(files)]
                        at = random_.randrange(len(neighbour["text"]))
                        excerpt = neighbour["text"][neighbour["text"].rfind("\n", 0, at) + 1 :][:1200]
                        head += [_piece(FILE_SEPARATOR), *_tokenizer.encode(neighbour["path"] + "\n"), *_tokenizer.encode(excerpt)[: length // 5]]
                head += [_piece(FILE_SEPARATOR), *_tokenizer.encode(file["path"] + "\n")]
            budget = length - len(head) - 1
            if random_.random() < FIM_SHARE:
                around = text[max(0, position - length) : cut + length // 2]  # characters; FIM may look past its own piece
                body = fim_document(around, budget, random_)
                position = cut
            else:
                tokens = _tokenizer.encode(piece)
                body = tokens[:budget] + ([EOS] if cut == len(text) and len(tokens) <= budget else [])
                position = cut
            result.append(head + body)
    return result


def pack(documents_: list[list[int]], length: int) -> np.ndarray:
    """Rows [N, length + 1] of documents, best fit among OPEN_BINS open rows (one more token for the last target).

    What is left at the end of a row takes the beginning of a plain document, whose rest goes on in another row.
    """
    middle, size = _piece(FIM_MIDDLE), length + 1
    plain = [document for document in documents_ if middle not in document]
    fillers, documents_ = plain[: len(plain) // FILLER_PART], plain[len(plain) // FILLER_PART :] + [d for d in documents_ if middle in d]
    random.Random(SEED).shuffle(documents_)
    bins: list[list[int]] = []
    rows: list[list[int]] = []
    for document in documents_:
        document = document[:size]
        fitting = [index for index, row in enumerate(bins) if len(row) + len(document) <= size]
        if fitting:
            bins[max(fitting, key=lambda index: len(bins[index]))] += document
        else:
            bins.append(list(document))
        if len(bins) > OPEN_BINS:
            rows.append(bins.pop(max(range(len(bins)), key=lambda index: len(bins[index]))))
    rows += bins
    packed = np.full((len(rows), size), PAD, dtype=np.uint16)
    for index, row in enumerate(rows):
        while fillers and size - len(row) >= MIN_FILLER:
            filler, room = fillers.pop(), size - len(row)
            row += filler[:room]
            if len(filler) - room >= MIN_FILLER:
                fillers.append([BOS, *filler[room:]])
        packed[index, : len(row)] = row
    return packed


def _encode(job: tuple[list[dict], int, int]) -> list[list[int]]:
    return documents(*job)


def rows_file(split: str, length: int):
    return WORK / f"rows-{split}-{length}.npy"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--length", type=int, default=512, help="tokens per row")
    parser.add_argument("--epochs", type=int, default=1, help="passes over the corpus, each with other spans")
    arguments = parser.parse_args()
    _load()
    packages: dict[tuple[str, str], list[dict]] = {}
    with CORPUS.open() as corpus:
        for line in corpus:
            file = json.loads(line)
            packages.setdefault((file["split"], file["package"]), []).append(file)
    for split in ("train", "validation"):
        groups = [files for (own, _), files in packages.items() if own == split]
        epochs = arguments.epochs if split == "train" else 1
        jobs = [(files, arguments.length, hash((SEED, arguments.length, epoch, index))) for epoch in range(epochs) for index, files in enumerate(groups)]
        with ProcessPoolExecutor(initializer=_load) as pool:
            everything = [document for result in pool.map(_encode, jobs, chunksize=4) for document in result]
        random.Random(SEED).shuffle(everything)
        rows = pack(everything, arguments.length)
        np.random.default_rng(SEED).shuffle(rows)
        partial = WORK / "rows.partial.npy"
        np.save(partial, rows)
        partial.replace(rows_file(split, arguments.length))  # a training run may have the old file mapped
        print(f"{split}: {len(rows)} rows of {arguments.length}, {(rows != PAD).sum() / 1e6:.2f} M tokens, {(rows == PAD).mean():.1%} padding")


if __name__ == "__main__":
    main()
