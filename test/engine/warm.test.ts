import assert from "node:assert/strict";
import { unwrap } from "../../src/engine/client";
import { completion, TestEngine } from "./support";

describe("warming up in the engine process", () => {
  let engine: TestEngine;
  before(async () => {
    engine = await TestEngine.loaded();
  });
  after(() => {
    engine.client.dispose();
  });

  it("leaves a completion at the place nothing but the last token of its prompt", async () => {
    const { maxTokens, ...place } = completion({ maxTokens: 64 });
    const warmed = unwrap(await engine.client.warm(place));
    assert.ok(warmed.prefill.tokens > 100, `${warmed.prefill.tokens} tokens`);
    const completed = unwrap(await engine.client.complete({ ...place, maxTokens }));
    assert.equal(completed.prefill.tokens, 1);
    const cold = unwrap(await engine.client.complete({ ...place, maxTokens, path: "/cold.ts" }));
    assert.equal(completed.text, cold.text);
  });

  it("finds everything done when it is asked twice", async () => {
    const { maxTokens, ...place } = completion({ path: "/twice.ts" });
    assert.ok(maxTokens > 0 && unwrap(await engine.client.warm(place)).prefill.tokens > 100);
    assert.equal(unwrap(await engine.client.warm(place)).prefill.tokens, 0);
  });

  it("gives way to a completion of the same document", async () => {
    const { maxTokens, ...place } = completion({ path: "/same.ts" });
    const warming = engine.client.warm(place);
    const elsewhere = { ...place, prefix: "const a = 1;\n", suffix: "", maxTokens };
    const completed = unwrap(await engine.client.complete(elsewhere));
    const warmed = unwrap(await warming);
    assert.ok(warmed.prefill.tokens < 300, `${warmed.prefill.tokens} tokens`);
    // It did not come back afterwards and throw the completion's prompt away.
    assert.equal(unwrap(await engine.client.complete(elsewhere)).prefill.tokens, 1);
    assert.ok(completed.prefill.tokens > 1);
  });

  it("ends when it is cancelled", async () => {
    const { maxTokens, ...place } = completion({ path: "/cancelled.ts" });
    const controller = new AbortController();
    const warming = engine.client.warm(place, { signal: controller.signal });
    controller.abort();
    const outcome = await warming;
    assert.ok(maxTokens > 0 && !outcome.ok);
    assert.equal(outcome.error.code, "cancelled");
  });

  it("with nothing before and after the cursor does nothing", async () => {
    const { maxTokens, ...place } = completion({ path: "/empty.ts", prefix: "", suffix: "" });
    assert.ok(maxTokens > 0 && unwrap(await engine.client.warm(place)).prefill.tokens <= 4);
  });
});
