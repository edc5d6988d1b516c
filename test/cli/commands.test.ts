import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import type { SpeedReport } from "../../src/bench/speed/report";
import { DEFAULT_METRIC } from "../../src/sparsity/metrics";
import { modelPath, modelShape } from "../testModel";
import { errorLine, finish, run, Scratch, sourceFile, start } from "./support";

interface CompleteReport {
  readonly activeRatio: number;
  readonly prefill: object;
  readonly decode: object;
  readonly attribution: { readonly tokens: number };
  readonly packing: object;
  readonly memory: { readonly packedBytes: number };
}

const position = `${sourceFile}:10:17`;

describe("lacuna", () => {
  let scratch: Scratch;
  before(() => {
    scratch = new Scratch();
  });
  after(() => {
    scratch.remove();
  });

  it("explains itself and its commands", async () => {
    for (const words of [[], ["--help"], ["-h"], ["help"]]) {
      const overview = await run(words);
      assert.equal(overview.code, 0);
      for (const command of ["complete", "attribute", "bench speed"]) {
        assert.ok(overview.stdout.includes(`  ${command} `), words.join(" "));
      }
    }
    const details = await run(["complete", "--help"]);
    assert.equal(details.code, 0);
    for (const option of [
      "--model",
      "--active",
      "--metric",
      "--window",
      "--max-tokens",
      "--threads",
      "--gpu",
      "--json",
    ]) {
      assert.ok(details.stdout.includes(option), option);
    }
  });

  it("says where the benchmarks are if they are not beside it, as in a package", async () => {
    const file = scratch.file("cli.mjs", readFileSync("dist/cli.mjs"));
    const finished = await finish(spawn(process.execPath, [file, "bench", "speed"]));
    assert.equal(finished.code, 1);
    assert.match(errorLine(finished), /part of Lacuna's sources/);
  });

  describe("--gpu", () => {
    const there = (gpu: string): boolean =>
      existsSync(`node_modules/node-llama-cpp/bins/linux-${process.arch}-${gpu}`);

    for (const name of ["complete", "attribute", "bench speed", "bench quality"]) {
      it(`of ${name} is an error in one line where this installation has none such`, async function () {
        const gpu = ["cuda", "vulkan"].find((one) => !there(one));
        if (process.platform !== "linux" || gpu === undefined) {
          console.log("      Not tested: needs Linux and a build without one of CUDA and Vulkan.");
          this.skip();
        }
        const own = name.startsWith("bench") ? ["--out", path.join(scratch.directory, "out")] : [position];
        const args = [...name.split(" "), ...own, "--model", modelPath, "--threads", "1"];
        const end = await run([...args, "--gpu", gpu]);
        assert.equal(end.code, 1);
        assert.match(
          errorLine(end),
          /has no binary for (CUDA|Vulkan), .*`npm run build:native -- --gpu (cuda|vulkan)`/,
        );
      });
    }

    for (const command of [
      ["complete", position],
      ["attribute", position],
    ]) {
      it(`auto of ${command[0]} runs on the CPU where nothing else is`, async () => {
        const args = [...command, "--model", modelPath, "--threads", "1", "--json"];
        const size = command[0] === "complete" ? ["--max-tokens", "4"] : ["--window", "32"];
        const end = await run([...args, ...size, "--gpu", "auto"]);
        assert.equal(end.code, 0, end.stderr);
      });
    }

    it("takes no other word", async () => {
      const end = await run(["complete", position, "--model", modelPath, "--gpu", "rocm"]);
      assert.equal(end.code, 2);
      assert.match(errorLine(end), /--gpu must be one of/);
    });
  });

  describe("complete", () => {
    it("prints JSON with every field of its contract", async () => {
      const args = [
        "complete",
        position,
        "--model",
        modelPath,
        "--max-tokens",
        "8",
        "--threads",
        "1",
        "--json",
      ];
      const { code, stdout, stderr } = await run([
        ...args,
        "--active",
        "0.4",
        "--window",
        "64",
        "--metric",
        "wanda",
      ]);
      assert.equal(code, 0, stderr);
      const result = JSON.parse(stdout) as CompleteReport;
      assert.deepEqual(Object.keys(result), [
        "text",
        "stopReason",
        "activeRatio",
        "readRatio",
        "prefill",
        "decode",
        "attribution",
        "packing",
        "memory",
      ]);
      assert.deepEqual(Object.keys(result.prefill), ["tokens", "ms"]);
      assert.deepEqual(Object.keys(result.decode), ["tokens", "ms", "tokensPerSecond"]);
      assert.deepEqual(Object.keys(result.attribution), ["tokens", "ms"]);
      assert.deepEqual(Object.keys(result.packing), ["ms"]);
      assert.deepEqual(Object.keys(result.memory), ["residentBytes", "mappedBytes", "packedBytes"]);
      assert.equal(result.activeRatio, 0.4);
      assert.equal(result.attribution.tokens, 64);
      assert.ok(result.memory.packedBytes > 0);
    });

    it("prints the text alone on stdout, and completes the same way every time", async () => {
      const args = ["complete", position, "--max-tokens", "8", "--threads", "1"];
      const plain = await run(args);
      const json = await run([...args, "--json"]);
      assert.equal(plain.code, 0, plain.stderr);
      assert.equal(plain.stdout, `${(JSON.parse(json.stdout) as { text: string }).text}\n`);
      assert.match(plain.stderr, /100 % of the FFN read .* tokens\/s/);
    });

    it("ends cleanly on Ctrl-C", async () => {
      const child = start(["complete", position, "--max-tokens", "200", "--active", "auto"]);
      const done = finish(child);
      await once(child.stderr!, "data");
      child.kill("SIGINT");
      const { code, stdout, stderr } = await done;
      assert.equal(code, 130);
      assert.equal(stdout, "");
      assert.match(stderr, /Interrupted\.\n$/);
    });
  });

  describe("attribute", () => {
    it("writes what its contract says", async () => {
      const out = path.join(scratch.directory, "scores");
      const args = [
        "attribute",
        position,
        "--window",
        "48",
        "--metrics",
        "corrected-gxo,wanda",
        "--threads",
        "1",
      ];
      const { code, stderr } = await run([...args, "--model", modelPath, "--out", out]);
      assert.equal(code, 0, stderr);
      assert.deepEqual(
        readdirSync(out)
          .filter((name) => !name.endsWith(".heads.npy"))
          .sort(),
        ["attribution.json", "corrected-gxo.npy", "mean.npy", "wanda.npy"],
      );
      const report = JSON.parse(readFileSync(path.join(out, "attribution.json"), "utf8")) as {
        tokens: number[];
        window: [number, number];
        F: number;
      };
      assert.equal(report.tokens.length, 49);
      assert.equal(report.tokens[0], 1, "the model wants a beginning-of-sequence token");
      assert.deepEqual(report.window, [1, 49]);
      assert.ok(report.F < 0 && report.F / 48 > -10);

      const { layers, neurons, heads } = modelShape();
      const { shape, values } = readNpy(path.join(out, "corrected-gxo.npy"));
      assert.deepEqual(shape, [layers, neurons]);
      assert.ok(values.every(Number.isFinite));
      assert.ok(new Set(values).size > 0.9 * layers * neurons, "scores differ");
      assert.deepEqual(readNpy(path.join(out, "corrected-gxo.heads.npy")).shape, [layers, heads]);
    });

    it("prints JSON", async () => {
      const { code, stdout } = await run([
        "attribute",
        sourceFile,
        "--window",
        "16",
        "--threads",
        "1",
        "--json",
      ]);
      assert.equal(code, 0);
      const report = JSON.parse(stdout) as { tokens: number[]; metrics: string[] };
      assert.equal(report.tokens.length, 17);
      assert.deepEqual(report.metrics, [DEFAULT_METRIC]);
    });

    it("leaves nothing behind when interrupted", async () => {
      const out = path.join(scratch.directory, "interrupted");
      const child = start(["attribute", sourceFile, "--metrics", "all", "--threads", "1", "--out", out]);
      const done = finish(child);
      await once(child.stderr!, "data");
      child.kill("SIGINT");
      assert.equal((await done).code, 130);
      assert.deepEqual(readdirSync(out), []);
    });
  });

  describe("bench speed", () => {
    it("measures a given model against stock", async () => {
      const out = path.join(scratch.directory, "speed");
      const args = [
        ...["bench", "speed", "--model", modelPath, "--active", "1,0.7,0.5", "--threads", "1"],
        ...["--seconds", "1", "--prompt-tokens", "16", "--decode-tokens", "8", "--window", "16"],
        ...["--out", out, "--json"],
      ];
      const { code, stdout, stderr } = await run(args);
      assert.equal(code, 0, stderr);
      const [model] = (JSON.parse(stdout) as SpeedReport).models;
      assert.deepEqual(
        model!.ratios.map(({ name }) => name),
        ["stock", "1", "0.7", "0.5"],
      );
      const [stock, dense, more, half] = model!.ratios.map(({ values }) => values);
      assert.ok(half!.ffn < more!.ffn && Math.abs(half!.ffn / dense!.ffn - 0.5) < 0.02);
      assert.equal(stock!.speedup, 1);
      assert.equal(dense!.bytes, stock!.bytes);
      assert.ok(half!.bytes < stock!.bytes && half!.limit > 1);
      assert.equal(half!.attention, stock!.attention);
      assert.ok(half!.packingMs > 0 && half!.pairs >= 5);
      assert.ok(half!.speedupLow <= half!.speedup && half!.speedup <= half!.speedupHigh);
      assert.deepEqual(
        model!.attribution.map(({ name, values }) => [name, values.window]),
        [
          ["wanda", 16],
          ["corrected-gxo", 16],
        ],
      );
      const markdown = readFileSync(path.join(out, "speed.md"), "utf8");
      assert.match(markdown, /50 % of the FFN's bytes/);
      assert.match(markdown, /qwen2\.5-coder-7b +\| not measured/);

      const again = await run(args);
      assert.deepEqual((JSON.parse(again.stdout) as SpeedReport).models, [model]);
    });

    it("leaves no half-written model behind when interrupted", async () => {
      const cache = path.join(scratch.directory, "cache");
      const child = start(["bench", "speed", "--shape", "qwen2.5-coder-0.5b", "--quant", "F16"], {
        LACUNA_CACHE: cache,
      });
      const done = finish(child);
      while (!(
        existsSync(path.join(cache, "models")) && readdirSync(path.join(cache, "models")).length > 0
      )) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      child.kill("SIGINT");
      const result = await done;
      assert.equal(result.code, 130, errorLine(result));
      assert.deepEqual(readdirSync(path.join(cache, "models")), []);
    });
  });
});

function readNpy(file: string): { readonly shape: readonly number[]; readonly values: readonly number[] } {
  const bytes = readFileSync(file);
  assert.equal(bytes.subarray(0, 8).toString("latin1"), "\x93NUMPY\x01\x00");
  const start = 10 + bytes.readUInt16LE(8);
  assert.equal(start % 64, 0);
  const head = bytes.subarray(10, start).toString("latin1");
  assert.match(head, /'descr': '<f4', 'fortran_order': False/);
  const shape = /\((\d+), (\d+)\)/.exec(head)!.slice(1).map(Number);
  const values = Array.from({ length: (bytes.length - start) / 4 }, (_, i) =>
    bytes.readFloatLE(start + 4 * i),
  );
  assert.equal(values.length, shape[0]! * shape[1]!);
  return { shape, values };
}
