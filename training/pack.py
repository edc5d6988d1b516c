"""Step 3: pack the corpus into training rows, epoch after epoch, on all cores; training may begin meanwhile.

    python3 training/pack.py [CORPUS.jsonl[.xz]] [FOLDER] [--workers N]

A document is one of
  plain         [path header] code
  FIM           [path header] <prefix>P<suffix>S<middle>M
  several files <sep>path\ncode … <sep>path\n, the last file whole or FIM; files of one package, near by path
always after <s>, never longer than a row, and ended by </s> only where it ends by itself. About half of the tokens are of FIM documents (prefix, suffix,
middle: the order that llama.cpp's infill uses), of several sizes: short ones ask for a middle more often per token. Half of the middles
begin a few lines above the hole, as the extension prompts; in half of these the text before and after the cursor is tokenised apart, as in a
prompt without token healing. Of the Python code, which outweighs the rest, two thirds take part in an epoch, in turn.

Rows hold whole documents, so that no middle is cut off from its prefix; what is left of a row is filled with cut plain documents, or
padded with PAD. Each worker keeps its share of the corpus and the tokens of every line it has seen; it writes
FOLDER/rows-<length>-e<epoch>-s<shard>.npy. FOLDER/validation.pickle is what train.py measures with.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import pickle
import random
import subprocess
import time
from pathlib import Path

import numpy as np
import sentencepiece

from common import CORPUS, LANGUAGES, TOKENIZER, WORK
from tokenizer import FILE_SEPARATOR, FIM_MIDDLE, FIM_PREFIX, FIM_SUFFIX, INDENTS, Tokenizer

SEED = 5
BOS, EOS, PAD = 1, 2, 65535
LEAD_LINES, LEAD_CHARACTERS = 7, 400
OPEN_BINS = 64  # rows open for more documents while packing
FILLER_PART = 6  # one plain document in so many may be cut to fill what is left of rows
MIN_FILLER = 24  # tokens
FIM_SHARE = 0.62  # of documents; about half of the tokens
LEAD_SHARE = 0.5  # FIM documents whose middle begins some lines above the cursor, as the extension prompts
SPLIT_SHARE = 0.5  # of these: text before and after the cursor tokenised apart, as in a prompt without token healing
HEADER_SHARE, SEVERAL_SHARE = 0.4, 0.25
CHUNK = 1_200_000  # characters of a package that stay together
SHORT, LONG = int(os.environ.get("SHORT", 1024)), int(os.environ.get("LONG", 2048))
BUDGETS = {SHORT: ((1, 0.4), (2, 0.3), (4, 0.3)), LONG: ((1, 0.3), (2, 0.25), (4, 0.25), (8, 0.2))}  # divisor of the length: share
JOBS = [(SHORT, 0), (SHORT, 1), (LONG, 0), (SHORT, 2), (SHORT, 3), (LONG, 1), (SHORT, 4), (SHORT, 5), (SHORT, 6), (SHORT, 7), (SHORT, 8), (SHORT, 9), (LONG, 2), (SHORT, 10), (SHORT, 11)]


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


def pack(documents_: list[list[int]], length: int, middle: int) -> np.ndarray:
    """Rows [N, length + 1] of documents, best fit among OPEN_BINS open rows (one more token for the last target).

    What is left at the end of a row takes the beginning of a plain document, whose rest goes on in another row. `middle` is the
    token that tells FIM documents.
    """
    size = length + 1
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


class CachingProcessor:
    """SentencePiece, one thread, each line encoded once."""

    def __init__(self) -> None:
        self._processor = sentencepiece.SentencePieceProcessor(model_file=str(TOKENIZER), num_threads=1)
        self._cache: dict[str, list[int]] = {}

    def encode(self, fragments: list[str]) -> list[list[int]]:
        cache = self._cache
        new = [fragment for fragment in fragments if fragment not in cache]
        if new:
            cache.update(zip(new, self._processor.encode(new)))
        return [cache[fragment] for fragment in fragments]

    def __getattr__(self, name):
        return getattr(self._processor, name)


def load_tokenizer() -> Tokenizer:
    tokenizer = Tokenizer()
    tokenizer.processor = CachingProcessor()
    return tokenizer


class Builder:
    def __init__(self) -> None:
        self.tokenizer = load_tokenizer()
        self.encode = self.tokenizer.encode
        self.prefix, self.suffix, self.middle, self.separator = (self.tokenizer.piece(p) for p in (FIM_PREFIX, FIM_SUFFIX, FIM_MIDDLE, FILE_SEPARATOR))

    def fim(self, text: str, budget: int, random_: random.Random) -> list[int]:
        start, end = middle_span(text, random_)
        lead = lead_start(text, start, random_) if random_.random() < LEAD_SHARE else start
        if lead < start and random_.random() < SPLIT_SHARE:
            middle = self.encode(text[lead:start]) + self.encode(text[start:end])
        else:
            middle = self.encode(text[lead:end])
        most = budget * 2 // 3
        middle = middle[:most] + ([EOS] if len(middle) <= most else [])
        room = budget - len(middle) - 3
        suffix_room = int(room * random_.choice((0.0, 0.15, 0.25, 0.4)))
        suffix = self.encode(text[end : end + 5 * suffix_room])[:suffix_room]
        prefix_room = int((room - len(suffix)) * random_.choice((0.5, 1.0, 1.0)))
        prefix = self.encode(text[max(0, lead - 5 * prefix_room) : lead])[-prefix_room:] if prefix_room > 0 else []
        return [self.prefix, *prefix, self.suffix, *suffix, self.middle, *middle]

    def documents(self, files: list[dict], length: int, random_: random.Random) -> list[list[int]]:
        result = []
        divisors, shares = zip(*BUDGETS[length])
        for index, file in enumerate(files):
            text, position = file["text"], 0
            while position < len(text):
                is_fim = random_.random() < FIM_SHARE
                wanted = length // random_.choices(divisors, shares)[0] if is_fim else length
                cut = text.find("\n", min(len(text) - 1, position + int(wanted * random_.uniform(2.0, 4.2))))
                cut = len(text) if cut < 0 else cut + 1
                head = [BOS]
                several = len(files) > 1 and random_.random() < SEVERAL_SHARE
                if several or random_.random() < HEADER_SHARE:
                    for _ in range(random_.randint(1, 2) if several else 0):
                        neighbour = files[(index + random_.choice((-3, -2, -1, 1, 2, 3))) % len(files)]
                        at = random_.randrange(len(neighbour["text"]))
                        excerpt = neighbour["text"][neighbour["text"].rfind("\n", 0, at) + 1 :][:1200]
                        head += [self.separator, *self.encode(neighbour["path"] + "\n"), *self.encode(excerpt)[: length // 5]]
                    head += [self.separator, *self.encode(file["path"] + "\n")]
                budget = min(wanted, length - len(head) - 1)
                if is_fim:
                    around = text[max(0, position - wanted) : cut + wanted // 2]  # FIM may look past its own piece
                    body = self.fim(around, budget, random_)
                else:
                    tokens = self.encode(text[position:cut])
                    body = tokens[:budget] + ([EOS] if cut == len(text) and len(tokens) <= budget else [])
                position = cut
                result.append(head + body)
        return result


def chunks_of(files: list[dict]) -> list[list[dict]]:
    """Files of each package, near by path, in lists of at most CHUNK characters."""
    packages: dict[str, list[dict]] = {}
    for file in files:
        packages.setdefault(file["package"], []).append(file)
    result = []
    for own in packages.values():
        own.sort(key=lambda file: file["path"])
        current, size = [], 0
        for file in own:
            if current and size + len(file["text"]) > CHUNK:
                result.append(current)
                current, size = [], 0
            current.append(file)
            size += len(file["text"])
        result.append(current)
    return result


def shares(chunks: list[list[dict]], count: int) -> list[list[tuple[int, int, list[dict]]]]:
    """(chunk number, class, files) for each worker; class 0 always takes part, one of 1, 2 and 3 in turn does not. Every class is spread evenly."""
    sized = sorted(((sum(len(file["text"]) for file in chunk), number, chunk) for number, chunk in enumerate(chunks)), key=lambda item: (-item[0], item[1]))
    result = [[] for _ in range(count)]
    loads = [[0] * count for _ in range(4)]
    python = 0
    for size, number, chunk in sized:
        kind = 0
        if sum(len(file["text"]) for file in chunk if file["lang"] == "Python") > size / 2:
            python += 1
            kind = 1 + python % 3
        least = min(range(count), key=lambda worker: loads[kind][worker])
        loads[kind][least] += size
        result[least].append((number, kind, chunk))
    return result


def work(share, shard: int, folder: Path) -> None:
    builder = Builder()
    for length, epoch in JOBS:
        began = time.time()
        documents = []
        for number, kind, files in share:
            if kind != 1 + epoch % 3:
                documents += builder.documents(files, length, random.Random(f"{SEED}-{length}-{epoch}-{number}"))
        random.Random(f"{shard}-{epoch}").shuffle(documents)
        rows = pack(documents, length, builder.middle)
        partial = folder / f"partial-{shard}.npy"
        np.save(partial, rows)
        partial.replace(folder / f"rows-{length}-e{epoch}-s{shard:02d}.npy")
        if shard == 0:
            tokens, fim = (rows != PAD).sum(), sum(len(d) for d in documents if builder.middle in d)
            print(f"packed {length} epoch {epoch} shard 0: {len(rows)} rows, {tokens / 1e6:.2f} M tokens, {(rows == PAD).mean():.1%} padding, {len(documents)} documents, "
                  f"FIM {fim / max(1, sum(map(len, documents))):.0%} of tokens, {time.time() - began:.1f} s", flush=True)
        if epoch == 0:
            os.nice(5)  # training goes first


def fim_cases(files: list[dict], count: int, random_: random.Random) -> list[dict]:
    """Single-line cases as in evaluate.mjs."""
    packages: dict[str, list[dict]] = {}
    for file in files:
        packages.setdefault(file["package"], []).append(file)
    cases = []
    while len(cases) < count:
        text = random_.choice(packages[random_.choice(sorted(packages))])["text"]
        at = random_.randrange(len(text))
        start, end = text.rfind("\n", 0, at) + 1, text.find("\n", at)
        middle = text[at:end]
        if end < 0 or len(middle.strip()) < 3 or middle[:1].isspace() or len(text[start:end].strip()) < 8:
            continue
        if len(cases) % 2 == 0 and (at == 0 or text[at - 1].isalnum() or text[at - 1] == "_"):
            continue
        begin = max(0, start - 650)
        prefix = text[0 if begin == 0 else text.find("\n", begin) + 1 : at]
        cases.append({"prefix": prefix, "suffix": text[end : end + 200], "middle": middle.rstrip()})
    return cases


def validation(files: list[dict], folder: Path) -> None:
    """validation.pickle: rows of one document each, plain windows with their bytes, FIM cases in both forms, prompts."""
    builder = Builder()
    encode, random_ = builder.encode, random.Random(SEED)
    documents = [d for chunk in chunks_of(files) for d in builder.documents(chunk, SHORT, random_)]
    random_.shuffle(documents)

    def table(rows: list[list[int]], width: int) -> np.ndarray:
        out = np.full((len(rows), width), PAD, dtype=np.uint16)
        for index, row in enumerate(rows):
            out[index, : min(width, len(row))] = row[:width]
        return out

    plain = {}
    cases = {}
    for language in LANGUAGES:
        own = [file for file in files if file["lang"] == language]
        if not own:
            continue
        windows, sizes = [], []
        for _ in range(96):
            text = random_.choice(own)["text"]
            start = text.rfind("\n", 0, random_.randrange(max(1, len(text) - 900))) + 1 if len(text) > 900 else 0
            text = text[start : start + 900]
            windows.append([BOS, *encode(text)])
            sizes.append(len(text.encode()))
        keep = [i for i, window in enumerate(windows) if len(window) <= 513]
        plain[language] = table([windows[i] for i in keep], 513), int(sum(sizes[i] for i in keep))
        cases[language] = fim_cases(own, 128, random_)
    forms = {}
    for form in ("lead", "cursor"):
        rows, spans, order = [], [], []
        for language, own in cases.items():
            for case in own:
                lead = "\n".join(case["prefix"].split("\n")[-7:]) if form == "lead" else ""
                before = case["prefix"][: len(case["prefix"]) - len(lead)]
                prompt = [BOS, builder.prefix, *encode(before), builder.suffix, *encode(case["suffix"]), builder.middle, *encode(lead)]
                middle = encode(case["middle"])
                if len(prompt) + len(middle) + 1 > 640:
                    continue
                rows.append(prompt + middle)
                spans.append((len(prompt), len(prompt) + len(middle)))
                order.append(language)
        forms[form] = table(rows, 641), spans, order
    newline = sorted({EOS} | {builder.tokenizer.piece(symbol.replace(" ", "▁")) for symbol in INDENTS if symbol.startswith("\n")})
    prompts = []
    for language, own in cases.items():
        for case in own[:3]:
            for form in ("lead", "cursor"):
                lead = "\n".join(case["prefix"].split("\n")[-7:]) if form == "lead" else ""
                before = case["prefix"][: len(case["prefix"]) - len(lead)]
                tokens = [BOS, builder.prefix, *encode(before), builder.suffix, *encode(case["suffix"]), builder.middle, *encode(lead)]
                prompts.append({"language": language, "form": form, "tokens": tokens, "shown": case["prefix"].split("\n")[-1], "wanted": case["middle"]})
    data = {"mixed": table(documents[:1024], SHORT + 1), "plain": plain, "forms": forms, "newline": newline, "prompts": prompts}
    partial = folder / "validation.partial"
    partial.write_bytes(pickle.dumps(data))
    partial.replace(folder / "validation.pickle")
    print(f"validation: {len(documents)} documents, {sum(len(c) for c in cases.values())} FIM cases", flush=True)


def lines_of(corpus: Path):
    """Lines of the corpus, whether compressed or not."""
    if corpus.suffix != ".xz":
        return corpus.open(encoding="utf-8")
    try:
        import lzma

        return lzma.open(corpus, "rt", encoding="utf-8")
    except ImportError:
        return subprocess.Popen(["xz", "-dc", str(corpus)], stdout=subprocess.PIPE, encoding="utf-8").stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", nargs="?", type=Path, default=CORPUS)
    parser.add_argument("folder", nargs="?", type=Path, default=WORK / "rows")
    parser.add_argument("--workers", type=int, default=max(1, (os.cpu_count() or 2) - 2))
    arguments = parser.parse_args()
    began, folder = time.time(), arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    files = {"train": [], "validation": []}
    with lines_of(arguments.corpus) as lines:
        for line in lines:
            file = json.loads(line)
            if file["split"] in files:
                files[file["split"]].append(file)
    print(f"corpus read: {len(files['train'])} + {len(files['validation'])} files, {time.time() - began:.1f} s", flush=True)
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=work, args=(share, shard, folder)) for shard, share in enumerate(shares(chunks_of(files["train"]), arguments.workers))]
    for process in processes:
        process.start()
    (folder / "shards").write_text(str(arguments.workers))
    validation(files["validation"], folder)
    for process in processes:
        process.join()
    print(f"packing done, {time.time() - began:.1f} s", flush=True)


if __name__ == "__main__":
    main()
