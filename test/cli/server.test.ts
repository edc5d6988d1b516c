import assert from "node:assert/strict";
import { json, LlamaDouble, ServerDouble } from "../../src/server/testing";
import { errorLine, run, Scratch } from "./support";

/** No server answers here, on any machine. */
const NOBODY = "http://127.0.0.1:1";

describe("lacuna complete --server", () => {
  let scratch: Scratch;
  let file: string;
  let llama: LlamaDouble;
  let server: ServerDouble;
  before(() => {
    scratch = new Scratch();
    file = scratch.file("a.ts", "function f() {\n  return 1;\n}\n");
  });
  after(() => scratch.remove());
  beforeEach(async () => {
    llama = new LlamaDouble();
    llama.script = { writes: [" 42", ";"] };
    server = await ServerDouble.start(llama.routes);
  });
  afterEach(() => server.stop());
  const complete = (address: string, ...more: string[]) =>
    run(["complete", `${file}:2:9`, "--server", address, ...more]);

  it("prints what the server writes", async () => {
    const { code, stdout, stderr } = await complete(server.address);
    assert.equal(code, 0, stderr);
    assert.equal(stdout, " 42;\n");
    assert.match(stderr, /double on llama-server · prompt \d+ tokens/);
  });

  it("prints it as JSON, with the server's own counts", async () => {
    const { stdout } = await complete(server.address, "--json");
    const report = JSON.parse(stdout) as Record<string, unknown>;
    assert.equal(report.text, " 42;");
    assert.deepEqual(report.server, { kind: "llama-server", model: "double" });
    assert.ok((report.prefill as { tokens: number }).tokens > 5);
  });

  it("names the address where there is no server, and fails", async () => {
    const result = await complete(NOBODY, "--json");
    assert.equal(result.code, 1);
    assert.equal(result.stdout, "");
    assert.equal(
      errorLine(result),
      `lacuna: No server answers at ${NOBODY} (connection refused). Start it, or correct the address.`,
    );
  });

  it("waits while the server loads its model", async () => {
    const { "/props": props } = server.routes;
    let asked = 0;
    const error = { code: 503, message: "Loading model", type: "unavailable_error" };
    server.routes["/props"] = (one, response) =>
      asked++ < 2 ? json(response, { error }, 503) : props!(one, response);
    const { code, stdout, stderr } = await complete(server.address);
    assert.equal(code, 0, stderr);
    assert.equal(stdout, " 42;\n");
  });

  it("sends the key of the environment, and says when it is not accepted, without repeating it", async () => {
    const error = { code: 401, message: "Invalid API Key", type: "authentication_error" };
    server.routes["/props"] = (_, response) => json(response, { error }, 401);
    const words = ["complete", `${file}:2:9`, "--server", server.address];
    const result = await run(words, { LACUNA_SERVER_KEY: "k3y" });
    assert.equal(result.code, 1);
    assert.match(errorLine(result), /does not accept the key .*\$LACUNA_SERVER_KEY\.$/);
    assert.doesNotMatch(result.stderr, /k3y/);
    assert.equal(server.asked[0]!.headers.authorization, "Bearer k3y");
  });

  for (const [more, line] of [
    [["--model", "a.gguf"], /--model is for a model on this machine/],
    [["--active", "0.4"], /--active is for a model on this machine/],
    [["--server-kind", "vllm"], /--server-kind must be one of auto, llama-server, openai, ollama/],
    [["--server-fim", "bert"], /--server-fim must be one of auto, suffix, qwen/],
  ] as const) {
    it(`refuses ${more[0]} ${more[1]}`, async () => {
      const result = await complete(server.address, ...more);
      assert.equal(result.code, 2);
      assert.match(errorLine(result), line);
    });
  }
});
