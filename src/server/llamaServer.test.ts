import assert from "node:assert/strict";
import { unwrap } from "../engine/client";
import type { CompleteRequest, CompleteResult } from "../engine/protocol";
import type { ServerClient } from "./client";
import { clientOf, json, LlamaDouble, ServerDouble } from "./testing";

const at = (text: string, more: Partial<CompleteRequest> = {}): CompleteRequest => {
  const [prefix = "", suffix = ""] = text.split("│");
  return { prefix, suffix, path: "a.ts", language: "typescript", maxTokens: 32, ...more };
};

describe("completing on llama-server", () => {
  let llama: LlamaDouble;
  let server: ServerDouble;
  let client: ServerClient;
  beforeEach(async () => {
    llama = new LlamaDouble();
    server = await ServerDouble.start(llama.routes);
    client = clientOf(server.address);
  });
  afterEach(async () => {
    client.dispose();
    await server.stop();
  });

  const complete = async (request: CompleteRequest): Promise<CompleteResult> =>
    unwrap(await client.complete(request));
  const prompts = (): string[] => server.of("/completion").map(({ body }) => llama.text(body.prompt));

  it("finds out what it is, and its family, context and model", async () => {
    const served = unwrap(await client.open());
    assert.deepEqual(served, {
      kind: "llama-server",
      product: "llama-server",
      model: "double",
      contextSize: 2048,
      fim: "qwen",
      hasEdits: false,
    });
  });

  it("puts what is typed behind the middle token, and holds the answer to the last piece of it", async () => {
    llama.script = { writes: [" foobar", "()", ";"] };
    const result = await complete(at("x();\n  a = foo│\nend();\n"));
    assert.equal(result.text, "bar();");
    assert.equal(result.stopReason, "eos");
    assert.deepEqual(prompts(), ["<s><|fim_prefix|>x();\n  <|fim_suffix|>\nend();\n<|fim_middle|>a ="]);
    assert.equal(server.of("/completion")[0]!.body.grammar, String.raw`root ::= " foo" [^\x00]*`);
  });

  it("evaluates a key's own tokens, and none of what it wrote itself", async () => {
    llama.script = { writes: [" foo", ".", "bar", "(", ")"] };
    const first = await complete(at("x();\n  a =│\nend();\n"));
    assert.ok(first.prefill.tokens > 10);
    const second = await complete(at("x();\n  a = foo.bar(1│\nend();\n"));
    assert.ok(second.prefill.tokens <= 3, `${second.prefill.tokens} tokens`);
    const third = await complete(at("x();\n  a = foo.bar(1 + 2│)\nend();\n"));
    assert.ok(third.prefill.tokens <= 3, `${third.prefill.tokens} tokens`);
    assert.equal(third.anchored, undefined);
  });

  it("does not take a token for its beginning, which ended a line", async () => {
    llama.script = { writes: [" foo", ";\n\n"] };
    const first = await complete(at("a =│\nend();\n", { maxLines: 1 }));
    assert.equal(first.text, " foo;");
    assert.equal(first.stopReason, "max-lines");
    await complete(at("a = foo; b│\nend();\n"));
    assert.match(prompts()[1]!, /<\|fim_middle\|>a = foo;$/);
  });

  it("ends the work on the server when a stop rule says so", async () => {
    llama.script = { writes: [" 1;", "\n", "  b", "\n", "  c", "\n", "  d"], tokenMs: 5 };
    const result = await complete(at("  a =│\nend();\n", { maxLines: 2 }));
    assert.equal(result.text, " 1;\n  b");
    assert.equal(result.stopReason, "max-lines");
    assert.ok(result.decode.tokens > 0);
    await until(() => server.of("/completion")[0]!.closed);
  });

  it("shows files and makes a prompt that fits", async () => {
    const line = "const value = other + 1;\n";
    const context = [{ path: "b.ts", text: "export const other = 1;\n" }];
    await complete(at(`${line.repeat(2000)}x = │\n${line.repeat(2000)}`, { context }));
    const [asked] = server.of("/completion");
    assert.ok((asked!.body.prompt as number[]).length <= 2048 - 128);
    assert.match(
      prompts()[0]!,
      /^<s><\|file_sep\|>b\.ts\nexport const other = 1;\n<\|file_sep\|>a\.ts\n<\|fim_prefix\|>const/,
    );
  });

  it("makes the prompt smaller when the server takes less than it said", async () => {
    llama.contextSize = 600;
    llama.script = { writes: ["1"] };
    const result = await complete(at(`${"const value = other + 1;\n".repeat(500)}x =│\n`));
    assert.equal(result.text, "1");
    const lengths = server.of("/completion").map(({ body }) => (body.prompt as number[]).length);
    assert.ok(lengths.length === 2 && lengths[0]! >= 600 && lengths[1]! < 600, lengths.join());
  });

  it("warms without having anything written", async () => {
    await client.warm(at("x();\n  a =│\nend();\n"));
    assert.equal(server.of("/completion")[0]!.body.n_predict, 0);
    const { prefill } = await complete(at("x();\n  a = 1│\nend();\n"));
    assert.ok(prefill.tokens <= 2, `${prefill.tokens} tokens`);
  });

  it("notices another model at the same address, whose tokens are others", async () => {
    client.dispose();
    client = clientOf(server.address, {}, {}, { checkAfterMs: -1 });
    await complete(at("x();\n  a =│\nend();\n"));
    const other = new LlamaDouble();
    other.name = "other";
    other.script = { writes: [" 1"] };
    server.routes = other.routes;
    llama = other;
    assert.equal((await complete(at("x();\n  a = b +│\nend();\n"))).text, " 1");
    assert.match(prompts().at(-1)!, /<\|fim_middle\|>a = b$/);
    assert.equal(client.served?.model, "other");
  });

  it("says that the key is wrong, and asks no more", async () => {
    const error = { message: "Invalid API Key", type: "authentication_error", code: 401 };
    server.routes["/props"] = (_, response) => json(response, { error }, 401);
    const first = await client.complete(at("a│"));
    assert.ok(!first.ok);
    assert.equal(first.error.code, "server-refused");
    assert.match(first.error.message, /127\.0\.0\.1.*does not accept the key/);
    const before = server.asked.length;
    assert.ok(!(await client.complete(at("a│"))).ok);
    assert.equal(server.asked.length, before);
    assert.equal(client.state.kind, "refused");
  });

  it("knows a server that is loading, and comes back by itself", async () => {
    const { "/props": props } = server.routes;
    const error = { message: "Loading model", type: "unavailable_error", code: 503 };
    server.routes["/props"] = (_, response) => json(response, { error }, 503);
    const first = await client.complete(at("a│"));
    assert.ok(!first.ok && first.error.code === "server-away");
    assert.ok(client.state.kind === "away" && client.state.what === "loading");
    server.routes["/props"] = props!;
    await until(() => client.state.kind === "up");
    assert.ok((await client.complete(at("a│"))).ok);
  });
});

async function until(probe: () => boolean): Promise<void> {
  while (!probe()) {
    await new Promise((resolve) => setTimeout(resolve, 5)); // mocha's own limit ends it
  }
}
