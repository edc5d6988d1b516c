import assert from "node:assert/strict";
import { execFileSync, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { unwrap } from "../../src/engine/client";
import { readGguf } from "../../src/models/gguf";
import { splitGguf } from "../../src/models/testing";
import { modelPath, modelShape } from "../testModel";
import { completion, errorOf, loadParams, root, TestEngine } from "./support";

describe("loading in the engine process", () => {
  let engine: TestEngine;
  beforeEach(() => {
    engine = new TestEngine();
  });
  afterEach(() => {
    engine.client.dispose();
  });

  it("describes the model and reports progress that ends before the result", async () => {
    const fractions: number[] = [];
    const info = unwrap(
      await engine.client.load(loadParams, { onItem: ({ fraction }) => fractions.push(fraction) }),
    );
    const { layers, neurons, parameters } = modelShape();
    assert.equal(info.architecture, "llama");
    assert.equal(info.layerCount, layers);
    assert.deepEqual(info.ffnSize, Array<number>(layers).fill(neurons));
    assert.equal(info.parameters, parameters);
    assert.ok(info.hasFim);
    assert.equal(info.denseOnly, undefined);
    assert.ok(fractions.every((fraction, i) => i === 0 || fraction > fractions[i - 1]!));
    const kinds = engine.states.map(({ kind }) => kind);
    assert.equal(kinds[0], "starting");
    assert.equal(kinds.at(-1), "dense");
    assert.equal(kinds.lastIndexOf("loading"), kinds.indexOf("dense") - 1);
  });

  it("loads a model in parts by any of them, and describes the whole", async () => {
    const scratch = mkdtempSync(path.join(tmpdir(), "lacuna-test-"));
    try {
      const count = readGguf(modelPath).tensors.length;
      const files = splitGguf(modelPath, scratch, "m", [0, 10, count - 10]);
      const whole = unwrap(await engine.client.load(loadParams));
      const { text } = unwrap(await engine.client.complete(completion()));
      for (const file of files) {
        const info = unwrap(await engine.client.load({ ...loadParams, modelPath: file }));
        assert.equal(info.path, files[0]);
        assert.deepEqual({ ...info, path: "", fileBytes: 0 }, { ...whole, path: "", fileBytes: 0 });
        assert.equal(unwrap(await engine.client.complete(completion())).text, text);
      }
      rmSync(files[2]!);
      const { code, message } = errorOf(await engine.client.load({ ...loadParams, modelPath: files[1]! }));
      assert.equal(code, "model-unreadable");
      assert.match(message, /lacks part 3 of 3: there is no m-00003-of-00003\.gguf in /);
    } finally {
      rmSync(scratch, { recursive: true });
    }
  });

  it("completes the plain prefix with a model that has no fill-in-the-middle tokens, and says so", async () => {
    const scratch = mkdtempSync(path.join(tmpdir(), "lacuna-test-"));
    try {
      const file = path.join(scratch, "plain.gguf");
      // Other names of the same length, of the tokens and of what the file says of them: then they are no such tokens.
      const bytes = readFileSync(modelPath)
        .toString("latin1")
        .replaceAll(/(?<=<\||\.)fim_/g, "xxx_");
      writeFileSync(file, bytes, "latin1");
      const info = unwrap(await engine.client.load({ ...loadParams, modelPath: file }));
      assert.equal(info.hasFim, false);
      assert.equal(info.fim, undefined);
      const state = engine.states.at(-1)!;
      assert.ok(state.kind === "dense" && state.why?.includes("only what is before the cursor"));
      assert.ok(engine.logs.some((line) => line.includes("only what is before the cursor")));
      const both = unwrap(await engine.client.complete(completion()));
      const without = unwrap(await engine.client.complete(completion({ suffix: "", path: "/b.ts" })));
      assert.equal(both.prefill.tokens, without.prefill.tokens);
    } finally {
      rmSync(scratch, { recursive: true });
    }
  });

  it("fills in with the tokens that a file names, whatever they are called and of whatever type", async () => {
    const scratch = mkdtempSync(path.join(tmpdir(), "lacuna-test-"));
    try {
      unwrap(await engine.client.load(loadParams));
      const whole = unwrap(await engine.client.complete(completion()));
      for (const type of [1, 4]) {
        const file = path.join(scratch, `named-${type}.gguf`);
        const bytes = Buffer.from(
          readFileSync(modelPath).toString("latin1").replaceAll("<|fim_", "<|xxx_"),
          "latin1",
        );
        // Behind the key: array of 32-bit integers, their number, the integers.
        const types = bytes.indexOf("tokenizer.ggml.token_type") + "tokenizer.ggml.token_type".length + 16;
        [3, 4, 5].forEach((token) => bytes.writeInt32LE(type, types + 4 * token));
        writeFileSync(file, bytes);
        const info = unwrap(await engine.client.load({ ...loadParams, modelPath: file }));
        assert.equal(info.fim, "as its file says");
        const { text, prefill } = unwrap(await engine.client.complete(completion()));
        assert.deepEqual([text, prefill.tokens], [whole.text, whole.prefill.tokens]);
        // The name of such a token in a file is text, and ends nothing.
        const prefix = `const token = "<|xxx_suffix|>";\n${completion().prefix}`;
        const spelled = unwrap(await engine.client.complete(completion({ prefix })));
        assert.equal(spelled.text, whole.text);
      }
    } finally {
      rmSync(scratch, { recursive: true });
    }
  });

  it("answers a completion that is cancelled while the model loads at once", async () => {
    const order: string[] = [];
    const loading = engine.client.load(loadParams).then(() => order.push("loaded"));
    const cancelled = new AbortController();
    const completing = engine.client
      .complete(completion(), { signal: cancelled.signal })
      .then((outcome) => order.push(errorOf(outcome).code));
    while (!engine.states.some(({ kind }) => kind === "loading")) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    cancelled.abort();
    await Promise.all([loading, completing]);
    assert.deepEqual(order, ["cancelled", "loaded"]);
  });

  it("says what is wrong with a model, to the load and to every request after it", async () => {
    const error = errorOf(await engine.client.load({ ...loadParams, modelPath: "/nowhere/model.gguf" }));
    assert.deepEqual(error, {
      code: "model-missing",
      message: "There is no model at /nowhere/model.gguf. Check the path.",
    });
    assert.deepEqual(engine.states.at(-1), { kind: "failed", why: error.message });
    assert.deepEqual(errorOf(await engine.client.complete(completion())), error);
  });

  it("loads a good model after a bad one", async () => {
    errorOf(await engine.client.load({ ...loadParams, modelPath: `${root}/package.json` }));
    unwrap(await engine.client.load(loadParams));
    assert.ok(unwrap(await engine.client.complete(completion())).text.length > 0);
  });

  it("does not load again what is loaded", async () => {
    const info = unwrap(await engine.client.load(loadParams));
    const seen = engine.states.length;
    assert.deepEqual(unwrap(await engine.client.load(loadParams)), info);
    assert.equal(engine.states.length, seen);
    const smaller = unwrap(await engine.client.load({ ...loadParams, contextSize: 256 }));
    assert.equal(smaller.contextSize, 256);
  });

  it("refuses senseless parameters", async () => {
    assert.equal(errorOf(await engine.client.load({ ...loadParams, threads: 0 })).code, "bad-request");
    assert.equal(errorOf(await engine.client.load({ ...loadParams, contextSize: 1.5 })).code, "bad-request");
  });

  it("frees the model and loads it again on demand", async () => {
    unwrap(await engine.client.load(loadParams));
    const before = unwrap(await engine.client.complete(completion()));
    unwrap(await engine.client.unload());
    assert.equal(engine.client.state.kind, "idle");
    assert.equal(unwrap(await engine.client.stats()).mappedBytes, 0);
    const after = unwrap(await engine.client.complete(completion()));
    assert.equal(after.text, before.text);
  });

  it("reports its memory", async () => {
    unwrap(await engine.client.load(loadParams));
    const stats = unwrap(await engine.client.stats());
    assert.ok(stats.residentBytes > 10e6);
    assert.ok(stats.mappedBytes > 7e6);
    assert.equal(stats.packedBytes, 0);
    assert.deepEqual(Object.keys(stats.versions), ["node", "node-llama-cpp", "llama.cpp"]);
  });

  it("ends when its parent dies", async () => {
    await dieWithParent({});
  });

  it("ends when its parent dies, whatever native work is doing", async () => {
    const scratch = mkdtempSync(path.join(tmpdir(), "lacuna-test-"));
    try {
      // Nobody ever writes to it: the thread that opens it waits for ever.
      const pipe = path.join(scratch, "pipe");
      execFileSync("mkfifo", [pipe]);
      await dieWithParent({ LACUNA_TEST_PIPE: pipe });
    } finally {
      rmSync(scratch, { recursive: true });
    }
  });
});

/** The parent is a process that forks the engine, as the extension host does, and is killed. */
async function dieWithParent(env: NodeJS.ProcessEnv): Promise<void> {
  const options = { execArgv: ["--import", "tsx"], env: { ...process.env, ...env } };
  const parent = fork(`${root}/test/engine/parent.ts`, [modelPath], options);
  const ended = once(parent, "exit").then(() => assert.fail("the parent ended by itself"));
  const [pid] = (await Promise.race([once(parent, "message"), ended])) as [number];
  assert.ok(isAlive(pid));
  ended.catch(() => undefined);
  parent.kill("SIGKILL");
  while (isAlive(pid)) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
