import assert from "node:assert/strict";
import type { CompleteItem, CompleteRequest } from "../engine/protocol";
import type { ServerState } from "./client";
import { clientOf, json, LlamaDouble, ServerDouble, type Route } from "./testing";

const request = (prefix: string): CompleteRequest => ({
  prefix,
  suffix: "",
  path: "a.ts",
  language: "typescript",
  maxTokens: 64,
});
const SLOWLY = { writes: Array.from({ length: 60 }, (_, index) => ` w${index}`), tokenMs: 10 };

describe("a server's client", () => {
  let llama: LlamaDouble;
  let server: ServerDouble;
  let states: ServerState[];
  beforeEach(async () => {
    llama = new LlamaDouble();
    server = await ServerDouble.start(llama.routes);
    states = [];
  });
  afterEach(() => server.stop());
  const client = (address = server.address) =>
    clientOf(address, {}, {}, { onState: (state) => states.push(state) });

  it("lets the newest request go first, and ends the work for the one before", async () => {
    llama.script = SLOWLY;
    const one = client();
    const items: CompleteItem[] = [];
    const started = new Promise<void>((resolve) => {
      const first = one.complete(request("a = "), {
        onItem: (item) => {
          items.push(item);
          if (item.text !== "") {
            resolve();
          }
        },
      });
      void first.then((outcome) => {
        assert.ok(outcome.ok);
        assert.equal(outcome.value.stopReason, "cancelled");
        assert.equal(outcome.value.text, items.map(({ text }) => text).join(""));
      });
    });
    await started;
    llama.script = { writes: [" done"] };
    const second = await one.complete(request("b = "));
    assert.ok(second.ok && second.value.text.includes("done"));
    assert.ok(server.of("/completion")[0]!.closed);
    one.dispose();
  });

  it("gives what there is when it is cancelled or late", async () => {
    llama.script = SLOWLY;
    const one = client();
    const controller = new AbortController();
    const cancelled = await one.complete(request("a = "), {
      signal: controller.signal,
      onItem: ({ text }) => (text === "" ? undefined : controller.abort()),
    });
    assert.ok(cancelled.ok && cancelled.value.stopReason === "cancelled" && cancelled.value.text !== "");
    const late = await one.complete(request("a = "), { deadlineMs: 60 });
    assert.ok(late.ok && late.value.stopReason === "deadline");
    one.dispose();
  });

  it("does not warm while somebody waits", async () => {
    llama.script = { writes: [" 1"] };
    const one = client();
    const waiting = one.complete(request("a = "));
    const warm = await one.warm(request("b = "));
    assert.ok(warm.ok && warm.value.prefill.tokens === 0);
    assert.ok((await waiting).ok);
    assert.equal(server.of("/completion").length, 1);
    one.dispose();
  });

  it("does not warm a server that takes long", async () => {
    llama.script = SLOWLY;
    const one = clientOf(server.address, {}, {}, { busyMs: 0 });
    assert.ok((await one.complete({ ...request("a = "), maxTokens: 3 })).ok);
    assert.ok((await one.warm(request("b = "))).ok);
    assert.equal(server.of("/completion").length, 1);
    one.dispose();
  });

  it("stops warming when somebody waits", async () => {
    const one = client();
    let isWarming!: () => void;
    const began = new Promise<void>((resolve) => (isWarming = resolve));
    const { "/completion": complete } = server.routes;
    server.routes["/completion"] = (asked, response) => {
      if (asked.body.n_predict !== 0) {
        return complete!(asked, response);
      }
      isWarming(); // and never ends by itself
      return undefined;
    };
    const warm = one.warm(request("b = "));
    await began;
    assert.ok((await one.complete(request("a = "))).ok);
    const outcome = await warm;
    assert.ok(!outcome.ok && outcome.error.code === "cancelled");
    one.dispose();
  });

  it("names the address of a server that is not there, answers at once until it is back, and finds it again by itself", async () => {
    const { port, address } = server;
    const one = client();
    assert.ok((await one.complete(request("a = "))).ok);
    await server.stop();
    const gone = await one.complete(request("a = "));
    assert.ok(!gone.ok);
    assert.equal(gone.error.code, "server-away");
    assert.ok(gone.error.message.includes(address), gone.error.message);
    server = await ServerDouble.start(new LlamaDouble().routes, port);
    while (one.state.kind !== "up") {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    assert.ok((await one.complete(request("a = "))).ok);
    // Looking for it is no news; that it is back is.
    assert.deepEqual(new Set(states.map(({ kind }) => kind)), new Set(["asking", "up", "away"]));
    assert.equal(states.filter(({ kind }) => kind === "asking").length, 1);
    one.dispose();
  });

  it("waits longer each time for one that is there and cannot answer, until it has", async () => {
    const waits: number[] = [];
    const backOff = (failures: number): number => {
      waits.push(failures);
      return 1;
    };
    const one = clientOf(server.address, {}, {}, { backOff, onState: (state) => states.push(state) });
    const { "/completion": complete } = server.routes;
    const error = { message: "no slot available", type: "unavailable_error", code: 503 };
    const busy: Route = (_, response) => json(response, { error }, 503);
    const back = async (): Promise<void> => {
      while (one.state.kind !== "up") {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    for (const route of [busy, busy, busy, complete!, busy]) {
      server.routes["/completion"] = route;
      assert.equal((await one.complete(request("a = "))).ok, route === complete);
      await back();
    }
    assert.deepEqual(waits, [1, 2, 3, 1]);
    assert.ok(states.some((state) => state.kind === "away" && state.what === "busy"));
    one.dispose();
  });

  it("notices one that has fallen silent, though each key ends the request before", async () => {
    const one = clientOf(server.address, {}, { documentMs: 50 }, { checkAfterMs: -1, backOff: () => 60_000 });
    assert.ok((await one.complete(request("a = "))).ok);
    server.routes = { "/props": () => undefined, "/completion": () => undefined };
    let prefix = "a = ";
    while (one.state.kind === "up") {
      void one.complete(request((prefix += "b")));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    assert.equal(one.state.kind, "away");
    one.dispose();
  });

  it("takes what it does not understand at first for a refusal", async () => {
    const one = clientOf(server.address, { fim: "nonsense" });
    server.routes = { "/v1/models": (_, response) => json(response, { data: [{ id: "m" }] }) };
    assert.ok(!(await one.complete(request("a = "))).ok);
    assert.equal(one.state.kind, "refused");
    one.dispose();
  });

  it("tells of an answer that breaks off", async () => {
    server.routes["/completion"] = (_, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write('data: {"content":"a","tokens":[9],"stop":false}\n\n', () => response.destroy());
    };
    const one = client();
    const broken = await one.complete(request("a = "));
    assert.ok(!broken.ok && broken.error.code === "server-away");
    assert.match(broken.error.message, /broke off/);
    one.dispose();
  });

  it("keeps its connection from one request to the next", async () => {
    const one = client();
    const ports = new Set<unknown>();
    const { "/completion": complete } = server.routes;
    server.routes["/completion"] = (asked, response) => {
      ports.add(response.req.socket.remotePort);
      return complete!(asked, response);
    };
    for (const prefix of ["a = ", "a = b", "a = b + "]) {
      assert.ok((await one.complete(request(prefix))).ok);
    }
    assert.equal(ports.size, 1);
    one.dispose();
  });

  it("answers everything with an error once it is closed", async () => {
    const one = client();
    one.dispose();
    const outcome = await one.complete(request("a = "));
    assert.ok(!outcome.ok && outcome.error.code === "cancelled");
  });
});
