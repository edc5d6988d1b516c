import { stat } from "node:fs/promises";
import * as vscode from "vscode";
import { unwrap, type ClientOptions, type EngineClient, type RequestOptions } from "../engine/client";
import type {
  CompleteRequest,
  CompleteResult,
  EngineState,
  EngineStats,
  LoadModel,
  ModelInfo,
  SparsifyRequest,
  SparsifyResult,
  WarmRequest,
  WarmResult,
} from "../engine/protocol";
import type { Config } from "./config";
import { countCores, defaultThreads } from "./cpu";
import type { Log } from "./log";
import type { Settings } from "./settings";

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
 * or of the file; knows the state to show. Requests reject with an `EngineFailure` whose message is for the user.
 */
export class EngineService implements vscode.Disposable {
  private client: EngineClient | undefined;
  private loading: Promise<Loaded> | undefined;
  private loadedModel: Loaded | undefined;
  private stateNow: EngineState = { kind: "idle", why: "not used yet" };
  private lastUse = Date.now();
  private lastCheck = 0;
  private running = 0;
  private asleep = false;
  private readonly stateChanged = new vscode.EventEmitter<EngineState>();
  readonly onDidChangeState = this.stateChanged.event;
  private readonly modelChanged = new vscode.EventEmitter<ModelInfo | undefined>();
  /** A model has been loaded, or is no longer: masks and cached completions of the one before are void. */
  readonly onDidChangeModel = this.modelChanged.event;
  private readonly subscription: vscode.Disposable;

  /** @param modelFile resolves the setting to a path; throws a sentence for the user */
  constructor(
    private readonly createClient: (options: Pick<ClientOptions, "onState" | "onLog">) => EngineClient,
    private readonly modelFile: (setting: string) => string,
    private readonly config: Config,
    private readonly log: Log,
    /** Where the engine keeps the state of the last files. */
    private readonly stateDirectory: string,
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

  /** The model was unloaded and nobody has asked for it since. */
  get sleeping(): boolean {
    return this.asleep;
  }

  /** Milliseconds since the last request began or ended; 0 while one runs. */
  idleFor(now = Date.now()): number {
    return this.running > 0 ? 0 : now - this.lastUse;
  }

  /** Loads the model unless it is loaded. Concurrent callers share one loading, which none of them cancels. */
  async ready(): Promise<ModelInfo> {
    this.asleep = false;
    await this.checkFile();
    this.loading ??= this.load().catch((error: unknown) => {
      this.loading = undefined;
      this.setState({ kind: "failed", why: messageOf(error) });
      throw error;
    });
    return (await this.loading).info;
  }

  /** Rejects when the model cannot be loaded or the engine ends meanwhile. */
  async complete(
    request: CompleteRequest,
    options: RequestOptions<{ readonly text: string }>,
  ): Promise<CompleteResult> {
    await this.ready();
    const result = await this.use("complete", async () =>
      unwrap(await this.connect().complete(request, options)),
    );
    const { prefill, decode, stopReason } = result;
    this.log.write(
      "debug",
      `complete: ${prefill.tokens} + ${decode.tokens} tokens in ${Math.round(prefill.ms)} + ${Math.round(decode.ms)} ms, ${stopReason}`,
    );
    return result;
  }

  /** Evaluates what a completion at a place would be asked with; only for a model that is loaded. */
  async warm(request: WarmRequest, options: RequestOptions): Promise<WarmResult> {
    const result = await this.use("warm", async () => unwrap(await this.connect().warm(request, options)));
    const { tokens, ms } = result.prefill;
    this.log.write("debug", `warm: ${tokens} tokens in ${Math.round(ms)} ms`);
    return result;
  }

  async sparsify(
    request: SparsifyRequest,
    options: RequestOptions<{ readonly fraction: number }>,
  ): Promise<SparsifyResult> {
    await this.ready();
    return this.use("sparsify", async () => unwrap(await this.connect().sparsify(request, options)));
  }

  /** What the engine occupies and how fast it is; undefined while no process has a model. */
  async stats(): Promise<EngineStats | undefined> {
    const running = ["dense", "sparse", "attributing"].includes(this.stateNow.kind);
    if (this.client === undefined || this.loadedModel === undefined || !running) {
      return undefined;
    }
    const outcome = await this.client.stats({ deadlineMs: 5_000 });
    return outcome.ok ? outcome.value : undefined;
  }

  /** Of the engine process, while there is one. */
  get pid(): number | undefined {
    return this.client?.pid;
  }

  /** Frees the model's memory; the next request loads it again. */
  async unload(why: string): Promise<void> {
    if (this.client === undefined || this.loading === undefined) {
      return;
    }
    this.asleep = true;
    this.forgetModel();
    this.log.write("info", `Unloading the model: ${why}.`);
    const outcome = await this.client.unload();
    if (!outcome.ok) {
      this.log.write("warn", outcome.error.message);
    }
    if (!this.loadingAgain()) {
      this.setState({ kind: "idle", why });
    }
  }

  /** Ends the process and starts another; the model is loaded at once. */
  async restart(): Promise<void> {
    this.forgetModel();
    this.client?.restartEngine();
    await this.ready();
  }

  dispose(): void {
    this.client?.dispose();
    vscode.Disposable.from(this.subscription, this.stateChanged, this.modelChanged).dispose();
  }

  private async use<T>(what: string, request: () => Promise<T>): Promise<T> {
    this.running++;
    try {
      return await request();
    } catch (error) {
      this.log.write(isCancelled(error) ? "debug" : "warn", `${what}: ${messageOf(error)}`);
      throw error;
    } finally {
      this.running--;
      this.lastUse = Date.now();
    }
  }

  private connect(): EngineClient {
    this.client ??= this.createClient({
      onState: (state) => this.followed(state),
      onLog: (level, message) => this.log.write(level, message),
    });
    return this.client;
  }

  /**
   * After a crash the client starts another process and loads the same model into it; only the masks are gone. When it gives up, the
   * next request begins anew.
   */
  private followed(state: EngineState): void {
    const before = this.stateNow.kind;
    this.setState(state);
    if (state.kind === "starting" && before !== "starting" && this.loadedModel !== undefined) {
      this.modelChanged.fire(this.loadedModel.info);
    }
    if (state.kind === "failed") {
      this.forgetModel();
    }
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
      stateDirectory: this.stateDirectory,
    };
    const info = await this.use("load", async () => unwrap(await this.connect().load(params)));
    this.log.write(
      "info",
      `Loaded ${info.name} (${info.architecture}, ${(info.parameters / 1e6).toFixed(1)} M parameters, context ${info.contextSize}, ` +
        `${params.threads} threads, ${info.gpu}) in ${Date.now() - started} ms`,
    );
    void this.logVersions();
    const loaded: Loaded = { info, bytes: file?.size ?? 0, modifiedMs: file?.mtimeMs ?? 0 };
    this.loadedModel = loaded;
    this.modelChanged.fire(info);
    return loaded;
  }

  private async logVersions(): Promise<void> {
    const outcome = await this.connect().stats({ deadlineMs: 10_000 });
    if (outcome.ok) {
      const versions = Object.entries(outcome.value.versions).map(([name, version]) => `${name} ${version}`);
      this.log.write("info", `Engine: ${versions.join(", ")}`);
    }
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
    this.client?.restartEngine();
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
