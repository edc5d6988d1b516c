import assert from "node:assert/strict";
import * as vscode from "vscode";
import { CompletionSource } from "../../src/editor/completionSource";
import type { Consent } from "../../src/editor/server/consent";
import { ServerService } from "../../src/editor/server/serverService";
import { LlamaDouble, ServerDouble } from "../../src/server/testing";
import { closeAll, lacuna, nextCompletion, setting, until, untitled } from "./helpers";
import { SlowEngine } from "./slowEngine";

/** The extension's secret storage and consents, in memory. */
class Memory {
  private readonly changed = new vscode.EventEmitter<vscode.SecretStorageChangeEvent>();
  readonly onDidChange = this.changed.event;
  readonly values = new Map<string, unknown>();

  keys = (): readonly string[] => [...this.values.keys()];
  get = <T>(key: string): T | undefined => this.values.get(key) as T | undefined; // eslint-disable-line @typescript-eslint/no-unnecessary-type-parameters -- as in VS Code
  update = (key: string, value: unknown): Promise<void> => Promise.resolve(void this.values.set(key, value));
  store(key: string, value: string): Promise<void> {
    this.values.set(key, value);
    this.changed.fire({ key });
    return Promise.resolve();
  }
  delete(key: string): Promise<void> {
    this.values.delete(key);
    this.changed.fire({ key });
    return Promise.resolve();
  }
  get secrets(): Pick<vscode.SecretStorage, "get" | "store" | "delete" | "onDidChange"> {
    return {
      get: (key) => Promise.resolve(this.get<string>(key)),
      store: (key, value) => this.store(key, value),
      delete: (key) => this.delete(key),
      onDidChange: this.onDidChange,
    };
  }
}

const request = { prefix: "a =", suffix: "\n", path: "a.ts", language: "typescript", maxTokens: 8 };

describe("a server instead of the model on this machine", () => {
  let llama: LlamaDouble;
  let server: ServerDouble;
  beforeEach(async () => {
    llama = new LlamaDouble();
    llama.script = { writes: [" served", "(", ")"] };
    server = await ServerDouble.start(llama.routes);
  });
  afterEach(() => server.stop());

  describe("in its parts", () => {
    let engine: SlowEngine;
    let memory: Memory;
    let service: ServerService;
    let source: CompletionSource;
    let asked: string[];
    /** What a person answers. */
    let agrees: boolean;
    const consent = (): Pick<Consent, "given" | "refused" | "ask" | "forgetRefusal"> => ({
      given: ({ isLocal, shown }) => isLocal || memory.get<boolean>(shown) === true,
      refused: ({ shown }) => memory.get<boolean>(shown) === false,
      ask: ({ shown }) => {
        asked.push(shown);
        memory.values.set(shown, agrees);
        return Promise.resolve(agrees);
      },
      forgetRefusal: ({ shown }) => Promise.resolve(void memory.values.delete(shown)),
    });
    const start = (settings: Parameters<SlowEngine["set"]>[0]): void => {
      engine = new SlowEngine(settings);
      engine.answer({ answers: [{ after: "", text: " local" }] });
      service = new ServerService(engine.config, consent(), memory.secrets, { write: () => undefined });
      source = new CompletionSource(engine.service, service, engine.config);
    };
    beforeEach(() => {
      memory = new Memory();
      asked = [];
      agrees = true;
    });
    afterEach(() => {
      source.dispose();
      service.dispose();
      engine.dispose();
    });
    const text = async (): Promise<string> =>
      (await source.complete(request, {}).catch(() => source.complete(request, {}))).text;

    it("completes there, and loads no model here", async () => {
      start({ server: server.address });
      assert.equal(await text(), " served()");
      assert.equal(source.model?.contextSize, 2048);
      assert.ok(engine.service.sleeping);
      assert.ok(!engine.events.some(({ event }) => event === "load"));
      assert.deepEqual(asked, []);
    });

    it("completes here while the server is away, and there again when it is back", async () => {
      const { port } = server;
      start({ server: server.address });
      assert.equal(await text(), " served()");
      await server.stop();
      assert.equal(await text(), " local");
      assert.equal(source.isServed, false);
      server = await ServerDouble.start(llama.routes, port);
      await until("the server", () => source.isServed);
      assert.equal(await text(), " served()");
    });

    it("completes nowhere while it is away, if that is what is set", async () => {
      start({ server: server.address, serverFallback: "nothing" });
      await server.stop();
      await assert.rejects(text(), /No server answers at http:\/\/127\.0\.0\.1/);
      assert.ok(!engine.events.some(({ event }) => event === "complete"));
      server = await ServerDouble.start();
    });

    it("asks once before anything goes to another machine, and sends nothing until then", async () => {
      agrees = false;
      start({ server: "http://lacuna.invalid:1" });
      assert.equal(await text(), " local");
      assert.deepEqual(asked, ["http://lacuna.invalid:1"]);
      assert.deepEqual(service.state, { kind: "unconfirmed", isRefused: true });
      // Another address is another question; the same one again as well, for whoever sets it.
      engine.set({ server: "http://other.invalid:1" });
      await until("the other question", () => asked.length === 2);
      agrees = true;
      engine.set({ server: "http://lacuna.invalid:1" });
      await until("the first one again", () => asked.length === 3);
      await until("an attempt", () => service.state.kind === "away");
    });

    it("sends a key to the address that it was set for alone", async () => {
      start({ server: server.address });
      await text();
      await memory.store(`lacuna.serverKey ${server.address}/`, "k1");
      await until("a new connection", () =>
        server.asked.some(({ headers }) => headers.authorization === "Bearer k1"),
      );
      const other = await ServerDouble.start(llama.routes);
      engine.set({ server: other.address });
      assert.equal(await text(), " served()");
      assert.ok(other.asked.every(({ headers }) => headers.authorization === undefined));
      await other.stop();
    });
  });

  it("is what the installed extension completes with, and the status bar says so", async function () {
    this.timeout(90_000);
    const api = await lacuna();
    try {
      await setting("server", server.address);
      await until("the server", () => api.server.state.kind === "up");
      const editor = await untitled("const total =│\n");
      const next = nextCompletion(api, editor.document);
      await vscode.commands.executeCommand("editor.action.inlineSuggest.trigger");
      const { result, isServed } = await next;
      assert.equal(result.text, " served()");
      assert.ok(isServed);
      const host = server.address.replace("http://", "");
      await until("the status bar", () => api.statusBar.view.text.includes(host));
    } finally {
      await setting("server", undefined);
      await until("the end", () => api.server.state.kind === "none");
      await closeAll();
    }
  });
});
