// Runs in the Node of another platform, with an unpacked package: `node driver.mjs PACKAGE SCRATCH`. scripts/platform.mjs bundles and starts it.
import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import path from "node:path";
import { EngineClient, forkEngine, unwrap } from "../../src/engine/client";
import type { CompleteRequest, EngineState, LoadModel } from "../../src/engine/protocol";

const [folder, scratch] = process.argv.slice(2).map((name) => path.resolve(name)) as [string, string];

const PREFIX = `export function sum(values: readonly number[]): number {
  let total = 0;
  for (const value of values) {
    total += value;
  }
  return total;
}

export function mean(values: readonly number[]): number {
  return `;
const request: CompleteRequest = {
  prefix: PREFIX,
  suffix: "\n}\n",
  path: "/mean.ts",
  language: "typescript",
  maxTokens: 8,
};

const states: EngineState[] = [];
const client = new EngineClient({
  spawn: (env) =>
    forkEngine({
      hostPath: path.join(folder, "dist/engine-host.mjs"),
      env,
      onStderr: (line) => process.stdout.write(`      ${line}\n`),
    }),
  onState: (state) => states.push(state),
  onLog: (level, message) => process.stdout.write(`      ${level}: ${message}\n`),
  backOff: () => 0,
});
const shipped = path.join(folder, "media/model");
const model = path.join(
  shipped,
  readdirSync(shipped).find((name) => name.endsWith(".gguf"))!,
);
const load = async (modelPath: string, overrides: Partial<LoadModel> = {}) =>
  unwrap(await client.load({ modelPath, contextSize: 512, threads: 2, gpu: false, ...overrides }));
const complete = async () => unwrap(await client.complete(request));

async function step(what: string, work: () => Promise<unknown>): Promise<void> {
  process.stdout.write(`  ${what}\n`);
  const seen = await work();
  if (typeof seen === "string") {
    process.stdout.write(`    ${seen}\n`);
  }
}

async function main(): Promise<void> {
  process.stdout.write(`Node ${process.version} on ${process.platform} ${process.arch}\n`);
  await step("the engine process starts and loads the model of the package", async () => {
    const { layerCount, ffnSize } = await load(model);
    return `${layerCount} layers of ${ffnSize[0]} neurons`;
  });
  let dense = "";
  await step("it completes", async () => {
    const result = await complete();
    dense = result.text;
    assert.ok(dense.trim().length > 0);
    return JSON.stringify(dense);
  });
  await step("it attributes, packs, and decodes with two levels of bits", async () => {
    const { prefix, suffix, path: file } = request;
    const common = { path: file, prefix, suffix, metric: "corrected-gxo", windowTokens: 48 } as const;
    const made = unwrap(await client.sparsify({ ...common, sparsity: 0.5, maxQualityLoss: 0.1 }));
    assert.equal(made.source, "attributed");
    assert.ok(made.memory.packedBytes > 0);
    const { text, readRatio, activeRatio } = await complete();
    assert.equal(activeRatio, 0.5);
    assert.ok(readRatio! > 0.4 && readRatio! < 0.6, `${readRatio} of the FFN was read`);
    unwrap(await client.sparsify({ ...common, sparsity: "dense", maxQualityLoss: 0.1 }));
    assert.equal((await complete()).text, dense, "dense as before");
    return `${JSON.stringify(text)}, ${(readRatio! * 100).toFixed(0)} % of the FFN read, ${made.memory.packedBytes} bytes packed`;
  });
  await step("killed while it completes, it is started again and completes as before", async () => {
    const { pid } = client;
    const lost = await client.complete(
      { ...request, path: "/lost.ts", maxTokens: 200 },
      { onItem: () => void process.kill(pid!, "SIGKILL") },
    );
    assert.ok(!lost.ok && lost.error.code === "engine-crashed", JSON.stringify(lost));
    assert.equal((await complete()).text, dense);
    assert.notEqual(client.pid, pid);
    return lost.error.message;
  });
  const deep = path.join(scratch, "a b", "模型 é", ...Array<string>(6).fill("long".repeat(12)), "model.gguf");
  await step(
    "a model is found by a name with blanks, other scripts, and more than 260 characters",
    async () => {
      mkdirSync(path.dirname(deep), { recursive: true });
      copyFileSync(model, deep);
      await load(deep);
      assert.equal((await complete()).text, dense);
      return `${deep.length} characters`;
    },
  );
  if (process.platform === "win32") {
    await step("a model is found by the names that Windows has for one place", async () => {
      const names = [path.toNamespacedPath(model), model.replaceAll("\\", "/"), model.toUpperCase()];
      for (const name of names) {
        await load(name);
        assert.equal((await complete()).text, dense);
      }
      return names.join(", ");
    });
  }
  await step("the file of a model that is no longer loaded can be replaced and removed", async () => {
    await load(model);
    copyFileSync(path.join(folder, "package.json"), deep);
    rmSync(deep);
  });
  await step("what is no model is refused with a sentence", async () => {
    const outcome = await client.load({
      modelPath: path.join(folder, "package.json"),
      contextSize: 512,
      threads: 2,
      gpu: false,
    });
    assert.ok(!outcome.ok && outcome.error.code !== "engine-crashed", JSON.stringify(outcome));
    return outcome.error.message;
  });
  await step("it ends with the client", async () => {
    const { pid } = client;
    client.dispose();
    for (let tries = 0; alive(pid!); tries++) {
      assert.ok(tries < 600, "the engine process is still there");
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  });
}

function alive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

main().catch((error: unknown) => {
  client.dispose();
  process.stdout.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = 1;
});
