import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import * as vscode from "vscode";
import { EngineService } from "../../src/editor/engineService";
import { defaultSettings, type Settings } from "../../src/editor/settings";
import { EngineClient, type EngineProcess, type ProcessExit } from "../../src/engine/client";
import type { EngineState, FromHost, LoadModel, ToHost } from "../../src/engine/protocol";
import { sleep, until } from "./helpers";

/** An engine process that the test plays. */
class PlayedProcess implements EngineProcess {
  readonly pid = 1;
  private tell: (message: FromHost) => void = () => undefined;
  private end: (exit: ProcessExit) => void = () => undefined;

  constructor(private readonly onLoad: (process: PlayedProcess, id: number, params: LoadModel) => void) {
    setTimeout(() => this.say({ type: "ready", pid: 1 }), 1);
  }

  send(message: ToHost): void {
    if (message.type === "request" && message.method === "load") {
      this.onLoad(this, message.id, message.params as LoadModel);
    } else if (message.type === "request") {
      this.say({ type: "error", id: message.id, error: { code: "bad-request", message: "only loads" } });
    }
  }
  onMessage(listener: (message: FromHost) => void): void {
    this.tell = listener;
  }
  onExit(listener: (exit: ProcessExit) => void): void {
    this.end = listener;
  }
  kill(): void {
    this.crash();
  }

  say(message: FromHost): void {
    this.tell(message);
  }
  crash(): void {
    this.end({ why: "ended" });
  }
  loaded(id: number, { modelPath }: LoadModel): void {
    this.say({ type: "state", state: { kind: "dense" } });
    this.say({
      type: "result",
      id,
      result: { path: modelPath, name: path.basename(modelPath), parameters: 1 },
    });
  }
  failed(id: number, message: string): void {
    this.say({ type: "state", state: { kind: "failed", why: message } });
    this.say({ type: "error", id, error: { code: "model-unreadable", message } });
  }
}

describe("the engine as the editor sees it", () => {
  let folder: string;
  let processes: PlayedProcess[];
  let states: EngineState[];
  let settings: Settings;
  let configChanged: vscode.EventEmitter<{ before: Settings; now: Settings }>;
  let service: EngineService;
  let onLoad: ConstructorParameters<typeof PlayedProcess>[0];

  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), "lacuna-service-"));
    for (const name of ["a.gguf", "b.gguf"]) {
      writeFileSync(path.join(folder, name), name);
    }
    processes = [];
    states = [];
    settings = { ...defaultSettings(), model: path.join(folder, "a.gguf"), threads: 1 };
    configChanged = new vscode.EventEmitter();
    service = new EngineService(
      (callbacks) =>
        new EngineClient({
          ...callbacks,
          backOff: (failures) => (failures > 3 ? undefined : 5),
          spawn: () => {
            const process = new PlayedProcess((...load) => onLoad(...load));
            processes.push(process);
            return process;
          },
        }),
      (setting) => setting,
      {
        get settings() {
          return settings;
        },
        onDidChange: configChanged.event,
      },
      { write: () => undefined },
      { states: folder, heads: folder, paces: path.join(folder, "paces.json") },
    );
    service.onDidChangeState((state) => states.push(state));
  });
  afterEach(() => {
    service.dispose();
    configChanged.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  function change(changes: Partial<Settings>): void {
    const before = settings;
    settings = { ...settings, ...changes };
    configChanged.fire({ before, now: settings });
  }

  const loadedName = (): string | undefined => service.model?.name;

  /** Asks as someone does who types. */
  async function type(keys: number): Promise<void> {
    for (let key = 0; key < keys; key++) {
      await service.ready().catch(() => undefined);
      await sleep(5);
    }
  }

  it("does not load with every key what cannot be loaded, until something changes", async () => {
    let loads = 0;
    onLoad = (process, id) => {
      loads++;
      process.failed(id, "damaged");
    };
    await type(10);
    assert.equal(loads, 1);
    await assert.rejects(service.ready(), /damaged/);
    change({ contextSize: 512 });
    assert.equal(service.state.kind, "idle");
    await type(10);
    assert.equal(loads, 2);
    await assert.rejects(service.restart(), /damaged/);
    // A process that is ready before the file has been looked at is told the last model by the client, too.
    assert.ok([3, 4].includes(loads));
  });

  it("gives up on an engine that crashes whenever it loads, also while someone types", async () => {
    onLoad = (process) => process.crash();
    await type(100);
    assert.equal(service.state.kind, "failed");
    assert.equal(processes.length, 4, "processes");
    await assert.rejects(service.ready(), /the engine/i);
  });

  it("goes on with an engine that crashed while it loaded, and does not the second time", async () => {
    onLoad = (process, id, params) => (processes.length === 1 ? process.crash() : process.loaded(id, params));
    await assert.rejects(service.ready());
    await until("the model", () => service.model !== undefined, 5_000);
    assert.equal(processes.length, 2);
    assert.equal((await service.ready()).name, "a.gguf");
  });

  it("loads what the settings ask for in the end", async () => {
    const waiting: (() => void)[] = [];
    onLoad = (process, id, params) => waiting.push(() => process.loaded(id, params));
    const model = service.ready();
    await until("a load", () => waiting.length === 1);
    change({ model: path.join(folder, "b.gguf") });
    waiting[0]!();
    await until("another load", () => waiting.length === 2);
    assert.equal(loadedName(), undefined);
    waiting[1]!();
    assert.equal((await model).name, "b.gguf");
    assert.equal(loadedName(), "b.gguf");
  });

  it("does not take the failure of what was given up for its own", async () => {
    const waiting: (() => void)[] = [];
    onLoad = (process, id) => waiting.push(() => process.failed(id, "damaged"));
    const first = assert.rejects(service.ready(), /damaged/);
    await until("a load", () => waiting.length === 1);
    change({ model: path.join(folder, "b.gguf") });
    waiting[0]!();
    await first;
    onLoad = (process, id, params) => process.loaded(id, params);
    assert.equal((await service.ready()).name, "b.gguf");
  });

  it("shows no failure when it is restarted while it loads", async () => {
    onLoad = () => undefined; // takes for ever
    const first = assert.rejects(service.ready());
    await until("a process", () => processes.length === 1);
    await sleep(20);
    onLoad = (process, id, params) => process.loaded(id, params);
    await service.restart();
    await first;
    assert.deepEqual(
      states.filter(({ kind }) => kind === "failed"),
      [],
    );
    assert.equal(service.model?.name, "a.gguf");
  });
});
