import assert from "node:assert/strict";
import { unwrap } from "../../src/engine/client";
import { completion, loadParams, sparsification, TestEngine } from "./support";

describe("unloading in the engine process", () => {
  let engine: TestEngine;
  beforeEach(async () => {
    engine = await TestEngine.loaded();
    engine.states.length = 0;
  });
  afterEach(() => {
    engine.client.dispose();
  });

  const states = (): readonly string[] => engine.states.map(({ kind }) => kind);

  it("frees the model, and the next completion loads it again", async () => {
    unwrap(await engine.client.unload());
    assert.deepEqual(states(), ["idle"]);
    unwrap(await engine.client.complete(completion()));
    assert.ok(states().includes("loading"));
  });

  it("waits for all completions that were asked for before", async () => {
    const order: string[] = [];
    const completions = ["/a.ts", "/b.ts", "/c.ts"].map(async (path) => {
      const outcome = await engine.client.complete(completion({ path, maxTokens: 48 }));
      order.push(path);
      return outcome;
    });
    const unloading = engine.client.unload().then((outcome) => {
      order.push("unloaded");
      return outcome;
    });
    for (const outcome of await Promise.all(completions)) {
      assert.ok(unwrap(outcome).text.length > 0);
    }
    unwrap(await unloading);
    assert.deepEqual(order, ["/a.ts", "/b.ts", "/c.ts", "unloaded"]);
  });

  it("is given up for a completion that comes before its turn, which finds everything as it was", async () => {
    const first = engine.client.complete(completion({ maxTokens: 48 }));
    const unloading = engine.client.unload();
    const second = engine.client.complete(completion({ maxTokens: 48 }));
    assert.equal(unwrap(await first).text, unwrap(await second).text);
    unwrap(await unloading);
    const third = unwrap(await engine.client.complete(completion({ maxTokens: 48 })));
    assert.equal(unwrap(await second).prefill.tokens, 1);
    assert.equal(third.prefill.tokens, 1);
    assert.ok(!states().includes("loading") && !states().includes("idle"), states().join());
  });

  it("gives way to a completion in the midst of a warm-up and of an attribution", async () => {
    for (const start of [
      () => engine.client.warm(completion({ path: "/warm.ts" })),
      () => engine.client.sparsify(sparsification({ path: "/sparse.ts" })),
    ]) {
      const work = start();
      const unloading = engine.client.unload();
      const completed = unwrap(await engine.client.complete(completion()));
      assert.ok(completed.text.length > 0);
      unwrap(await unloading);
      await work; // whatever it has come to, it has come to an end
      assert.ok(!states().includes("failed"), engine.logs.join("\n"));
    }
  });

  it("ends background work that is under way, and leaves a process that can load again", async () => {
    const warming = engine.client.warm(completion({ path: "/warm.ts" }));
    const attributing = engine.client.sparsify(sparsification({ path: "/sparse.ts" }));
    const { pid } = engine.client;
    unwrap(await engine.client.unload());
    await Promise.all([warming, attributing]);
    assert.equal(states().at(-1), "idle", states().join());
    unwrap(await engine.client.load(loadParams));
    unwrap(await engine.client.complete(completion()));
    assert.equal(engine.client.pid, pid);
  });

  it("that comes during a load waits for it", async () => {
    unwrap(await engine.client.unload());
    engine.states.length = 0;
    const loading = engine.client.load(loadParams);
    unwrap(await engine.client.unload());
    unwrap(await loading);
    assert.equal(states().at(-1), "idle");
  });
});
