"""Step 2: train the tokenizer on the corpus and write .work/tokenizer.model.

    python3 training/tokenizer.py --size small

SentencePiece BPE with byte fallback. A line break and the indentation after it form one token (`INDENTS`), so that a code
line costs one token of layout; these and the FIM tokens are user-defined symbols and never merge with their neighbours.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from functools import lru_cache

import sentencepiece

from common import CORPUS, TOKENIZER
from model import SIZES

SEED = 2
SAMPLE_BYTES = 12_000_000

FIM_PREFIX, FIM_SUFFIX, FIM_MIDDLE, FILE_SEPARATOR = "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|file_sep|>"
SPECIALS = [FIM_PREFIX, FIM_SUFFIX, FIM_MIDDLE, FILE_SEPARATOR]
INDENTS = (
    ["\n", "\n\n", "\n\n\n"]
    + ["\n" + " " * width for width in (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24)]
    + ["\n\n" + " " * width for width in (2, 4, 6, 8)]
    + ["\n" + "\t" * width for width in (1, 2, 3, 4, 5, 6)]
    + ["\n\n" + "\t" * width for width in (1, 2)]
    + ["\n * ", "\n     * ", "\n   * "]
    + ["\t"]
)


# Longest first. Among equals llama.cpp's order is what its unstable sort leaves; it matters only for odd indentations after blank
# lines, and is, with libstdc++, the one with more line breaks first but for these three.
_AFTER_EQUALS = {"\n\n", "\n\n  ", "\n\n\n"}
_SYMBOLS = sorted(INDENTS, key=lambda symbol: (len(symbol), symbol not in _AFTER_EQUALS, symbol.count("\n")), reverse=True)
_LAYOUT = re.compile(r"[\n\t](?:[\n\t ]|(?<= )\* )*")  # stretches in which layout symbols can lie


@lru_cache(maxsize=None)
def _partition(text: str) -> tuple[str, ...]:
    """Layout symbols and what lies between them, the longest symbol first wherever it stands: llama.cpp's rule.

    SentencePiece itself goes from left to right, and differs where a blank line precedes a deep indentation.
    """
    for symbol in _SYMBOLS:
        if symbol in text:
            before, _, after = text.partition(symbol)
            return (*_partition(before), symbol, *_partition(after))
    return (text,) if text else ()


class Tokenizer:
    """SentencePiece's model as llama.cpp applies it."""

    def __init__(self, path=TOKENIZER):
        self.processor = sentencepiece.SentencePieceProcessor(str(path))
        self._symbols = {symbol: self.piece(symbol.replace(" ", "▁")) for symbol in INDENTS}

    def piece(self, text: str) -> int:
        """The token of a piece."""
        return self.processor.piece_to_id(text)

    def encode(self, text: str) -> list[int]:
        """Tokens of a text without <s>; the text holds no FIM tokens."""
        parts: list[int | None] = []  # a symbol's token, or None for the next fragment
        fragments, fragment, position = [], "", 0
        for match in _LAYOUT.finditer(text):
            fragment += text[position : match.start()]
            for piece in _partition(match.group()):
                if piece not in self._symbols:
                    fragment += piece
                    continue
                if fragment:
                    parts.append(None)
                    fragments.append(fragment)
                    fragment = ""
                parts.append(self._symbols[piece])
            position = match.end()
        fragment += text[position:]
        if fragment:
            parts.append(None)
            fragments.append(fragment)
        encoded = iter(self.processor.encode(fragments))
        return [token for part in parts for token in (next(encoded) if part is None else (part,))]


def sample_lines() -> list[str]:
    """Lines of randomly chosen training files without their indentation, about SAMPLE_BYTES in all."""
    with CORPUS.open() as corpus:
        files = [file for line in corpus if (file := json.loads(line))["split"] == "train"]
    random.Random(SEED).shuffle(files)
    lines, size = [], 0
    for file in files:
        lines += [stripped for line in file["text"].split("\n") if (stripped := line.strip())]
        size += len(file["text"])
        if size > SAMPLE_BYTES:
            break
    return lines


def train(vocabulary: int) -> None:
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sample_lines()), model_prefix=str(TOKENIZER.with_suffix("")), model_type="bpe", vocab_size=vocabulary,
        byte_fallback=True, character_coverage=0.9998, split_digits=True, split_by_unicode_script=False, max_sentencepiece_length=16,
        normalization_rule_name="identity", add_dummy_prefix=False, remove_extra_whitespaces=False, allow_whitespace_only_pieces=True,
        user_defined_symbols=SPECIALS + [indent.replace(" ", "▁") for indent in INDENTS], unk_id=0, bos_id=1, eos_id=2, pad_id=-1, num_threads=2, max_sentence_length=1000,
        minloglevel=2,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=SIZES, default="small")
    train(SIZES[parser.parse_args().size].n_vocab)
    tokenizer = Tokenizer()
    example = "export function add(a: number, b: number) {\n    return a + b; // sum\n}\n\tif (x) {\n\n        y();\n    }\n"
    tokens = tokenizer.encode(example)
    assert tokenizer.processor.decode(tokens) == example, "the tokenizer must be lossless"
    print(f"{tokenizer.processor.get_piece_size()} pieces; {len(example) / len(tokens):.2f} bytes per token on the example")
    print([tokenizer.processor.id_to_piece(token) for token in tokens])


if __name__ == "__main__":
    main()
