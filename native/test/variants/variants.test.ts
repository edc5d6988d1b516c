import assert from "node:assert/strict";
import { type SpawnSyncReturns } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { StorageType } from "../models/blocks";
import { TestModel, type Shape } from "../models/model";
import { runReference } from "../reference/forward";
import { SHAPE } from "../sparseShape";
import { cosine, randomTokens } from "../support";
import { BINS, canEmulate, compileProgram, runProgram, TARGET, VARIANTS } from "./package";

const PROMPT = 24;

/** Processors that qemu plays with nothing but their own instructions, and the variant that is for them. */
const EMULATED: Readonly<Record<string, readonly (readonly [processor: string, variant: string])[]>> = {
  "linux-x64": [
    ["core2duo", "x64"],
    ["Nehalem", "sse42"],
    ["SandyBridge", "sandybridge"],
    ["IvyBridge", "ivybridge"],
    ["Opteron_G5", "piledriver"],
    ["Haswell", "haswell"],
  ],
  "linux-arm64": [
    ["cortex-a72", "armv8.0_1"],
    // It has SVE, but not the products of four bytes that every other variant needs.
    ["a64fx", "armv8.0_1"],
    ["cortex-a76", "armv8.2_2"],
    ["max,sve=off", "armv8.2_2"],
    // As Neoverse V2 and V1: vectors of 128 and of 256 bits.
    ["max,sme=off,sve-default-vector-length=16", "armv8.6_2"],
    ["max,sme=off,sve-default-vector-length=32", "armv8.6_2"],
  ],
};

const SMALL: Shape = { ...SHAPE, arch: "qwen2", vocabulary: 64, tied: false, ffnBias: false };

/** Every kind of weight that has kernels of its own. */
const TYPES: Readonly<Record<string, StorageType>> = {
  token_embd: "F16",
  attn_q: "Q4_K",
  attn_k: "Q5_0",
  attn_v: "Q4_1",
  attn_output: "Q5_K",
  ffn_gate: "Q4_0",
  ffn_up: "F16",
  ffn_down: "Q8_0",
  output: "Q6_K",
};
const typeOf = (name: string): StorageType => TYPES[/([a-z_]+)\.weight$/.exec(name)![1]!]!;

describe(`the variants of the package for ${TARGET}`, function () {
  this.timeout(600_000);
  let folder: string;
  let model: string;
  let decode: string;
  let manyColumns: string;
  /** Evaluated one by one after a prompt. */
  const tokens = randomTokens(SMALL, PROMPT + 16);
  let expected: Float64Array[];

  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), "lacuna-variants-"));
    const random = new TestModel(SMALL, typeOf, 17);
    model = path.join(folder, "random.gguf");
    random.write(model);
    const { logits } = runReference(random, Int32Array.from([...tokens, 0]), [1, tokens.length + 1]);
    expected = Array.from({ length: tokens.length - PROMPT + 1 }, (_, i) =>
      logits.values.slice((PROMPT - 1 + i) * SMALL.vocabulary, (PROMPT + i) * SMALL.vocabulary),
    );
    decode = path.join(folder, "decode");
    compileProgram(decode, ["native/test/variants/decode.cpp"]);
    manyColumns = path.join(folder, "columns");
    compileProgram(manyColumns, ["native/test/kernels/manyColumns.cpp"]);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const argumentsOfDecode = (): string[] => [BINS, model, String(PROMPT), ...[...tokens].map(String)];

  function assertDecodes(
    { status, signal, stdout, stderr }: SpawnSyncReturns<string>,
    variant: string,
  ): void {
    assert.equal(signal ?? status, 0, `${stdout}\n${stderr}`);
    const [loaded, ...rows] = stdout.trim().split("\n");
    assert.equal(loaded, variant);
    assert.equal(rows.length, expected.length);
    for (const [i, row] of rows.entries()) {
      const similarity = cosine(row.trim().split(" ").map(Number), expected[i]!);
      assert.ok(similarity > 0.999, `after ${PROMPT + i} tokens: cosine ${similarity}`);
    }
  }

  for (const [processor, variant] of EMULATED[TARGET]!) {
    it(`chooses ${variant} on ${processor}, which decodes as the reference does`, function () {
      if (!canEmulate) {
        console.log("      Not tested: needs Debian's package qemu-user.");
        this.skip();
      }
      assertDecodes(runProgram(decode, argumentsOfDecode(), { processor }), variant);
    });
  }

  function skipWithoutProcessor(test: Mocha.Context, { status }: SpawnSyncReturns<string>): void {
    if (status === 2) {
      console.log("      Not tested: this processor lacks its instructions.");
      test.skip();
    }
  }
  for (const variant of VARIANTS) {
    for (const extra of ["1", "0"]) {
      const what = extra === "1" ? "with what it repacks" : "with plain weights";
      it(`${variant} decodes as the reference does, ${what}`, function () {
        const env = { GGML_CPU_VARIANT: variant, GGML_CPU_EXTRA_BUFTS: extra };
        const result = runProgram(decode, argumentsOfDecode(), { env });
        skipWithoutProcessor(this, result);
        assertDecodes(result, variant);
      });
    }
    it(`${variant} multiplies with many columns as sums in float64 do`, function () {
      const result = runProgram(manyColumns, [BINS], { env: { GGML_CPU_VARIANT: variant } });
      skipWithoutProcessor(this, result);
      assert.equal(result.signal ?? result.status, 0, `${result.stdout}\n${result.stderr}`);
      assert.match(result.stdout, /^198 cases, 0 failed/m);
    });
  }
});
