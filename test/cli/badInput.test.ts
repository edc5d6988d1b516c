import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { writeTestGguf } from "../../src/models/testing";
import { modelPath, modelShape } from "../testModel";
import { errorLine, run, Scratch, sourceFile, type Finished } from "./support";

const position = `${sourceFile}:10:17`;

/** One clear line as the last on stderr, nothing on stdout, no stack trace. */
function assertRefused(result: Finished, code: number, line: RegExp): void {
  assert.match(errorLine(result), line);
  assert.equal(result.code, code, result.stderr);
  assert.equal(result.stdout, "");
  assert.doesNotMatch(result.stderr, /^\s+at /m);
}

describe("bad input", () => {
  let scratch: Scratch;
  before(() => {
    scratch = new Scratch();
  });
  after(() => {
    scratch.remove();
  });
  const completeWith = (model: string): Promise<Finished> =>
    run(["complete", position, "--model", model, "--threads", "1", "--max-tokens", "4"]);

  describe("a model that", () => {
    it("is missing", async () => {
      const model = path.join(scratch.directory, "none.gguf");
      assertRefused(
        await completeWith(model),
        1,
        /^lacuna: There is no model at .*none\.gguf\. Check the path\.$/,
      );
    });

    it("is truncated", async () => {
      const model = scratch.file("truncated.gguf", readFileSync(modelPath).subarray(0, -2.4 * 2 ** 20));
      assertRefused(
        await completeWith(model),
        1,
        /truncated\.gguf ends 2\.4 MiB too early\. Download the model again\.$/,
      );
    });

    it("is not GGUF", async () => {
      const model = scratch.file("text.gguf", "once upon a time");
      assertRefused(
        await completeWith(model),
        1,
        /text\.gguf is not a GGUF file\. Choose a GGUF model file\.$/,
      );
    });

    it("has an absurd header", async () => {
      const bytes = Buffer.from(readFileSync(modelPath));
      bytes.writeBigUInt64LE(2n ** 60n, 8);
      const model = scratch.file("absurd.gguf", bytes);
      assertRefused(
        await completeWith(model),
        1,
        /absurd\.gguf claims 1152921504606846976 tensors\. Download/,
      );
    });

    it("has another architecture", async () => {
      const model = path.join(scratch.directory, "clip.gguf");
      await writeTestGguf(
        model,
        [
          ["general.architecture", "string", "frobnicator"],
          ["tokenizer.ggml.model", "string", "gpt2"],
        ],
        [["a", [32], "F32"]],
      );
      assertRefused(
        await completeWith(model),
        1,
        /has the architecture "frobnicator".*Choose another model\.$/,
      );
    });

    it("lacks tensors that its architecture needs", async () => {
      const model = path.join(scratch.directory, "hollow.gguf");
      await writeTestGguf(
        model,
        [
          ["general.architecture", "string", "llama"],
          ["tokenizer.ggml.model", "string", "gpt2"],
        ],
        [["token_embd.weight", [32, 2], "F32"]],
      );
      assertRefused(
        await completeWith(model),
        1,
        /^lacuna: .*hollow\.gguf is not a model that llama\.cpp can load: .* choose another model\.$/,
      );
    });

    it("needs more memory than there is", async () => {
      const model = path.join(scratch.directory, "huge.gguf");
      await writeHugeContextModel(model);
      assertRefused(await completeWith(model), 1, /^lacuna: Not enough memory .*Choose a smaller model/);
    });
  });

  describe("a file that", () => {
    const complete = (word: string): Promise<Finished> => run(["complete", word, "--threads", "1"]);

    it("is missing", async () => {
      assertRefused(
        await complete("/nowhere/a.ts:1:1"),
        1,
        /^lacuna: Cannot read \/nowhere\/a\.ts: it does not exist\.$/,
      );
    });

    it("is a directory", async () => {
      assertRefused(await complete(`${scratch.directory}:1:1`), 1, /it is a directory\.$/);
    });

    it("is empty", async () => {
      const file = scratch.file("empty.ts", "");
      assertRefused(
        await complete(`${file}:1:1`),
        1,
        /empty\.ts is empty; choose a file with some code in it\.$/,
      );
      assertRefused(await run(["attribute", file]), 1, /empty\.ts is empty/);
    });

    it("is not UTF-8", async () => {
      const file = scratch.file("latin1.ts", Buffer.from("caf\xe9 = 1\n", "latin1"));
      assertRefused(await complete(`${file}:1:1`), 1, /latin1\.ts is not UTF-8 text; convert it first\.$/);
    });

    it("is larger than the context is cut round the position", async () => {
      const file = scratch.file("large.ts", "export const value = 1;\n".repeat(50_000));
      const args = ["complete", `${file}:25000:14`, "--threads", "1", "--max-tokens", "4", "--json"];
      const { code, stdout, stderr } = await run([
        ...args,
        "--model",
        modelPath,
        "--active",
        "0.5",
        "--window",
        "64",
      ]);
      assert.equal(code, 0, stderr);
      const result = JSON.parse(stdout) as { prefill: { tokens: number }; attribution: { tokens: number } };
      assert.ok(result.prefill.tokens > 64 && result.prefill.tokens <= modelShape().context);
      assert.equal(result.attribution.tokens, 64);
    });

    it("does not have the position", async () => {
      const file = scratch.file("short.ts", "let a = 1;\nlet b;\r\n");
      assertRefused(await complete(`${file}:9:1`), 2, /short\.ts has 3 lines; there is no line 9\.$/);
      assertRefused(
        await complete(`${file}:2:8`),
        2,
        /Line 2 of .*short\.ts has columns 1 to 7; there is no column 8\.$/,
      );
      assertRefused(await complete(`${file}:0:1`), 2, /Lines are counted from 1\.$/);
      assertRefused(await complete(file), 2, /Name one position as FILE:LINE:COLUMN/);
    });

    it("has the position inside a character", async () => {
      const file = scratch.file("emoji.ts", "let a = '😀';\n");
      assertRefused(await complete(`${file}:1:11`), 2, /is inside a character/);
    });

    it("is too short to attribute", async () => {
      const file = scratch.file("tiny.ts", "\n");
      const { code } = await run(["attribute", file, "--threads", "1"]);
      assert.equal(code, 0, "a single token is predicted from the beginning of the sequence");
    });
  });

  describe("an option that", () => {
    const cases: readonly (readonly [name: string, args: readonly string[], line: RegExp])[] = [
      [
        "is a ratio above 1",
        ["--active", "1.5"],
        /--active must be above 0 and at most 1, `dense` or `auto`, not 1\.5\.$/,
      ],
      ["is a ratio of 0", ["--active", "0"], /--active must be above 0/],
      ["is no ratio", ["--active", "much"], /not much\.$/],
      ["is an unknown metric", ["--metric", "best"], /There is no metric "best"\. Choose from corrected-gxo/],
      ["is a window of nothing", ["--window", "0"], /--window must be a whole number from 2/],
      [
        "is no number of threads",
        ["--threads", "two"],
        /--threads must be a whole number from 1 to 256, not two\.$/,
      ],
      ["is unknown", ["--fast"], /'--fast'\. See `lacuna complete --help`\.$/],
      ["has no value", ["--model"], /--model.* See `lacuna complete --help`\.$/],
    ];
    for (const [name, args, line] of cases) {
      it(name, async () => {
        assertRefused(await run(["complete", position, ...args]), 2, line);
      });
    }

    it("is an unknown shape, quantisation or ratio of the benchmark", async () => {
      assertRefused(
        await run(["bench", "speed", "--shape", "gpt-5"]),
        2,
        /There is no shape "gpt-5"\. Choose from qwen/,
      );
      assertRefused(await run(["bench", "speed", "--quant", "Q9"]), 2, /There is no quantisation "Q9"/);
      assertRefused(await run(["bench", "speed", "--active", "1,2"]), 2, /--active needs ratios/);
    });

    it("is a window larger than the model's context", async () => {
      const { context } = modelShape();
      assertRefused(
        await run(["attribute", sourceFile, "--model", modelPath, "--window", String(context + 1)]),
        2,
        new RegExp(`context has ${context} tokens; choose a smaller --window\\.$`),
      );
    });
  });

  it("an unknown command", async () => {
    assertRefused(
      await run(["frobnicate"]),
      2,
      /^lacuna: There is no command "frobnicate"\. See `lacuna --help`\.$/,
    );
  });

  it("a directory for scores that cannot be written, before any work is done", async () => {
    // A file stands where the directory should be: this fails for every user, root included.
    const file = scratch.file("in-the-way", "");
    const result = await run(["attribute", sourceFile, "--out", path.join(file, "scores")]);
    assertRefused(
      result,
      1,
      /Cannot write to .*in-the-way.*: part of the path is not a directory\. Choose another --out\.$/,
    );
    assert.doesNotMatch(result.stderr, /Attributing/);
  });

  it("a directory for scores in a place that has none", async function () {
    if (process.platform !== "linux") {
      this.skip(); // there is no such place elsewhere
    }
    const result = await run(["attribute", sourceFile, "--out", "/proc/lacuna/scores"]);
    assertRefused(
      result,
      1,
      /Cannot write to \/proc\/lacuna\/scores: permission denied\. Choose another --out\.$/,
    );
  });

  it("a cache that cannot be written", async () => {
    const file = scratch.file("cache-in-the-way", "");
    const result = await run(["bench", "speed", "--shape", "qwen2.5-coder-0.5b"], {
      LACUNA_CACHE: path.join(file, "x"),
    });
    assertRefused(result, 1, /Cannot write to .*part of the path is not a directory\. Set LACUNA_CACHE/);
    assert.ok(!existsSync(path.join(file, "x")));
  });
});

