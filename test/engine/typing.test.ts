import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { unwrap } from "../../src/engine/client";
import type { CompleteResult } from "../../src/engine/protocol";
import { completion, loadParams, source, TestEngine } from "./support";

/** The place in the source where a function's body begins, and a part of it to be typed. */
const cursor = source.indexOf("private crashed(why: string): void {\n") + 37;
const body = source.slice(cursor, cursor + 220);
const suffix = source.slice(cursor + body.length);

describe("typing in the engine process", () => {
  let engine: TestEngine;
  before(async () => {
    engine = await TestEngine.loaded();
  });
  after(() => {
    engine.client.dispose();
  });

  const at = async (
    typed: string,
    overrides: Parameters<typeof completion>[0] = {},
  ): Promise<CompleteResult> =>
    unwrap(
      await engine.client.complete(
        completion({ prefix: source.slice(0, cursor) + typed, suffix, maxTokens: 4, ...overrides }),
      ),
    );

  it("evaluates a key's own tokens and one more, over a trace", async () => {
    const first = await at("", { path: "/keys.ts" });
    assert.equal(first.anchored, "first");
    let evaluated = 0;
    let plain = 0;
    for (let length = 1; length <= body.length; length++) {
      const { prefill, anchored } = await at(body.slice(0, length), { path: "/keys.ts" });
      // In a context as small as this one, what has been typed is taken into the prefix now and then.
      assert.ok(anchored === undefined || anchored === "typed", anchored);
      if (anchored === undefined) {
        // The last piece is written by the model until the next one begins; then its tokens come at once.
        assert.ok(prefill.tokens <= 12, `${prefill.tokens} tokens after ${body.slice(0, length).slice(-20)}`);
        evaluated += prefill.tokens;
        plain++;
      }
    }
    assert.ok(plain >= body.length - 4, `${plain} of ${body.length}`);
    // Tokens of the text, of which there are not more than half as many as characters, and one more for each key.
    assert.ok(evaluated <= body.length / 2 + plain, `${evaluated} tokens for ${plain} keys`);
  });

  it("says the same as with an empty cache", async () => {
    const lines = body.split("\n");
    const line = lines[0]!.length + 1 + Math.floor(lines[1]!.length / 2);
    const start = { path: "/warm.ts", maxTokens: 24, maxLines: 1 };
    await at(body.slice(0, line - 6), start);
    const typed = await at(body.slice(0, line), start);
    const cold = await at(body.slice(0, line), { ...start, path: "/cold.ts" });
    assert.equal(typed.anchored, undefined);
    assert.equal(typed.text, cold.text);
  });

  it("goes on with what it wrote when that is accepted", async () => {
    const start = { path: "/accepted.ts", maxTokens: 24, prefix: source.slice(0, cursor), suffix };
    const written = await at("", start);
    assert.ok(written.text.length > 0);
    const next = await at("", { ...start, prefix: start.prefix + written.text });
    assert.equal(next.anchored, undefined);
    // Dense decoding has evaluated all but the last of them.
    assert.ok(next.prefill.tokens <= 8, `${next.prefill.tokens} tokens`);
  });

  it("evaluates what is near the cursor when it goes elsewhere in the same text, also where that is interrupted", async () => {
    const roomy = await TestEngine.loaded({ contextSize: 1024, moveFromMs: 0 });
    try {
      const text = source.slice(0, 2_300);
      const place = (offset: number): Parameters<typeof completion>[0] => {
        const at = text.indexOf("\n", offset);
        return { prefix: text.slice(0, at), suffix: text.slice(at), maxTokens: 4, path: "/elsewhere.ts" };
      };
      const evaluated = async (offset: number): Promise<number> =>
        unwrap(await roomy.client.complete(completion(place(offset)))).prefill.tokens;
      const all = await evaluated(1_800);
      assert.ok(all > 500, `${all} tokens`);
      const back = await evaluated(500);
      assert.ok(back < all / 2, `${back} of ${all} tokens`);
      // A warm-up is one piece at a time, and gives way to what a person waits for.
      const controller = new AbortController();
      const warm = roomy.client.warm(completion(place(1_200)), { signal: controller.signal });
      const there = await evaluated(1_200);
      controller.abort();
      const warmed = await warm;
      const before = warmed.ok ? warmed.value.prefill.tokens : 0;
      assert.ok(there + before < all / 2, `${there} and ${before} of ${all} tokens`);
      assert.equal(await evaluated(1_200), 1);
    } finally {
      roomy.client.dispose();
    }
  });

  it("never writes half of a piece twice, nor leaves it out", async () => {
    for (const typed of [
      "    this.fail",
      "    this.",
      "    this.failures = ",
      "    const mess",
      "    // é",
    ]) {
      const { text } = await at(typed, { path: "/piece.ts", maxTokens: 12, maxLines: 1 });
      assert.ok(!text.startsWith(typed.trimStart()), `${typed}|${text}`);
      const again = await at(typed + text.slice(0, 1), { path: "/piece.ts", maxTokens: 12, maxLines: 1 });
      assert.equal(again.anchored, undefined);
    }
  });

  it("drafts from the prompt without changing what is written", async () => {
    const undrafted = new TestEngine();
    try {
      unwrap(await undrafted.client.load({ ...loadParams, draftTokens: 0 }));
      const places = Array.from({ length: 8 }, (_, i) => 900 + 400 * i);
      const run = async (client: TestEngine["client"], place: number): Promise<CompleteResult> => {
        const request = { prefix: source.slice(0, place), suffix: source.slice(place), maxTokens: 40 };
        return unwrap(await client.complete(completion({ ...request, path: `/draft${place}.ts` })));
      };
      let proposed = 0;
      for (const place of places) {
        const plain = await run(undrafted.client, place);
        const drafted = await run(engine.client, place);
        assert.equal(drafted.text, plain.text);
        assert.equal(plain.drafts, undefined);
        assert.ok((drafted.drafts?.accepted ?? 0) <= (drafted.drafts?.proposed ?? 0));
        proposed += drafted.drafts?.proposed ?? 0;
      }
      assert.ok(proposed > 0);
    } finally {
      undrafted.client.dispose();
    }
  });

  describe("with states on disk", () => {
    let directory: string;
    beforeEach(() => {
      directory = mkdtempSync(path.join(tmpdir(), "lacuna-test-"));
    });
    afterEach(() => {
      rmSync(directory, { recursive: true, force: true });
    });

    /** A new process completes; its state is on disk when this resolves. */
    async function session(): Promise<CompleteResult> {
      const own = new TestEngine();
      try {
        unwrap(await own.client.load({ ...loadParams, stateDirectory: directory }));
        const result = unwrap(await own.client.complete(completion({ path: "/state.ts" })));
        unwrap(await own.client.unload());
        return result;
      } finally {
        own.client.dispose();
      }
    }

    it("evaluates next to nothing after a restart, to the same text", async () => {
      const before = await session();
      assert.ok(before.prefill.tokens > 100);
      const after = await session();
      assert.equal(after.text, before.text);
      assert.ok(after.prefill.tokens <= 2, `${after.prefill.tokens} tokens`);
    });

    it("does not believe a damaged file", async () => {
      const before = await session();
      for (const name of readdirSync(directory).filter((file) => file.endsWith(".state"))) {
        writeFileSync(path.join(directory, name), "no state at all");
      }
      const after = await session();
      assert.equal(after.text, before.text);
      assert.equal(after.prefill.tokens, before.prefill.tokens);
    });
  });

  it("keeps as many documents as their memory allows", async () => {
    const small = new TestEngine();
    try {
      unwrap(await small.client.load({ ...loadParams, documentBytes: 1 }));
      const run = async (file: string): Promise<CompleteResult> =>
        unwrap(await small.client.complete(completion({ path: file, maxTokens: 2 })));
      await run("/a.ts");
      assert.equal((await run("/a.ts")).prefill.tokens, 1);
      await run("/b.ts");
      assert.ok((await run("/a.ts")).prefill.tokens > 100);
    } finally {
      small.client.dispose();
    }
    await at("", { path: "/1.ts" });
    for (const file of ["/2.ts", "/3.ts", "/4.ts", "/5.ts"]) {
      await at("", { path: file });
    }
    assert.equal((await at("", { path: "/1.ts" })).prefill.tokens, 1);
  });
});
