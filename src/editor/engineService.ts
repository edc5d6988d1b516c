import { stat } from "node:fs/promises";
import * as vscode from "vscode";
import type { EngineMethods, EngineState, LoadModel, Method, ModelInfo } from "../engine/protocol";
import { countCores, defaultThreads } from "./cpu";
import type { Config } from "./config";
import type { Log } from "./log";
import type { Settings } from "./settings";

export interface RequestOptions<M extends Method> {
  readonly signal?: AbortSignal;
  readonly deadlineMs?: number;
  readonly onItem?: (item: EngineMethods[M][2]) => void;
}

/** What of the engine's client is needed here. */
export interface EngineClient {
  request<M extends Method>(
    method: M,
    params: EngineMethods[M][0],
    options?: RequestOptions<M>,
  ): Promise<EngineMethods[M][1]>;
  onState(listener: (state: EngineState) => void): { dispose(): void };
  readonly state: EngineState;
  restart(): void;
  dispose(): void;
}

interface Loaded {
  readonly info: ModelInfo;
  /** Of the file when it was loaded: tells when it has been replaced. */
  readonly bytes: number;
  readonly modifiedMs: number;
}

/** How often the model file is looked at, at most. */
const CHECK_MS = 2_000;

/**
 * The engine as the editor sees it: loads the model when it is needed and again after a crash, an unloading, a change of settings
 * or of the file; knows the state to show. Requests reject with an `EngineFailure`-like error whose message is for the user.
 */
export class EngineService implements vscode.Disposable {
  private client: EngineClient | undefined;
  private loading: Promise<Loaded> | undefined;
  private loadedModel: Loaded | undefined;
  private stateNow: EngineState = { kind: "idle", why: "not used yet" };
  private lastUse = Date.now();
  private lastCheck = 0;
  private running = 0;
  private readonly stateChanged = new vscode.EventEmitter<EngineState>();
  readonly onDidChangeState = this.stateChanged.event;
  private readonly modelChanged = new vscode.EventEmitter<ModelInfo | undefined>();
  /** A model has been loaded, or is no longer: masks and cached completions of the one before are void. */
  readonly onDidChangeModel = this.modelChanged.event;
  private readonly subscription: vscode.Disposable;

  /** @param modelFile resolves the setting to a path; rejects with a sentence for the user */
  constructor(
    private readonly createClient: () => EngineClient,
    private readonly modelFile: (setting: string) => string,
    private readonly config: Config,
    private readonly log: Log,
  ) {
    this.subscription = config.onDidChange(({ before, now }) => {
      if (needsReload(before, now)) {
        void this.unload("settings have changed");
      }
    });
  }

  get state(): EngineState {
    return this.stateNow;
  }

  get model(): ModelInfo | undefined {
    return this.loadedModel?.info;
  }

  /** Milliseconds since the last request began or ended; 0 while one runs. */
  idleFor(now = Date.now()): number {
    return this.running > 0 ? 0 : now - this.lastUse;
  }

  /** Loads the model unless it is loaded. Concurrent callers share one loading, which none of them cancels. */
  async ready(): Promise<ModelInfo> {
    await this.checkFile();
    this.loading ??= this.load().catch((error: unknown) => {
      this.loading = undefined;
      this.setState({ kind: "failed", why: messageOf(error) });
      throw error;
    });
    return (await this.loading).info;
  }

  /** A request to the loaded model; loads it first where needed. */
  async request<M extends "complete" | "sparsify">(
    method: M,
    params: EngineMethods[M][0],
    options: RequestOptions<M> = {},
  ): Promise<EngineMethods[M][1]> {
    await this.ready();
    return this.send(method, params, options);
  }

  /** What the engine occupies and how fast it is; undefined when no model is loaded. */
  async stats(): Promise<EngineMethods["stats"][1] | undefined> {
    if (this.client === undefined || this.loadedModel === undefined) {
      return undefined;
    }
    return this.client.request("stats", {}).catch(() => undefined);
  }

  /** Frees the model's memory; the next request loads it again. */
  async unload(why: string): Promise<void> {
    if (this.client === undefined || this.loading === undefined) {
      return;
    }
    this.forgetModel();
    this.log.write("info", `Unloading the model: ${why}.`);
    await this.client
      .request("unload", {})
      .catch((error: unknown) => this.log.write("warn", messageOf(error)));
    if (!this.loadingAgain()) {
      this.setState({ kind: "idle", why });
    }
  }

