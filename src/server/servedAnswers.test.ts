/**
 * Other servers, by answers written after their documentation: vLLM 0.8 (OpenAI-compatible server; its `suffix` is not supported), LM Studio 0.4, Ollama
 * 0.40 (`/api/generate`). vLLM 0.32 for CPUs has been run by hand with Qwen2.5-Coder 0.5B: completions, its key, cancelling, and `suffix`, which it refuses still.
 */
import assert from "node:assert/strict";
import { unwrap } from "../engine/client";
import type { CompleteRequest } from "../engine/protocol";
import type { ServerClient } from "./client";
import { clientOf, events, json, pieces, ServerDouble, type Route } from "./testing";
import type { Wanted } from "./wanted";

const request: CompleteRequest = {
  prefix: "f();\n  a = ",
  suffix: "\nend();\n",
  path: "a.ts",
  language: "typescript",
  maxTokens: 32,
};

const chunk = (text: string, finish: string | null = null): object => ({
  id: "cmpl-1",
  object: "text_completion",
  created: 1,
  model: "m",
  choices: [{ index: 0, text, logprobs: null, finish_reason: finish }],
});
const usage = {
  id: "cmpl-1",
  object: "text_completion",
  choices: [],
  usage: {
    prompt_tokens: 40,
    completion_tokens: 3,
    total_tokens: 43,
    prompt_tokens_details: { cached_tokens: 32 },
  },
};
const models =
  (owner: string, ...names: string[]): Route =>
  (_, response) =>
    json(response, {
      object: "list",
      data: names.map((id) => ({ id, object: "model", owned_by: owner, max_model_len: 4096 })),
    });
const sse =
  (...parts: (string | Uint8Array)[]): Route =>
  async (_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
    await pieces(response, parts);
    response.end();
  };

