import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { modelPath as MODEL } from "../../test/testModel";
import { GgufError, readGguf } from "./gguf";
import { checkModel, fingerprint } from "./modelCheck";
import { writeTestGguf } from "./testing";

describe("GGUF", () => {
  let directory: string;
  let small: Buffer;
  const file = (name: string, contents: Uint8Array): string => {
    const target = path.join(directory, name);
    writeFileSync(target, contents);
    return target;
  };
  before(async () => {
    directory = mkdtempSync(path.join(tmpdir(), "lacuna-gguf-"));
    const target = path.join(directory, "small.gguf");
    await writeTestGguf(
      target,
      [
        ["general.architecture", "string", "llama"],
        ["tokenizer.ggml.model", "string", "gpt2"],
        ["tokenizer.ggml.tokens", "strings", ["a", "ü", "c"]],
        ["numbers", "i32s", Int32Array.of(1, -2, 3)],
        ["flag", "bool", true],
        ["ratio", "f32", 0.5],
        ["count", "u32", 4_000_000_000],
        ["negative", "i32", -7],
      ],
      [
        ["blk.0.weight", [64, 3], "Q8_0"],
        ["bias", [5], "F32"],
      ],
    );
    small = readFileSync(target);
  });
  after(() => {
    rmSync(directory, { recursive: true });
  });

  it("reads what was written", () => {
    const header = readGguf(path.join(directory, "small.gguf"));
    assert.equal(header.version, 3);
    assert.deepEqual(header.metadata.get("tokenizer.ggml.tokens"), { length: 3, values: ["a", "ü", "c"] });
    assert.deepEqual(header.metadata.get("numbers"), { length: 3, values: [1, -2, 3] });
    assert.deepEqual(
      ["flag", "ratio", "count", "negative"].map((key) => header.metadata.get(key)),
      [true, 0.5, 4_000_000_000, -7],
    );
    assert.deepEqual(
      header.tensors.map(({ name, dimensions, type, bytes }) => [name, dimensions, type.name, bytes]),
      [
        ["blk.0.weight", [64, 3], "Q8_0", 204],
        ["bias", [5], "F32", 20],
      ],
    );
    assert.equal(header.tensors[1]!.offset, header.dataOffset + 224);
  });

  it("reads a real model", () => {
    const header = readGguf(MODEL);
    assert.equal(header.metadata.get("general.architecture"), "llama");
    const tokens = header.metadata.get("tokenizer.ggml.tokens");
    assert.ok(typeof tokens === "object" && tokens.length === header.metadata.get("llama.vocab_size"));
    assert.equal(header.tensors.length, 2 + 9 * Number(header.metadata.get("llama.block_count")));
  });

  it("refuses every truncation", () => {
    for (let length = 0; length < small.length - 12; length += 3) {
      assert.throws(
        () => readGguf(file("cut.gguf", small.subarray(0, length))),
        GgufError,
        `${length} bytes`,
      );
    }
  });

  it("answers any damaged byte of the header with a header or a GgufError", () => {
    const { dataOffset } = readGguf(path.join(directory, "small.gguf"));
    let refused = 0;
    for (let at = 0; at < dataOffset; at += 2) {
      for (const value of [0xff, small[at]! ^ 0x10]) {
        const damaged = Buffer.from(small);
        damaged[at] = value;
        try {
          readGguf(file("damaged.gguf", damaged));
        } catch (error) {
          assert.ok(error instanceof GgufError, String(error));
          refused++;
        }
      }
    }
    assert.ok(refused > dataOffset / 4);
  });

  it("names absurd claims instead of allocating for them", () => {
    const claims: [name: string, offset: number, message: RegExp][] = [
      ["tensors", 8, /claims 18446744073709551615 tensors/],
      ["keys", 16, /claims 18446744073709551615 metadata keys/],
      ["string", 24, /claims 18446744073709551615 bytes in a string/],
    ];
    for (const [name, offset, message] of claims) {
      const damaged = Buffer.from(small);
      damaged.fill(0xff, offset, offset + 8);
      assert.throws(() => readGguf(file(`${name}.gguf`, damaged)), message);
    }
  });

  describe("checkModel", () => {
    const check = (target: string) => checkModel(target, (name) => name === "llama");
    const problem = (target: string): string => {
      const result = check(target);
      assert.ok(!result.ok);
      return result.problem.message;
    };

    it("accepts a model of a known architecture", () => {
      assert.ok(check(MODEL).ok);
      assert.ok(check(path.join(directory, "small.gguf")).ok);
    });

    it("says in one sentence what is wrong and what to do", async () => {
      assert.match(
        problem(path.join(directory, "none.gguf")),
        /^There is no model at .*none\.gguf\. Check the path\.$/,
      );
      assert.match(problem(directory), /is not a file\. Choose a GGUF model file\.$/);
      assert.match(
        problem(file("text.gguf", Buffer.from("hello"))),
        /is not a GGUF file\. Choose a GGUF model file\.$/,
      );
      assert.match(problem(file("empty.gguf", Buffer.alloc(0))), /is not a GGUF file/);
      const half = readFileSync(MODEL).subarray(0, -3.5 * 2 ** 20);
      assert.match(
        problem(file("half.gguf", half)),
        /ends 3\.\d MiB too early\. Download the model again\.$/,
      );

      const other = path.join(directory, "other.gguf");
      await writeTestGguf(other, [["general.architecture", "string", "clip"]], [["a", [1], "F32"]]);
      assert.match(problem(other), /has the architecture "clip", which the bundled llama\.cpp does not know/);
      const noTokenizer = path.join(directory, "untokenized.gguf");
      await writeTestGguf(noTokenizer, [["general.architecture", "string", "llama"]], [["a", [1], "F32"]]);
      assert.match(problem(noTokenizer), /holds no tokenizer/);
      const emptyTokenizer = path.join(directory, "empty-tokenizer.gguf");
      await writeTestGguf(
        emptyTokenizer,
        [
          ["general.architecture", "string", "llama"],
          ["tokenizer.ggml.model", "string", "no_vocab"],
        ],
        [["a", [1], "F32"]],
      );
      assert.match(problem(emptyTokenizer), /holds no tokenizer/);
      const vocabularyOnly = path.join(directory, "vocabulary.gguf");
      await writeTestGguf(vocabularyOnly, [["general.architecture", "string", "llama"]], []);
      assert.match(problem(vocabularyOnly), /holds no model/);
    });
  });

  it("refuses what does not write text token by token, whatever llama.cpp does with it", async () => {
    for (const [name, architecture, ...more] of [
      ["encoder", "bert"],
      ["diffusion", "llada"],
      ["embedding", "qwen2", ["qwen2.attention.causal", "bool", false]],
    ] as const) {
      const target = path.join(directory, `${name}.gguf`);
      await writeTestGguf(
        target,
        [
          ["general.architecture", "string", architecture],
          ["tokenizer.ggml.model", "string", "gpt2"],
          ...more,
        ],
        [["a", [1], "F32"]],
      );
      const result = checkModel(target, () => true);
      assert.ok(!result.ok);
      assert.match(
        result.problem.message,
        /does not write text token by token: .*Choose a language model\.$/,
      );
    }
  });

  it("tells models with the same header apart by their weights", () => {
    const original = readGguf(MODEL);
    const bytes = readFileSync(MODEL);
    assert.equal(fingerprint(MODEL, original), fingerprint(file("copy.gguf", bytes), original));
    for (let at = original.dataOffset; at < bytes.length; at += 32) {
      bytes[at]! ^= 1;
    }
    const changed = file("changed.gguf", bytes);
    assert.notEqual(fingerprint(changed, readGguf(changed)), fingerprint(MODEL, original));
  });
});
