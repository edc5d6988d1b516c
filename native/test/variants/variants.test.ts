import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { StorageType } from "../models/blocks";
import { TestModel, type Shape } from "../models/model";
import { runReference } from "../reference/forward";
import { SHAPE } from "../sparseShape";
import { cosine, randomTokens } from "../support";

const BINS = path.resolve(`native/.build/package-bins/linux-x64`);
const LLAMA = "native/.build/src/llama.cpp";
const ARCHIVES = "native/.build/linux-x64-zig/build/llama.cpp/src";
const PROMPT = 24;

/** Processors that qemu plays with nothing but their own instructions, and the variant that is for them. */
const EMULATED = [
  ["core2duo", "x64"],
  ["Nehalem", "sse42"],
  ["SandyBridge", "sandybridge"],
  ["IvyBridge", "ivybridge"],
  ["Opteron_G5", "piledriver"],
  ["Haswell", "haswell"],
] as const;

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

describe("the variants of the portable build", function () {
  this.timeout(120_000);
  let folder: string;
  let model: string;
  let program: string;
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
    program = path.join(folder, "decode");
    const includes = ["include", "ggml/include"].flatMap((name) => ["-I", `${LLAMA}/${name}`]);
    const named = (folder: string, pattern: RegExp): string[] =>
      readdirSync(folder)
        .filter((name) => pattern.test(name))
        .map((name) => path.join(folder, name));
    const libraries = [
      ...named(ARCHIVES, /^libllama\b.*\.a$/),
      ...named(BINS, /^lib(ggml|ggml-base)(\.v[\d.]+)?\.so$/),
    ];
    execFileSync(process.env.CXX ?? "c++", [
      ...["-std=c++17", "-O1", "native/test/variants/decode.cpp", "-o", program, ...includes],
      ...[...libraries, `-Wl,-rpath,${BINS}`],
    ]);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  /** @param command what runs the program, in front of it */
  function run(
    command: readonly string[],
    env: Readonly<Record<string, string>>,
  ): ReturnType<typeof spawnSync> {
    const words = [...command, program, BINS, model, String(PROMPT), ...[...tokens].map(String)];
    return spawnSync(words[0]!, words.slice(1), { encoding: "utf8", env: { ...process.env, ...env } });
  }
  function assertDecodes(
    { status, signal, stdout, stderr }: ReturnType<typeof spawnSync>,
    variant: string,
  ): void {
    assert.equal(signal ?? status, 0, `${String(stdout)}\n${String(stderr)}`);
    const [loaded, ...rows] = String(stdout).trim().split("\n");
    assert.equal(loaded, variant);
    assert.equal(rows.length, expected.length);
    for (const [i, row] of rows.entries()) {
      const similarity = cosine(row.trim().split(" ").map(Number), expected[i]!);
      assert.ok(similarity > 0.999, `after ${PROMPT + i} tokens: cosine ${similarity}`);
    }
  }

  const emulator = spawnSync("qemu-x86_64", ["--version"]).status === 0;
  for (const [processor, variant] of EMULATED) {
    it(`chooses ${variant} on ${processor}, which decodes as the reference does`, function () {
      if (!emulator) {
        console.log("      Not tested: needs qemu-x86_64 (Debian's package qemu-user).");
        this.skip();
      }
      assertDecodes(run(["qemu-x86_64", "-cpu", processor], {}), variant);
    });
  }

  for (const file of readdirSync(BINS).sort()) {
    const variant = /^libggml-cpu-(.+)\.so$/.exec(file)?.[1];
    if (variant === undefined) {
      continue;
    }
    for (const extra of ["1", "0"]) {
      const what = extra === "1" ? "with what it repacks" : "with plain weights";
      it(`${variant} decodes as the reference does, ${what}`, function () {
        const result = run([], { GGML_CPU_VARIANT: variant, GGML_CPU_EXTRA_BUFTS: extra });
        if (result.status === 2) {
          console.log("      Not tested: this processor lacks its instructions.");
          this.skip();
        }
        assertDecodes(result, variant);
      });
    }
  }
});