  /** Ends the process and starts another; the model is loaded at once. */
  async restart(): Promise<void> {
    this.forgetModel();
    this.client?.restart();
    await this.ready();
  }

  dispose(): void {
    this.client?.dispose();
    vscode.Disposable.from(this.subscription, this.stateChanged, this.modelChanged).dispose();
  }

  private async send<M extends Method>(
    method: M,
    params: EngineMethods[M][0],
    options: RequestOptions<M>,
  ): Promise<EngineMethods[M][1]> {
    this.running++;
    try {
      return await this.connect().request(method, params, options);
    } catch (error) {
      this.log.write(isCancelled(error) ? "debug" : "warn", `${method}: ${messageOf(error)}`);
      throw error;
    } finally {
      this.running--;
      this.lastUse = Date.now();
    }
  }

  private connect(): EngineClient {
    if (this.client === undefined) {
      this.client = this.createClient();
      this.client.onState((state) => this.followed(state));
    }
    return this.client;
  }

  /** A new process has no model: whatever brought it about, it has to be loaded again. */
  private followed(state: EngineState): void {
    if (state.kind === "starting" || (state.kind === "failed" && this.loadedModel !== undefined)) {
      this.forgetModel();
    }
    this.setState(state);
  }

  private async load(): Promise<Loaded> {
    const { contextSize, threads, gpu, model } = this.config.settings;
    const modelPath = this.modelFile(model);
    const file = await stat(modelPath).catch(() => undefined);
    const started = Date.now();
    const params: LoadModel = {
      modelPath,
      contextSize,
      threads: threads > 0 ? threads : defaultThreads(countCores()),
      gpu,
    };
    const info = await this.send("load", params, {
      onItem: ({ fraction }) => this.setState({ kind: "loading", fraction }),
    });
    this.log.write(
      "info",
      `Loaded ${info.name} (${info.architecture}, ${(info.parameters / 1e6).toFixed(1)} M parameters, context ${info.contextSize}, ` +
        `${params.threads} threads, ${info.gpu}) in ${Date.now() - started} ms`,
    );
    const loaded: Loaded = { info, bytes: file?.size ?? 0, modifiedMs: file?.mtimeMs ?? 0 };
    this.loadedModel = loaded;
    this.modelChanged.fire(info);
    return loaded;
  }

  /**
   * A file that was replaced must not be read on: its pages are mapped. A file that is gone stays readable for as long as the
   * process holds it (not on Windows), but the user should know before it unloads.
   */
  private async checkFile(): Promise<void> {
    const loaded = this.loadedModel;
    if (loaded === undefined || Date.now() - this.lastCheck < CHECK_MS) {
      return;
    }
    this.lastCheck = Date.now();
    const file = await stat(loaded.info.path).catch(() => undefined);
    if (this.loadedModel !== loaded || (file?.size === loaded.bytes && file.mtimeMs === loaded.modifiedMs)) {
      return;
    }
    this.log.write(
      "warn",
      `The model file ${loaded.info.path} was ${file === undefined ? "deleted" : "replaced"}; loading again.`,
    );
    this.forgetModel();
    this.client?.restart();
  }

  private loadingAgain(): boolean {
    return this.loading !== undefined;
  }

  private forgetModel(): void {
    this.loading = undefined;
    if (this.loadedModel !== undefined) {
      this.loadedModel = undefined;
      this.modelChanged.fire(undefined);
    }
  }

  private setState(state: EngineState): void {
    this.stateNow = state;
    this.stateChanged.fire(state);
  }
}

const needsReload = (before: Settings, now: Settings): boolean =>
  before.model !== now.model ||
  before.contextSize !== now.contextSize ||
  before.threads !== now.threads ||
  before.gpu !== now.gpu;

/** One line of any error. */
export const messageOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split("\n", 1)[0]!;

export const codeOf = (error: unknown): string | undefined =>
  typeof error === "object" && error !== null && "code" in error && typeof error.code === "string"
    ? error.code
    : undefined;

export const isCancelled = (error: unknown): boolean =>
  ["cancelled", "deadline"].includes(codeOf(error) ?? "");
