import assert from "node:assert/strict";
import { EngineClient, unwrap, type ClientOptions, type EngineProcess, type ProcessExit } from "./client";
import type { CompleteRequest, EngineState, FromHost, LoadModel, ToHost } from "./protocol";

type Request = Extract<ToHost, { type: "request" }>;

class FakeProcess implements EngineProcess {
  readonly pid = 42;
  readonly sent: ToHost[] = [];
  killed = false;
  private message: (message: FromHost) => void = () => undefined;
  private exited: (exit: ProcessExit) => void = () => undefined;

  send(message: ToHost): void {
    this.sent.push(message);
  }
  onMessage(listener: (message: FromHost) => void): void {
    this.message = listener;
  }
  onExit(listener: (exit: ProcessExit) => void): void {
    this.exited = listener;
  }
  kill(): void {
    this.killed = true;
    this.exit("was ended by SIGKILL");
  }

  say(message: FromHost): void {
    this.message(message);
  }
  ready(): void {
    this.say({ type: "ready", pid: this.pid });
  }
  exit(why: string, signal?: string): void {
    this.exited(signal === undefined ? { why } : { why, signal });
  }
  requests(method: string): Request[] {
    return this.sent
      .filter((message) => message.type === "request")
      .filter((request) => request.method === method);
  }
  answer(method: string, result: unknown): void {
    this.say({ type: "result", id: this.requests(method).at(-1)!.id, result });
  }
}

const completion: CompleteRequest = { prefix: "a", suffix: "", path: "x", language: "ts", maxTokens: 8 };
const model: LoadModel = { modelPath: "/m.gguf", contextSize: 512, threads: 1, gpu: false };

