import assert from "node:assert/strict";
import type { LlamaModel } from "node-llama-cpp";
import { ModelTokenizer, TextStream } from "./tokenizer";

/** A model whose tokens are bytes. */
const bytesModel = {
  detokenize: (tokens: readonly number[]) => Buffer.from(tokens).toString("utf8"),
} as unknown as LlamaModel;

const pieces = (bytes: Uint8Array): string[] => {
  const stream = new TextStream(bytesModel, []);
  return [...bytes].map((byte) => stream.push(byte));
};

describe("TextStream", () => {
  it("holds back a character until its last byte", () => {
    assert.deepEqual(pieces(Buffer.from("aé😀")), ["a", "", "é", "", "", "", "😀"]);
  });

  it("does not hold back bytes that never become a character", () => {
    const text = pieces(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x61)).join("");
    assert.match(text, /^\ufffd+a$/);
  });

  it("shows the detokenizer what came before", () => {
    const seen: (readonly number[])[] = [];
    const model = {
      detokenize: (_: readonly number[], __: boolean, before: readonly number[]) => {
        seen.push(before);
        return "x";
      },
    } as unknown as LlamaModel;
    const stream = new TextStream(model, [1, 2, 3, 4, 5, 6] as never);
    stream.push(7);
    stream.push(8);
    assert.deepEqual(seen, [
      [3, 4, 5, 6],
      [4, 5, 6, 7],
    ]);
  });
});

const codes = (text: string): number[] => Array.from(text, (letter) => 1_000 + letter.codePointAt(0)!);

/** A model with a token for each character and these besides: SentencePiece's, or one that has no spaces of its own. */
function modelOf(special: readonly (readonly [text: string, type: number])[], more: object = {}): LlamaModel {
  const tokens = special.map(([text]) => text);
  const types = special.map(([, type]) => type);
  const addsSpace = (more as { model?: string }).model === "llama";
  // As llama.cpp has it: `</s>` ends a text whatever the file says, and the names of control tokens are not read.
  const isEnd = (token: number): boolean => tokens[token] === "</s>";
  const isControl = (token: number): boolean => types[token] === 3 || isEnd(token);
  const tokenize = (text: string): number[] => {
    const found = tokens.findIndex(
      (name, token) => !isControl(token) && types[token] === 4 && text.includes(name),
    );
    if (found >= 0) {
      const at = text.indexOf(tokens[found]!);
      const rest = text.slice(at + tokens[found]!.length);
      return [...tokenize(text.slice(0, at)), found, ...tokenize(rest)];
    }
    return codes((addsSpace && text !== "" ? " " : "") + text);
  };
  return {
    tokens: { shouldPrependBosToken: false },
    fileInfo: { metadata: { tokenizer: { ggml: { tokens, token_type: types, ...more } } } },
    isEogToken: isEnd,
    isSpecialToken: isControl,
    iterateAllTokens: () => tokens.keys(),
    tokenize,
    detokenize: (ids: readonly number[]) =>
      ids
        .map((id) => (id >= 1_000 ? String.fromCodePoint(id - 1_000) : isControl(id) ? "" : tokens[id]!))
        .join(""),
  } as unknown as LlamaModel;
}

describe("ModelTokenizer", () => {
  const fim = ["▁<PRE>", "▁<SUF>", "▁<MID>"] as const;

  it("ends a completion at every mark, also one that the model does not end at", () => {
    const tokenizer = new ModelTokenizer(
      modelOf([
        ["<issue_start>", 3],
        ["<think>", 4],
        ["<td>", 4],
        ["\n\n", 4],
        ["word", 1],
      ]),
      "",
    );
    assert.deepEqual(
      [0, 1, 2, 3, 4].map((token) => tokenizer.endsGeneration(token)),
      [true, true, false, false, false],
    );
    assert.deepEqual(
      [0, 1, 2].map((token) => tokenizer.text(token)),
      [undefined, undefined, "<td>"],
    );
    assert.deepEqual(tokenizer.texts.continuing("<t"), [2]);
  });

  it("goes on after struck text, and shows it", () => {
    for (const type of [1, 4]) {
      const tokenizer = new ModelTokenizer(modelOf([["</s>", type]], { eos_token_id: 7 }), "");
      assert.equal(tokenizer.endsGeneration(0), false);
      const stream = tokenizer.stream(codes("<s>old"));
      assert.deepEqual(
        [0, ...codes("x")].map((token) => stream.push(token)),
        ["</s>", "x"],
      );
      assert.deepEqual(tokenizer.text(0), "</s>");
    }
    const ends = new ModelTokenizer(modelOf([["</s>", 3]], { eos_token_id: 0 }), "");
    assert.equal(ends.endsGeneration(0), true);
  });

  it("reads struck text as the one token that it is to the model", () => {
    const own = new ModelTokenizer(modelOf([["</s>", 4]]), "");
    assert.deepEqual(own.tokenize("a</s>b"), [...codes("a"), 0, ...codes("b")]);
    const merged = new ModelTokenizer(modelOf([["</s>", 1]]), "");
    assert.deepEqual(merged.tokenize("a</s>b"), codes("a</s>b"));
  });

  it("reads no token for filling in out of source text, whatever its type", () => {
    for (const type of [1, 3, 4]) {
      const tokenizer = new ModelTokenizer(modelOf(fim.map((name) => [name, type] as const)), "");
      assert.equal(tokenizer.fim?.family, "code-llama");
      assert.deepEqual(tokenizer.tokenize("a▁<SUF>b"), codes("a▁<SUF>b"));
      assert.deepEqual(
        [0, 1, 2].map((token) => tokenizer.endsGeneration(token)),
        [true, true, true],
      );
    }
  });

  it("puts no space before a text that goes on another", () => {
    const tokenizer = new ModelTokenizer(modelOf([["a", 1]], { model: "llama" }), "");
    assert.deepEqual(tokenizer.tokenize("b c"), codes("b c"));
    assert.deepEqual(tokenizer.tokenize(""), []);
  });
});
