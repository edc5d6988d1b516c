import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { parseAddress, fileName } from "../download/address";
import { catalogue, fileSize, findChoice, runsSparse } from "./catalogue";
import { bytesPerToken, estimate, LINE_TOKENS, recommend } from "./estimate";
import { measureMachine, type Machine } from "./machine";

describe("the catalogue", () => {
  it("names each model once, with a licence, a card and at least one file", () => {
    assert.ok(catalogue.length >= 15);
    assert.equal(new Set(catalogue.map(({ name }) => name)).size, catalogue.length);
    for (const { name, license, card, released, files, parameters, context, shape } of catalogue) {
      assert.match(name, /^[a-z0-9.-]+$/);
      assert.ok(license.length > 2, name);
      assert.match(card, /^https:\/\/huggingface\.co\//, name);
      assert.match(released, /^20\d\d-(0[1-9]|1[0-2])$/, name);
      assert.ok(files.length > 0 && parameters > 1e8 && context >= 2_048, name);
      assert.ok(
        Object.values(shape).every((value) => Number.isInteger(value) && value > 0),
        name,
      );
    }
  });

  it("has an address for every file that can be kept under its name, and a source for its size and hash", () => {
    for (const { name, files } of catalogue) {
      assert.equal(new Set(files.map(({ quantization }) => quantization)).size, files.length, name);
      for (const { address, sha256, source, size } of files) {
        const parsed = parseAddress(address);
        assert.ok(parsed.kind === "hub", address);
        if ("file" in parsed.what) {
          assert.doesNotThrow(() => fileName((parsed.what as { file: string }).file.split("/").at(-1)!));
        }
        assert.match(source, /^https:\/\/huggingface\.co\//, address);
        assert.match(sha256 ?? "0".repeat(64), /^[0-9a-f]{64}$/, address);
        assert.ok(size === undefined || typeof size === "number" || /^[\d.]+ [GM]B$/.test(size), address);
      }
    }
  });

  it("knows sizes that the numbers of parameters make plausible", () => {
    // Rows of 896 do not fit the blocks of K-quants: others take their place.
    for (const entry of catalogue.filter(({ shape }) => shape.width % 256 === 0)) {
      for (const file of entry.files) {
        const { bytes, known } = fileSize(entry, file);
        const guessed = fileSize(entry, { ...file, size: undefined as never });
        assert.equal(guessed.known, "estimated");
        assert.ok(
          Math.abs(bytes / guessed.bytes - 1) < 0.2,
          `${entry.name} ${file.quantization}: ${bytes} (${known}), not about ${guessed.bytes}`,
        );
      }
    }
  });

  it("says of the same architectures as the engine that they run sparse", () => {
    const source = readFileSync("native/addon/lacuna-family.cpp", "utf8");
    const known = [...source.matchAll(/^ +\{ LLM_ARCH_(\w+), /gm)].map(([, name]) => name!.toLowerCase());
    assert.deepEqual([...known].filter(runsSparse), known);
    assert.ok(known.length > 0 && !runsSparse("refact"));
  });

  it("is asked by name, and by quantisation", () => {
    assert.equal(findChoice("Qwen2.5-Coder-1.5B")!.file.quantization, "Q4_K_M");
    assert.equal(findChoice("qwen2.5-coder-3b-base:q8_0")!.file.quantization, "Q8_0");
    assert.equal(findChoice("qwen2.5-coder-3b-base:Q2_K"), undefined);
    assert.equal(findChoice("qwen2.5-coder-3b-base:q8_0:x"), undefined);
    assert.equal(findChoice("gpt"), undefined);
  });
});

describe("the recommendation", () => {
  const laptop: Machine = { memory: 16e9, cores: 8, bandwidth: 60e9 };
  const expected = (name: string, machine: Machine): ReturnType<typeof estimate> => {
    const { entry, file } = findChoice(name)!;
    return estimate(entry, file, machine);
  };

  it("counts what a token reads of Qwen's own files as the engine does", () => {
    for (const [name, megabytes] of [
      ["qwen2.5-coder-0.5b", 392],
      ["qwen2.5-coder-1.5b", 980],
    ] as const) {
      const { entry, file } = findChoice(name)!;
      assert.ok(Math.abs(bytesPerToken(entry, file) / (megabytes * 1e6) - 1) < 0.03, name);
    }
  });

  it("expects the memory that Qwen's own files were seen to take", () => {
    // Bytes resident, dense, with the editor's context, just after the first completion; measured on an Intel Xeon with AMX.
    for (const [name, measured] of [
      ["qwen2.5-coder-0.5b", 0.607e9],
      ["qwen2.5-coder-1.5b", 1.258e9],
    ] as const) {
      const { entry, file } = findChoice(name)!;
      const { residentBytes } = estimate(entry, file, laptop).dense;
      assert.ok(Math.abs(residentBytes / measured - 1) < 0.1, `${name}: ${residentBytes}`);
    }
  });

  it("expects the speed that Qwen's own files were seen to have", () => {
    // Dense, a token alone, on two cores of an Intel Xeon with AMX, on two days of which one gave less bandwidth.
    for (const [name, bandwidth, milliseconds] of [
      ["qwen2.5-coder-0.5b", 28e9, 27],
      ["qwen2.5-coder-1.5b", 28e9, 49],
      ["qwen2.5-coder-0.5b", 22.3e9, 39.5],
      ["qwen2.5-coder-1.5b", 22.3e9, 74.6],
    ] as const) {
      const { tokensPerSecond } = expected(name, { memory: 25e9, cores: 2, bandwidth }).dense;
      const wrong = (tokensPerSecond * milliseconds) / 1e3 - 1;
      assert.ok(Math.abs(wrong) < 0.25, `${name} at ${bandwidth}: ${wrong}`);
    }
  });

  it("puts first the best model that answers a line within a second", () => {
    const [first, ...others] = recommend(laptop);
    assert.equal(first!.fits, "good");
    assert.ok(first!.estimate.secondsPerLine <= 1);
    assert.ok(first!.estimate.tokensPerSecond >= LINE_TOKENS);
    const order = [first!, ...others].map(({ fits }) => fits);
    assert.deepEqual(
      order,
      [...order].sort((a, b) => "glst".indexOf(a[0]!) - "glst".indexOf(b[0]!)),
    );
    const stronger = recommend({ ...laptop, cores: 24, bandwidth: 400e9, memory: 64e9 })[0]!;
    assert.ok(stronger.entry.parameters > first!.entry.parameters);
  });

  it("puts no model first that takes most of the memory, however few of its weights a token uses", () => {
    const mixtures = catalogue.filter(({ activeParameters }) => activeParameters !== undefined);
    assert.ok(mixtures.length > 1);
    for (const machine of [
      { memory: 16e9, cores: 8, bandwidth: 60e9 },
      { memory: 25e9, cores: 2, bandwidth: 25e9 },
      { memory: 25e9, cores: 4, bandwidth: 45e9 },
      { memory: 32e9, cores: 16, bandwidth: 100e9 },
    ]) {
      const recommendations = recommend(machine);
      assert.ok(recommendations[0]!.estimate.residentBytes < machine.memory / 3);
      for (const { entry, fits } of recommendations.filter((one) => mixtures.includes(one.entry))) {
        assert.notEqual(fits, "good", `${entry.name} with ${machine.memory}`);
      }
    }
    assert.equal(recommend(laptop).find(({ entry }) => entry.name.includes("v2-lite"))!.fits, "large");
  });

  it("counts what is read before a line is written: of experts, those that every token of it chooses", () => {
    const machine = { memory: 64e9, cores: 8, bandwidth: 40e9 };
    for (const entry of catalogue) {
      const { secondsPerLine, tokensPerSecond } = estimate(entry, entry.files[0]!, machine);
      const reading = secondsPerLine - LINE_TOKENS / tokensPerSecond;
      // What a model reads for one token, it reads for all that was typed.
      assert.ok(reading > (entry.activeParameters === undefined ? 0.99 : 3) / tokensPerSecond, entry.name);
    }
    // On two cores of an Intel Xeon with AMX, 64 tokens of a prompt; on few cores they take longer than their weights do.
    for (const [name, milliseconds] of [
      ["qwen2.5-coder-0.5b", 2.6],
      ["qwen2.5-coder-1.5b", 7.7],
    ] as const) {
      const { secondsPerLine, tokensPerSecond } = expected(name, {
        memory: 25e9,
        cores: 2,
        bandwidth: 400e9,
      });
      const reading = secondsPerLine - LINE_TOKENS / tokensPerSecond;
      assert.ok(reading > 0.008 * milliseconds && reading < 0.02 * milliseconds, `${name}: ${reading}`);
    }
  });

  it("calls too large what the memory does not hold, and puts it last", () => {
    const small = recommend({ memory: 6e9, cores: 2, bandwidth: 10e9 });
    assert.equal(small.at(-1)!.fits, "too-large");
    assert.ok(
      small.every(({ fits, estimate: { residentBytes } }) => (fits === "too-large") === residentBytes > 3e9),
    );
  });

  it("counts on no speed that a model has not dense, and on the memory that sparsity takes", () => {
    const sparse = expected("qwen2.5-coder-7b", laptop);
    assert.equal(sparse.tokensPerSecond, sparse.dense.tokensPerSecond);
    assert.ok(sparse.residentBytes > sparse.dense.residentBytes);
    const dense = expected("refact-1.6b-fim", laptop);
    assert.equal(dense.residentBytes, dense.dense.residentBytes);
  });

  it("believes what was measured more than what it guesses", () => {
    const { entry, file } = findChoice("qwen2.5-coder-1.5b")!;
    const { layers } = entry.shape;
    const measured = { bytesPerToken: bytesPerToken(entry, file), layers, tokensPerSecond: 33 };
    assert.equal(Math.round(estimate(entry, file, laptop, measured).dense.tokensPerSecond), 33);
    const other = findChoice("qwen2.5-coder-7b")!;
    const [guess, corrected] = [undefined, measured].map(
      (seen) => estimate(other.entry, other.file, laptop, seen).dense.tokensPerSecond,
    );
    const quicker = 33 / estimate(entry, file, laptop).dense.tokensPerSecond;
    assert.ok(Math.abs(corrected! / guess! / quicker - 1) < 1e-9);
  });

  it("measures this machine", async () => {
    const { memory, cores, bandwidth } = await measureMachine();
    assert.ok(memory > 1e8 && cores >= 1 && bandwidth > 1e8 && bandwidth < 1e13);
    await assert.rejects(measureMachine(AbortSignal.abort(new Error("not now"))), /not now/);
  });
});
