import assert from "node:assert/strict";
import type { LlamaModel } from "node-llama-cpp";
import { TextStream } from "./tokenizer";

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