/** A small file whose KV cache at 4,096 tokens needs more than half a terabyte. */
async function writeHugeContextModel(file: string): Promise<void> {
  const layers = 64;
  const keyLength = 2 ** 19;
  const block = (layer: number, name: string, dimensions: readonly number[], type = "F16") =>
    [`blk.${layer}.${name}.weight`, dimensions, type] as const;
  const tensors = Array.from({ length: layers }, (_, layer) => [
    block(layer, "attn_norm", [2], "F32"),
    block(layer, "attn_q", [2, keyLength]),
    block(layer, "attn_k", [2, keyLength]),
    block(layer, "attn_v", [2, keyLength]),
    block(layer, "attn_output", [keyLength, 2]),
    block(layer, "ffn_norm", [2], "F32"),
    block(layer, "ffn_gate", [2, 2]),
    block(layer, "ffn_up", [2, 2]),
    block(layer, "ffn_down", [2, 2]),
  ]).flat();
  const tokens = [
    "<s>",
    ...Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).padStart(2, "0").toUpperCase()}>`),
  ];
  await writeTestGguf(
    file,
    [
      ["general.architecture", "string", "llama"],
      ["llama.context_length", "u32", 4096],
      ["llama.embedding_length", "u32", 2],
      ["llama.block_count", "u32", layers],
      ["llama.feed_forward_length", "u32", 2],
      ["llama.attention.head_count", "u32", 1],
      ["llama.attention.key_length", "u32", keyLength],
      ["llama.attention.value_length", "u32", keyLength],
      ["llama.attention.layer_norm_rms_epsilon", "f32", 1e-5],
      ["llama.rope.dimension_count", "u32", keyLength],
      ["tokenizer.ggml.model", "string", "llama"],
      ["tokenizer.ggml.tokens", "strings", tokens],
      ["tokenizer.ggml.token_type", "i32s", new Int32Array(tokens.length).fill(6).fill(3, 0, 1)],
      ["tokenizer.ggml.bos_token_id", "u32", 0],
      ["tokenizer.ggml.eos_token_id", "u32", 0],
    ],
    [["token_embd.weight", [2, tokens.length], "F16"], ["output_norm.weight", [2], "F32"], ...tensors],
  );
}
