import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { unwrap } from "../../src/engine/client";
import type { CompleteRequest, HeadStats, LoadModel } from "../../src/engine/protocol";
import { completion, loadParams, TestEngine } from "./support";

describe("a screened output head in the engine process", () => {
  let folder: string;
  let engine: TestEngine;
  const places: readonly CompleteRequest[] = [1000, 2500, 4000, 6000].map((cursor) => {
    const whole = completion();
    const text = whole.prefix + whole.suffix;
    return completion({ prefix: text.slice(0, cursor), suffix: text.slice(cursor), path: `/${cursor}.ts` });
  });

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "lacuna-heads-"));
    engine = new TestEngine();
  });
  afterEach(() => {
    engine.client.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  const load = async (params: Partial<LoadModel> = {}): Promise<void> =>
    void unwrap(await engine.client.load({ ...loadParams, headDirectory: folder, ...params }));
  const prepare = async (): Promise<HeadStats> => unwrap(await engine.client.prepareHead());
  const texts = async (): Promise<string[]> => {
    const all: string[] = [];
    for (const place of places) {
      all.push(unwrap(await engine.client.complete(place)).text);
    }
    return all;
  };

  it("writes the same text as the full one, and keeps its copy for the next start", async () => {
    await load();
    const full = await texts();
    const fractions: number[] = [];
    const stats = unwrap(
      await engine.client.prepareHead({ onItem: ({ fraction }) => fractions.push(fraction) }),
    );
    assert.deepEqual(stats, { screened: true, checked: 0, missed: 0 });
    assert.ok(fractions.length > 5 && fractions.every((x, i) => i === 0 || x >= fractions[i - 1]!));
    const result = unwrap(await engine.client.complete(places[0]!)); // a context that was there before
    assert.equal(result.text, full[0]);
    assert.ok(result.headRatio! > 0);
    assert.deepEqual(await texts(), full);
    const [name] = readdirSync(folder);
    const made = readFileSync(path.join(folder, name!));

    engine.client.restartEngine();
    assert.deepEqual(await prepare(), { screened: true, checked: 0, missed: 0 });
    assert.deepEqual(readFileSync(path.join(folder, name!)), made);
    assert.deepEqual(await texts(), full);
    assert.ok(!engine.logs.some((line) => line.includes("made anew")));
  });

  it("replaces a copy that is damaged, or of another model", async () => {
    await load();
    await prepare();
    const [name] = readdirSync(folder);
    const file = path.join(folder, name!);
    const good = readFileSync(file);
    const damaged = Buffer.from(good);
    damaged[damaged.length - 5]! ^= 1;
    for (const [bad, why] of [
      [damaged, "damaged"],
      [good.subarray(0, 1000), "cut short"],
    ] as const) {
      writeFileSync(file, bad);
      engine.client.restartEngine();
      assert.equal((await prepare()).screened, true);
      assert.deepEqual(readFileSync(file), good);
      assert.ok(
        engine.logs.some((line) => line.includes(`${why}; it is made anew`)),
        engine.logs.join("\n"),
      );
    }
    assert.deepEqual(readdirSync(folder), [name]);
  });

  it("stays in full, and says why, where it is not wanted, or there is no room for its copy", async () => {
    await load({ headDirectory: undefined } as unknown as Partial<LoadModel>);
    assert.match((await prepare()).why!, /switched off/);
    writeFileSync(path.join(folder, "file"), "");
    await load({ headDirectory: path.join(folder, "file") });
    const { screened, why } = await prepare();
    assert.equal(screened, false);
    assert.match(why!, /^its copy cannot be made: (EEXIST|ENOTDIR).*\.$/);
    assert.equal(unwrap(await engine.client.complete(places[0]!)).headRatio, undefined);
  });

  it("stays in full where earlier sessions have counted too many misses", async () => {
    await load();
    await prepare();
    const [name] = readdirSync(folder);
    writeFileSync(
      path.join(folder, `${name!}.json`),
      JSON.stringify({ version: 1, checked: 1500, missed: 2 }),
    );
    engine.client.restartEngine();
    const { screened, why } = await prepare();
    assert.equal(screened, false);
    assert.match(why!, /missed 2 of 1500 choices/);
    assert.ok(engine.logs.some((line) => line.startsWith("The output head is computed in full: ")));
  });

  it("gives way to completions while it is made, and leaves nothing behind when the model is unloaded", async () => {
    await load();
    let order = "";
    const prepared = engine.client.prepareHead().then(() => (order += "prepared "));
    unwrap(await engine.client.complete(places[0]!));
    order += "completed ";
    await prepared;
    assert.equal(order, "completed prepared ");

    rmSync(folder, { recursive: true });
    await load({ contextSize: 400 });
    const started = new Promise<void>((resolve) => {
      void engine.client.prepareHead({ onItem: () => resolve() });
    });
    await started;
    unwrap(await engine.client.unload());
    assert.deepEqual(existsSync(folder) ? readdirSync(folder) : [], []);
  });
});
