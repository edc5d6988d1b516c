import assert from "node:assert/strict";
import path from "node:path";
import { freePort, LlamaServer, type ServerOptions } from "../../src/bench/common/llamaServer";
import { unwrap } from "../../src/engine/client";
import type { CompleteResult } from "../../src/engine/protocol";
import type { ServerClient } from "../../src/server/client";
import { clientOf } from "../../src/server/testing";
import { run } from "../cli/support";
import { completion, root, source, TestEngine } from "../engine/support";
import { modelPath } from "../testModel";

const { signal } = new AbortController();
const binary = path.join(root, "native/.build/server/bin/llama-server");
/** That of the engine's tests, which the model is the same in. */
const CONTEXT = 512;

const start = (options: Partial<ServerOptions> = {}): Promise<LlamaServer> =>
  LlamaServer.start({ binary, modelPath, contextSize: CONTEXT, threads: 1, ...options }, signal);

describe("a stock llama-server", () => {
  let server: LlamaServer;
  let client: ServerClient;
  before(async () => {
    server = await start({ slots: 2 });
  });
  after(() => server.dispose());
  beforeEach(() => {
    client = clientOf(server.address, { contextSize: CONTEXT });
  });
  afterEach(() => client.dispose());

  /** Places of the source: in code, in comments, within words. */
  const places = [900, 1200, 1500, 1800, 2333, 3100, 4100, 4500];
  /** With as much round it as the context takes: then both make the same prompt. */
  const at = (offset: number, more: object = {}) =>
    completion({
      prefix: source.slice(Math.max(0, offset - 500), offset),
      suffix: source.slice(offset, offset + 250),
      ...more,
    });

  it("completes with the engine's words at every place", async () => {
    const engine = await TestEngine.loaded();
    try {
      const [ours, theirs]: string[][] = [[], []];
      for (const place of places) {
        ours!.push(unwrap(await engine.client.complete(at(place))).text);
        theirs!.push(unwrap(await client.complete(at(place))).text);
      }
      const same = ours!.filter((text, index) => text === theirs![index]).length;
      // Kernels sum in another order, and two tokens may be as likely: not every text has to be the same.
      assert.ok(same >= places.length - 2, JSON.stringify([ours, theirs], undefined, 1));
    } finally {
      engine.client.dispose();
    }
  });

  it("evaluates what is new when one types, as it counts itself", async () => {
    unwrap(await client.complete(at(4000)));
    let evaluated = 0;
    for (let offset = 4001; offset <= 4020; offset++) {
      const { prefill } = unwrap(await client.complete({ ...at(4000), prefix: source.slice(3500, offset) }));
      evaluated += prefill.tokens;
    }
    assert.ok(evaluated <= 60, `${evaluated} tokens for 20 keys`);
  });

  it("ends its work when it is cancelled", async () => {
    const controller = new AbortController();
    const result = await client.complete(at(2333, { maxTokens: 200 }), {
      signal: controller.signal,
      onItem: ({ text }) => (text === "" ? undefined : controller.abort()),
    });
    assert.equal(unwrap(result).stopReason, "cancelled");
    while ((await server.busy()) > 0) {
      await new Promise((resolve) => setTimeout(resolve, 20)); // mocha's own limit ends it
    }
    const { generated } = await server.tokens();
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.equal((await server.tokens()).generated, generated);
  });

  it("completes for two windows at once", async () => {
    const other = clientOf(server.address, { contextSize: CONTEXT });
    const alone = unwrap(await client.complete(at(1500)));
    const both = await Promise.all([client.complete(at(1500)), other.complete(at(3100))]);
    const texts = both.map((outcome): CompleteResult => unwrap(outcome)).map(({ text }) => text);
    assert.equal(texts[0], alone.text);
    assert.notEqual(texts[0], texts[1]);
    other.dispose();
  });

  it("is away when it is killed in the midst of an answer, and back when it is started again", async () => {
    const port = await freePort();
    const mortal = await start({ port });
    const window = clientOf(mortal.address, { contextSize: CONTEXT });
    let killed: Promise<void> | undefined;
    const broken = await window.complete(at(2333, { maxTokens: 200 }), {
      onItem: () => {
        killed ??= mortal.dispose();
      },
    });
    await killed;
    assert.ok(!broken.ok && broken.error.code === "server-away", JSON.stringify(broken));
    const gone = await window.complete(at(2333));
    assert.ok(!gone.ok && gone.error.message.includes(mortal.address));
    const again = await start({ port });
    while (window.state.kind !== "up") {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.ok(unwrap(await window.complete(at(2333))).text.length > 0);
    window.dispose();
    await again.dispose();
  });

  it("refuses a wrong key, and takes the right one", async () => {
    const guarded = await start({ key: "right" });
    const wrong = clientOf(guarded.address, { contextSize: CONTEXT }, { key: "wrong" });
    const refused = await wrong.complete(at(1500));
    assert.ok(!refused.ok && refused.error.code === "server-refused", JSON.stringify(refused));
    assert.ok(!refused.error.message.includes("wrong"));
    const right = clientOf(guarded.address, { contextSize: CONTEXT }, { key: "right" });
    assert.ok(unwrap(await right.complete(at(1500))).text.length > 0);
    [wrong, right].forEach((one) => one.dispose());
    await guarded.dispose();
  });

  it("may be asked while it starts and loads", async () => {
    const port = await freePort();
    const early = clientOf(`http://127.0.0.1:${port}`, { contextSize: CONTEXT });
    const first = await early.open();
    assert.ok(!first.ok && first.error.code === "server-away");
    const late = await start({ port });
    while (early.state.kind !== "up") {
      assert.notEqual(early.state.kind, "refused");
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    early.dispose();
    await late.dispose();
  });

  it("gets a prompt that fits, however long the file is and whatever it was told", async () => {
    const long = clientOf(server.address, { contextSize: 8192 });
    const prefix = "const value = other.something(1, 2);\n".repeat(3000);
    const result = unwrap(await long.complete(completion({ prefix, suffix: prefix })));
    assert.ok(result.prefill.tokens < CONTEXT);
    long.dispose();
  });

  it("is a server with OpenAI's interface, too, and says the same there", async () => {
    const openAi = clientOf(server.address, { kind: "openai", fim: "qwen", contextSize: CONTEXT });
    const result = unwrap(await openAi.complete(at(3100)));
    assert.equal(openAi.served?.product, "llama-server");
    assert.ok(result.text.length > 0 && result.prefill.tokens > 0);
    // Without healing, words may be cut otherwise; here the cursor is behind a whole one.
    assert.equal(result.text, unwrap(await client.complete(at(3100))).text);
    openAi.dispose();
  });

  describe("from the command line", () => {
    const file = path.join(root, "src/sparsity/ranking.ts:8:17");

    it("completes as with the model itself", async () => {
      const served = await run(["complete", file, "--server", server.address, "--json"]);
      assert.equal(served.code, 0, served.stderr);
      const { text, server: told } = JSON.parse(served.stdout) as { text: string; server: { kind: string } };
      assert.ok(text.length > 0);
      assert.equal(told.kind, "llama-server");
    });
  });
});