describe("other servers", () => {
  let server: ServerDouble;
  let client: ServerClient;
  const use = async (routes: Record<string, Route>, wanted: Partial<Wanted> = {}): Promise<void> => {
    server = await ServerDouble.start(routes);
    client = clientOf(server.address, wanted);
  };
  afterEach(async () => {
    client.dispose();
    await server.stop();
  });

  describe("with OpenAI's interface", () => {
    const vllm = (completions: Route, ...names: string[]): Record<string, Route> => ({
      "/v1/models": models("vllm", ...(names.length === 0 ? ["Qwen/Qwen2.5-Coder-7B"] : names)),
      "/v1/completions": completions,
    });
    const body = () => server.of("/v1/completions")[0]!.body;

    it("are given a prompt of their model's family, what is typed last", async () => {
      await use(vllm(sse(events([chunk("1"), chunk(" + 2"), chunk(";", "stop"), usage, "[DONE]"]))));
      const result = unwrap(await client.complete(request));
      assert.equal(result.text, "1 + 2;");
      assert.equal(result.stopReason, "eos");
      assert.equal(result.prefill.tokens, 8);
      assert.equal(result.decode.tokens, 2);
      assert.equal(body().prompt, "<|fim_prefix|>f();\n  <|fim_suffix|>\nend();\n<|fim_middle|>a = ");
      assert.equal(body().suffix, undefined);
      assert.equal(client.served?.product, "vLLM");
    });

    const pipes = "<|fim_prefix|>f();\n  <|fim_suffix|>\nend();\n<|fim_middle|>a = ";
    for (const [name, prompt] of [
      ["ibm-granite/granite-8b-code-base-128k", pipes.replaceAll(/<\|(\w+)\|>/g, "<$1>")],
      ["ibm-granite/granite-3.3-8b-base", pipes.replaceAll(/<\|(\w+)\|>/g, "<$1>")],
      ["ibm-granite/granite-4.0-micro-base", pipes],
    ] as const) {
      it(`are given Granite's tokens as ${name} has them`, async () => {
        await use(vllm(sse(events([chunk("1", "stop"), "[DONE]"])), name));
        unwrap(await client.complete(request));
        assert.equal(body().prompt, prompt);
      });
    }

    it("have a suffix where the family is not known and they know one", async () => {
      await use({
        "/v1/models": models("organization_owner", "my-model"),
        "/v1/completions": sse(events([chunk("1", "length"), "[DONE]"])),
      });
      const result = unwrap(await client.complete(request));
      assert.equal(result.stopReason, "max-tokens");
      assert.equal(body().prompt, request.prefix);
      assert.equal(body().suffix, request.suffix);
    });

    it("see only what is before the cursor where vLLM's model has no family that is known", async () => {
      await use(vllm(sse(events([chunk("1", "stop"), "[DONE]"])), "my-model"));
      unwrap(await client.complete(request));
      assert.equal(body().prompt, request.prefix);
      assert.equal(body().suffix, undefined);
      assert.equal(client.served?.fim, undefined);
    });

    it("may send their answer in pieces of any size, and half of a character at the end of one", async () => {
      const bytes = Buffer.from(
        events([chunk("“é"), chunk("🙂”", "stop"), "[DONE]"]).replaceAll("\n\n", "\r\n\r\n"),
      );
      await use(vllm(sse(...Array.from(bytes, (byte) => Uint8Array.of(byte)))));
      assert.equal(unwrap(await client.complete(request)).text, "“é🙂”");
    });

    it("may send comments and fields besides", async () => {
      await use(
        vllm(
          sse(
            ": ping\n\n",
            "event: message\nid: 1\nretry: 5\n",
            events([chunk("1", "stop")]),
            ":\n\n",
            events(["[DONE]"]),
          ),
        ),
      );
      assert.equal(unwrap(await client.complete(request)).text, "1");
    });

    for (const [what, parts] of [
      [
        "an error in the midst of a stream",
        [events([chunk("1"), { error: { message: "CUDA out of memory", code: 500 } }])],
      ],
      ["a stream without its end", [events([chunk("1")])]],
      ["a message that is none", ["data: {half\n\n"]],
    ] as const) {
      it(`tell of ${what}`, async () => {
        await use(vllm(sse(...parts)));
        const outcome = await client.complete(request);
        assert.ok(!outcome.ok && outcome.error.code === "server-away", JSON.stringify(outcome));
        assert.ok(outcome.error.message.includes(server.address));
      });
    }

    it("may tell in each message that there is no error", async () => {
      await use(vllm(sse(events([{ ...chunk("1", "stop"), error: null }, "[DONE]"]))));
      assert.equal(unwrap(await client.complete(request)).text, "1");
    });

    for (const [what, part] of [
      ["as an event of its own", 'event: error\ndata: {"message":"out of memory"}\n\n'],
      ["in an event of its own", 'event: error\ndata: {"error":{"message":"out of memory"}}\n\n'],
      ["under a field of its own", 'error: {"message":"out of memory"}\n\n'],
    ] as const) {
      it(`may tell of an error ${what}`, async () => {
        await use(vllm(sse(events([chunk("1")]), part)));
        const outcome = await client.complete(request);
        assert.ok(!outcome.ok && outcome.error.message.includes("out of memory"), JSON.stringify(outcome));
      });
    }

    it("are not listened to for ever", async () => {
      const endless: Route = async (_, response) => {
        response.writeHead(200, { "content-type": "text/event-stream" }).write("data: ");
        while (!response.destroyed) {
          await pieces(response, ["a".repeat(100_000)]);
        }
      };
      await use(vllm(endless));
      const outcome = await client.complete(request);
      assert.ok(!outcome.ok && outcome.error.code === "server-away", JSON.stringify(outcome));
    });

    it("are asked once more with less when the prompt was too long", async () => {
      const message = "This model's maximum context length is 512 tokens. However, you requested 900 tokens.";
      let asked = 0;
      await use(
        vllm((one, response) =>
          asked++ === 0
            ? json(response, { object: "error", message, type: "BadRequestError", code: 400 }, 400)
            : sse(events([chunk("1", "stop"), "[DONE]"]))(one, response),
        ),
      );
      const prefix = "const a = b + c;\n".repeat(400);
      assert.ok((await client.complete({ ...request, prefix })).ok);
      const [first, second] = server
        .of("/v1/completions")
        .map(({ body: { prompt } }) => (prompt as string).length);
      assert.ok(second! < first! / 2);
    });

    it("have one of several models chosen by name", async () => {
      await use(vllm(sse(), "a", "b"));
      const outcome = await client.complete(request);
      assert.ok(!outcome.ok && outcome.error.code === "server-refused");
      assert.match(outcome.error.message, /lacuna\.serverModel.*a, b/);
    });
  });

  describe("such as Ollama", () => {
    const line = (response: string, more: object = {}): string =>
      `${JSON.stringify({ model: "m", created_at: "2026-01-01T00:00:00Z", response, done: false, ...more })}\n`;
    const last = line("", {
      done: true,
      done_reason: "stop",
      prompt_eval_count: 26,
      prompt_eval_duration: 13e6,
      eval_count: 3,
      eval_duration: 4e6,
    });
    const ollama = (
      capabilities: string[],
      generate: Route,
      name = "my-model:latest",
    ): Record<string, Route> => ({
      "/api/version": (_, response) => json(response, { version: "0.40.12" }),
      "/api/tags": (_, response) => json(response, { models: [{ name }] }),
      "/api/show": (_, response) =>
        json(response, { capabilities, parameters: 'num_ctx    8192\nstop  "x"' }),
      "/api/generate": generate,
    });
    const jsonl =
      (...parts: (string | Uint8Array)[]): Route =>
      async (_, response) => {
        response.writeHead(200, { "content-type": "application/x-ndjson" });
        await pieces(response, parts);
        response.end();
      };
    const body = () => server.of("/api/generate")[0]!.body;

    it("is given the suffix where the model's template takes one", async () => {
      await use(ollama(["completion", "insert"], jsonl(line("1") + line(" + 2;") + last)));
      const result = unwrap(await client.complete(request));
      assert.equal(result.text, "1 + 2;");
      assert.deepEqual(result.prefill, { tokens: 26, ms: 13, again: 0 });
      assert.equal(body().suffix, request.suffix);
      assert.equal(body().raw, undefined);
      assert.equal(client.served?.product, "Ollama 0.40.12");
    });

    it("is given a prompt of the family that the name tells", async () => {
      await use(ollama(["completion", "insert"], jsonl(last), "qwen2.5-coder:1.5b-base"));
      unwrap(await client.complete(request));
      assert.equal(body().raw, true);
      assert.match(body().prompt as string, /^<\|fim_prefix\|>.*<\|fim_middle\|>a = $/s);
    });

    it("may break its lines anywhere, also within a character", async () => {
      const bytes = Buffer.from(line("é🙂") + line("”") + last.trimEnd());
      await use(ollama(["insert"], jsonl(...Array.from(bytes, (byte) => Uint8Array.of(byte)))));
      assert.equal(unwrap(await client.complete(request)).text, "é🙂”");
    });

    for (const [what, text] of [
      [
        "an error in the midst of a stream",
        `${line("1")}{"error":"model runner has unexpectedly stopped"}\n`,
      ],
      ["a stream without its end", line("1")],
      ["half of a line", `${line("1")}{"resp`],
    ] as const) {
      it(`tells of ${what}`, async () => {
        await use(ollama(["insert"], jsonl(text)));
        const outcome = await client.complete(request);
        assert.ok(!outcome.ok && outcome.error.code === "server-away", JSON.stringify(outcome));
      });
    }
  });

  it("that are none say so", async () => {
    await use({});
    const outcome = await client.complete(request);
    assert.ok(!outcome.ok && outcome.error.code === "server-refused");
    assert.match(outcome.error.message, /is not llama-server, Ollama or/);
  });
});