describe("EngineClient", () => {
  let processes: FakeProcess[];
  let states: EngineState[];
  let client: EngineClient;

  function start(options: Partial<ClientOptions> = {}): EngineClient {
    processes = [];
    states = [];
    client = new EngineClient({
      spawn: () => {
        const process = new FakeProcess();
        processes.push(process);
        return process;
      },
      onState: (state) => states.push(state),
      backOff: (failures) => (failures > 3 ? undefined : 0),
      ...options,
    });
    return client;
  }
  const last = (): FakeProcess => processes.at(-1)!;
  const spawned = async (count: number): Promise<void> => {
    while (processes.length < count) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  };
  afterEach(() => {
    client.dispose();
  });

  it("starts the process with the first request and sends it when ready", async () => {
    start();
    assert.equal(processes.length, 0);
    const answer = client.complete(completion);
    assert.equal(last().sent.length, 0);
    last().ready();
    assert.deepEqual(last().requests("complete")[0]!.params, completion);
    last().answer("complete", { text: "b" });
    assert.deepEqual(await answer, { ok: true, value: { text: "b" } });
  });

  it("streams items to the request that they belong to", async () => {
    start();
    const items: string[] = [];
    const answer = client.complete(completion, { onItem: ({ text }) => items.push(text) });
    const other = client.complete(completion);
    last().ready();
    const [first, second] = last().requests("complete");
    last().say({ type: "item", id: first!.id, item: { text: "one" } });
    last().say({ type: "item", id: second!.id, item: { text: "two" } });
    last().say({ type: "result", id: first!.id, result: {} });
    last().say({ type: "result", id: second!.id, result: {} });
    await Promise.all([answer, other]);
    assert.deepEqual(items, ["one"]);
  });

  it("answers what was in flight when the process dies, and works again with the next one", async () => {
    start();
    void client.load(model);
    const lost = client.complete(completion);
    last().ready();
    last().exit("was ended by SIGKILL");
    const outcome = await lost;
    assert.ok(!outcome.ok && outcome.error.code === "engine-crashed");
    assert.match(outcome.error.message, /SIGKILL/);

    await spawned(2);
    const again = client.complete(completion);
    last().ready();
    // The model is loaded again before anything else.
    assert.deepEqual(
      last().sent.map((message) => (message.type === "request" ? message.method : message.type)),
      ["load", "complete"],
    );
    last().answer("complete", { text: "back" });
    assert.equal(unwrap(await again).text, "back");
  });

  it("keeps what was only waiting for the next process", async () => {
    start();
    const waiting = client.complete(completion);
    last().exit("ended with exit code 1");
    await spawned(2);
    last().ready();
    last().answer("complete", { text: "kept" });
    assert.equal(unwrap(await waiting).text, "kept");
  });

  it("does not start ahead of its back-off because of a request", () => {
    start({ backOff: () => 1e6 });
    void client.complete(completion);
    last().exit("ended with exit code 1");
    void client.complete(completion);
    assert.equal(processes.length, 1);
    assert.equal(states.at(-1)?.kind, "starting");
  });

  it("gives up after repeated crashes with a reason, until a person restarts it", async () => {
    start();
    const outcome = client.complete(completion);
    for (let crash = 1; crash <= 4; crash++) {
      await spawned(crash);
      last().exit("ended with exit code 134 (GGML_ASSERT)");
    }
    const error = await outcome;
    assert.ok(!error.ok && error.error.code === "engine-crashed");
    assert.equal(states.at(-1)?.kind, "failed");
    const refused = await client.complete(completion);
    assert.ok(!refused.ok && refused.error.message.includes("GGML_ASSERT"));
    assert.equal(processes.length, 4);

    client.restartEngine();
    const answer = client.complete(completion);
    last().ready();
    last().answer("complete", { text: "fixed" });
    assert.equal(unwrap(await answer).text, "fixed");
  });

  it("passes cancellation on and leaves the answer to the engine", async () => {
    start();
    const controller = new AbortController();
    const answer = client.complete(completion, { signal: controller.signal });
    last().ready();
    controller.abort();
    const { id } = last().requests("complete")[0]!;
    assert.deepEqual(last().sent.at(-1), { type: "cancel", id });
    last().say({ type: "result", id, result: { text: "part", stopReason: "cancelled" } });
    assert.equal(unwrap(await answer).text, "part");
  });

  it("cancels at once what has not been sent", async () => {
    start();
    const controller = new AbortController();
    const answer = client.complete(completion, { signal: controller.signal });
    controller.abort();
    assert.deepEqual(await answer, { ok: false, error: { code: "cancelled", message: "Cancelled." } });
    last().ready();
    assert.equal(last().requests("complete").length, 0);
  });

  it("sends the time that is left until the deadline", () => {
    start();
    void client.complete(completion, { deadlineMs: 5000 });
    last().ready();
    const { deadlineMs } = last().requests("complete")[0]!;
    assert.ok(deadlineMs !== undefined && deadlineMs > 0 && deadlineMs <= 5000);
  });

  it("loads the model again after it was unloaded", async () => {
    start();
    const loaded = client.load(model);
    last().ready();
    last().answer("load", {});
    await loaded;
    const unloaded = client.unload();
    last().answer("unload", {});
    await unloaded;
    void client.complete(completion);
    assert.equal(last().requests("load").length, 2);
    void client.complete(completion);
    assert.equal(last().requests("load").length, 2);
  });

  it("lets a process be gone that has nothing loaded, until it is needed", async () => {
    start();
    void client.load(model);
    last().ready();
    last().answer("load", {});
    const unloaded = client.unload();
    last().exit("was ended by SIGKILL");
    assert.equal((await unloaded).ok, false);
    await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal(processes.length, 1);
    assert.equal(client.state.kind, "idle");
    const answer = client.complete(completion);
    last().ready();
    assert.equal(last().requests("load").length, 1);
    last().answer("complete", { text: "back" });
    assert.equal(unwrap(await answer).text, "back");
  });

  it("ignores a process that it has given up", async () => {
    start();
    const answer = client.complete(completion);
    const first = last();
    first.ready();
    client.restartEngine();
    assert.ok(first.killed);
    const lost = await answer;
    assert.ok(!lost.ok);
    first.say({ type: "state", state: { kind: "failed", why: "old" } });
    assert.equal(client.state.kind, "starting");
  });

  it("answers everything after disposal with an error", async () => {
    start();
    const answer = client.complete(completion);
    client.dispose();
    assert.equal((await answer).ok, false);
    assert.equal((await client.stats()).ok, false);
  });
});
