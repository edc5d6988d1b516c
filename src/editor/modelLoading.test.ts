import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import type { ModelInfo } from "../engine/protocol";
import { ModelLoading } from "./modelLoading";

describe("ModelLoading", () => {
  let folder: string;
  let wanted: string;
  let now: number;
  /** Loads that have been asked for, to be answered by the test. */
  let asked: { path: string; succeed(): void; fail(why: string): void }[];
  let models: (string | undefined)[];
  let failures: string[];
  let loading: ModelLoading;

  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), "lacuna-loading-"));
    wanted = path.join(folder, "a.gguf");
    writeFileSync(wanted, "a");
    now = 0;
    asked = [];
    models = [];
    failures = [];
    loading = new ModelLoading({
      wanted: () => wanted,
      load: (file) =>
        new Promise((resolve, reject) => {
          asked.push({
            path: file,
            succeed: () => resolve({ path: file } as ModelInfo),
            fail: (why) => reject(new Error(why)),
          });
        }),
      onModel: (model) => models.push(model?.path),
      onFailure: (error) => failures.push((error as Error).message),
      now: () => now,
    });
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const loads = async (count: number): Promise<void> => {
    while (asked.length < count) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  /** Everything that can happen by itself has happened. */
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 5; i++) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  };

  async function failOnce(): Promise<void> {
    const first = assert.rejects(loading.ready(), /damaged/);
    await loads(1);
    asked[0]!.fail("damaged");
    await first;
  }

  it("loads once for all who ask", async () => {
    const both = Promise.all([loading.ready(), loading.ready()]);
    await loads(1);
    asked[0]!.succeed();
    const [a, b] = await both;
    assert.equal(a, b);
    assert.equal(await loading.ready(), a);
    assert.equal(asked.length, 1);
    assert.deepEqual(models, [wanted]);
  });

  it("does not load again by itself what has failed to load", async () => {
    await failOnce();
    for (let key = 0; key < 3; key++) {
      now += 10_000;
      assert.equal(await loading.check(), undefined);
      await assert.rejects(loading.ready(), /damaged/);
    }
    assert.equal(asked.length, 1);
    assert.deepEqual(failures, ["damaged"]);
  });

  it("loads again what has failed when the file is another one, or when it is told to", async () => {
    await failOnce();
    writeFileSync(wanted, "another");
    now += 10_000;
    assert.equal(await loading.check(), undefined);
    const second = assert.rejects(loading.ready(), /damaged too/);
    await loads(2);
    asked[1]!.fail("damaged too");
    await second;
    loading.forget();
    const third = loading.ready();
    await loads(3);
    asked[2]!.succeed();
    assert.equal((await third).path, wanted);
  });

  it("loads again when there is a file at last", async () => {
    rmSync(wanted);
    await failOnce();
    writeFileSync(wanted, "a");
    now += 10_000;
    await loading.check();
    void loading.ready();
    await loads(2);
  });

  it("loads again what may be read at last, and leaves a loaded model alone", async () => {
    await failOnce();
    await new Promise((resolve) => setTimeout(resolve, 20)); // clocks of file systems are coarse
    chmodSync(wanted, 0o600);
    now += 10_000;
    await loading.check();
    const second = loading.ready();
    await loads(2);
    asked[1]!.succeed();
    await second;
    await new Promise((resolve) => setTimeout(resolve, 20));
    chmodSync(wanted, 0o644);
    now += 10_000;
    assert.equal(await loading.check(), undefined);
    assert.notEqual(loading.model, undefined);
  });

  it("tells that a loaded file was replaced or deleted, but does not look all the time", async () => {
    const first = loading.ready();
    await loads(1);
    asked[0]!.succeed();
    await first;
    now += 10_000;
    assert.equal(await loading.check(), undefined);
    rmSync(wanted);
    assert.equal(await loading.check(), undefined);
    now += 10_000;
    assert.equal(await loading.check(), wanted);
    assert.equal(loading.model, undefined);
  });

  it("gives everyone the model that is wanted in the end", async () => {
    const early = loading.ready();
    await loads(1);
    loading.forget();
    wanted = path.join(folder, "b.gguf");
    asked[0]!.succeed();
    await loads(2);
    assert.equal(loading.model, undefined);
    asked[1]!.succeed();
    assert.equal((await early).path, wanted);
    assert.deepEqual(models, [wanted]);
  });

  it("says nothing of the failure of a loading that was forgotten", async () => {
    const early = assert.rejects(loading.ready(), /restarted/);
    await loads(1);
    loading.forget();
    const late = loading.ready();
    await loads(2);
    asked[0]!.fail("restarted");
    await early;
    asked[1]!.succeed();
    await late;
    await settle();
    assert.deepEqual(failures, []);
    assert.equal(loading.model?.path, wanted);
    assert.equal(await loading.ready(), loading.model);
    assert.equal(asked.length, 2);
  });

  it("fails with a sentence when there is no file to load", async () => {
    const none = new ModelLoading({
      wanted: () => {
        throw new Error("No model comes with this build.");
      },
      load: () => assert.fail("there is nothing to load"),
      onModel: () => undefined,
      onFailure: (error) => failures.push((error as Error).message),
    });
    await assert.rejects(none.ready(), /No model comes/);
    assert.deepEqual(failures, ["No model comes with this build."]);
  });
});
