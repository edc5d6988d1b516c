import assert from "node:assert/strict";
import { unwrap } from "../../src/engine/client";
import { completion, errorOf, TestEngine } from "./support";

describe("completing in the engine process", () => {
  let engine: TestEngine;
  before(async () => {
    engine = await TestEngine.loaded();
  });
  after(() => {
    engine.client.dispose();
  });

  it("streams text that adds up to the result, and measures it", async () => {
    const pieces: string[] = [];
    const result = unwrap(
      await engine.client.complete(completion(), { onItem: ({ text }) => pieces.push(text) }),
    );
    assert.ok(result.text.length > 0);
    assert.ok(pieces.length > 1);
    assert.ok(result.text.startsWith(pieces.join("")) || pieces.join("").startsWith(result.text));
    assert.equal(result.activeRatio, 1);
    assert.ok(result.prefill.tokens > 100 && result.prefill.ms > 0);
    assert.ok(result.decode.tokens > 0 && result.decode.tokensPerSecond > 0);
  });

  it("evaluates the same prompt again with its last token only, to the same text", async () => {
    const first = unwrap(await engine.client.complete(completion()));
    const second = unwrap(await engine.client.complete(completion()));
    assert.equal(second.text, first.text);
    assert.equal(second.prefill.tokens, 1);
  });

  it("keeps the KV prefix when one types", async () => {
    const short = completion({
      prefix: "export function add(a: number, b: number) {\n  return a",
      suffix: "",
    });
    const first = unwrap(await engine.client.complete(short));
    const typed = unwrap(await engine.client.complete({ ...short, prefix: `${short.prefix} + ` }));
    assert.ok(
      typed.prefill.tokens < first.prefill.tokens / 2,
      `${typed.prefill.tokens} of ${first.prefill.tokens}`,
    );
    // The same text from an empty cache: reuse changes nothing.
    const fresh = unwrap(
      await engine.client.complete({ ...short, prefix: `${short.prefix} + `, path: "/fresh.ts" }),
    );
    assert.equal(typed.text, fresh.text);
  });

  it("respects the limits on tokens and lines", async () => {
    const short = unwrap(await engine.client.complete(completion({ maxTokens: 2 })));
    assert.ok(short.decode.tokens <= 1);
    const line = unwrap(await engine.client.complete(completion({ maxLines: 1, maxTokens: 64 })));
    assert.doesNotMatch(line.text, /\n/);
  });

  it("fits a prompt that is larger than the context", async () => {
    const prefix = "const value = 1;\n".repeat(20_000);
    const result = unwrap(await engine.client.complete(completion({ prefix, suffix: prefix })));
    assert.ok(result.prefill.tokens <= 512);
  });

  it("stops within a token when cancelled, with what there is", async () => {
    const controller = new AbortController();
    let pieces = 0;
    const request = completion({ maxTokens: 200, prefix: "import {", suffix: "" });
    const result = unwrap(
      await engine.client.complete(request, {
        signal: controller.signal,
        onItem: () => {
          pieces++;
          controller.abort();
        },
      }),
    );
    assert.equal(result.stopReason, "cancelled");
    assert.ok(pieces >= 1);
    // Tokens decoded while the cancellation was on its way through the channel come on top of the one in progress.
    assert.ok(result.decode.tokens < 100, `${result.decode.tokens} tokens`);
  });

  it("stops at the deadline", async () => {
    const result = await engine.client.complete(completion({ path: "/deadline.ts" }), { deadlineMs: 1 });
    const reason = result.ok ? result.value.stopReason : result.error.code;
    assert.equal(reason, "deadline");
  });

  it("answers requests for different documents in turn", async () => {
    const paths = ["/1.ts", "/2.ts", "/3.ts", "/1.ts"];
    const results = await Promise.all(paths.map((path) => engine.client.complete(completion({ path }))));
    const texts = results.map((result) => unwrap(result).text);
    assert.ok(texts.every((text) => text === texts[0]));
  });

  it("loses only the completion in progress when it is killed", async () => {
    const { pid } = engine.client;
    // A document of its own: with a KV cache that was filled in other batches, sums and so near ties come out differently.
    const request = completion({ path: "/healthy.ts" });
    const healthy = unwrap(await engine.client.complete(request));
    const killed = await engine.client.complete(
      completion({ maxTokens: 200, prefix: "import {", suffix: "" }),
      {
        onItem: () => {
          process.kill(pid!, "SIGKILL");
        },
      },
    );
    const error = errorOf(killed);
    assert.equal(error.code, "engine-crashed");
    assert.match(error.message, /^The engine process was ended by SIGKILL.*; this request is lost\.$/);
    // The next request waits for the new process, which has loaded the model again.
    const again = unwrap(await engine.client.complete(request));
    assert.equal(again.text, healthy.text);
    assert.notEqual(engine.client.pid, pid);
  });
});
