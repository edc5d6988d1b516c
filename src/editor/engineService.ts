import * as vscode from "vscode";
import { unwrap, type ClientOptions, type EngineClient, type RequestOptions } from "../engine/client";
import type {
  CompleteItem,
  CompleteRequest,
  CompleteResult,
  EngineState,
  EngineStats,
  LoadModel,
  ModelInfo,
  Prefill,
  SparsifyRequest,
  SparsifyResult,
  WarmRequest,
  WarmResult,
} from "../engine/protocol";
import type { Config } from "./config";
import { countCores, defaultThreads, whyThreads } from "./cpu";
import { isCancelled, messageOf } from "./failures";
import type { Log } from "./log";
import { ModelLoading } from "./modelLoading";
import type { Settings } from "./settings";

/** Where the engine keeps what it can make again. */
export interface EngineFolders {
  /** The state of the last files. */
  readonly states: string;
  /** Copies of models' output heads. */
  readonly heads: string;
  /** File of what sparse decoding costs on this machine. */
  readonly paces: string;
}

/**
 * The engine as the editor sees it: loads the model when it is needed and again after a crash, an unloading, a change of settings
 * or of the file; knows the state to show. Requests reject with an error whose message is for the user.
 */
export class EngineService implements vscode.Disposable {
  private readonly client: EngineClient;
  private readonly loading: ModelLoading;
  private stateNow: EngineState = { kind: "idle", why: "not used yet" };
  private lastUse = Date.now();
  private running = 0;
  /** Loads that have been asked for here and are not answered yet. */
  private loads = 0;
  private asleep = false;
  private standing = false;
  private whyThreadsNow: string | undefined;
  private readonly stateChanged = new vscode.EventEmitter<EngineState>();
  readonly onDidChangeState = this.stateChanged.event;
  private readonly modelChanged = new vscode.EventEmitter<ModelInfo | undefined>();
  /** A model has been loaded, or is no longer: masks and cached completions of the one before are void. */
  readonly onDidChangeModel = this.modelChanged.event;
  private readonly subscription: vscode.Disposable;

  /** @param modelFile resolves the setting to a path; throws a sentence for the user */
  constructor(
    createClient: (options: Pick<ClientOptions, "onState" | "onLog">) => EngineClient,
    modelFile: (setting: string) => string,
    private readonly config: Pick<Config, "settings" | "onDidChange">,
    private readonly log: Pick<Log, "write">,
    private readonly folders: EngineFolders,
  ) {
    this.client = createClient({
      onState: (state) => this.followed(state),
      onLog: (level, message) => log.write(level, message),
    });
    this.loading = new ModelLoading({
      wanted: () => modelFile(config.settings.model),
      load: (path) => this.load(path),
      onModel: (model) => this.modelChanged.fire(model),
      onFailure: (error) => this.setState({ kind: "failed", why: messageOf(error) }),
    });
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
    return this.loading.model;
  }

  /** Why the model computes on as many threads as it says. */
  get whyThreads(): string | undefined {
    return this.whyThreadsNow;
  }

  /** Nobody has asked for the model since it was unloaded, or somebody else completes: it is not loaded for a mask's sake. */
  get sleeping(): boolean {
    return this.isAsleep() || this.standing;
  }

  /** Somebody else completes, from now on or no longer; whoever asks has the model loaded all the same. */
  standBy(standing: boolean): void {
    this.standing = standing;
  }

  /** Milliseconds since the last request began or ended; 0 while one runs. */
  idleFor(now = Date.now()): number {
    return this.running > 0 ? 0 : now - this.lastUse;
  }

  /** Loads the model unless it is loaded. Concurrent callers share one loading, which none of them cancels. */
  async ready(): Promise<ModelInfo> {
    this.asleep = false;
    const replaced = await this.loading.check();
    if (replaced !== undefined) {
      this.log.write("warn", `The model file ${replaced} was replaced or deleted; loading again.`);
      this.client.restartEngine(); // its pages are mapped: they must not be read on
    }
    return this.loading.ready();
  }

  /** Rejects when the model cannot be loaded or the engine ends meanwhile. */
  async complete(request: CompleteRequest, options: RequestOptions<CompleteItem>): Promise<CompleteResult> {
    await this.ready();
    const result = await this.use("complete", async () =>
      unwrap(await this.client.complete(request, options)),
    );
    const { prefill, decode, stopReason } = result;
    this.log.write(
      "debug",
      `complete: ${promptTokens(prefill)} + ${decode.tokens} tokens in ${Math.round(prefill.ms)} + ${Math.round(decode.ms)} ms, ${stopReason}`,
    );
    return result;
  }

  /** Evaluates what a completion at a place would be asked with; only for a model that is loaded. */
  async warm(request: WarmRequest, options: RequestOptions): Promise<WarmResult> {
    const result = await this.use("warm", async () => unwrap(await this.client.warm(request, options)));
    const { prefill } = result;
    this.log.write("debug", `warm: ${promptTokens(prefill)} tokens in ${Math.round(prefill.ms)} ms`);
    return result;
  }

  async sparsify(
    request: SparsifyRequest,
    options: RequestOptions<{ readonly fraction: number }>,
  ): Promise<SparsifyResult> {
    await this.ready();
    return this.use("sparsify", async () => unwrap(await this.client.sparsify(request, options)));
  }

  /** What the engine occupies and how fast it is; undefined while no process has a model. */
  async stats(): Promise<EngineStats | undefined> {
    const running = ["dense", "sparse", "attributing"].includes(this.stateNow.kind);
    if (this.model === undefined || !running) {
      return undefined;
    }
    const outcome = await this.client.stats({ deadlineMs: 5_000 });
    return outcome.ok ? outcome.value : undefined;
  }

  /** Of the engine process, while there is one. */
  get pid(): number | undefined {
    return this.client.pid;
  }

  /** Frees the model's memory; the next request loads it again. */
  async unload(why: string): Promise<void> {
    const { underWay, model, failed } = this.loading;
    this.loading.forget();
    if (!underWay && model === undefined) {
      if (failed) {
        this.setState({ kind: "idle", why });
      }
      return;
    }
    this.asleep = true;
    this.log.write("info", `Unloading the model: ${why}.`);
    const outcome = await this.client.unload();
    if (!outcome.ok) {
      this.log.write("warn", outcome.error.message);
    }
    if (this.isAsleep()) {
      this.setState({ kind: "idle", why });
    }
  }

  /** Ends the process and starts another; the model is loaded at once. */
  async restart(): Promise<void> {
    this.loading.forget();
    this.client.restartEngine();
    await this.ready();
  }

  dispose(): void {
    this.client.dispose();
    vscode.Disposable.from(this.subscription, this.stateChanged, this.modelChanged).dispose();
  }

  private isAsleep(): boolean {
    return this.asleep;
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

  /**
   * After a crash the client starts another process and loads the same model into it; only the masks are gone. When it gives up, only a person
   * begins anew.
   */
  private followed(state: EngineState): void {
    const before = this.stateNow.kind;
    this.setState(state);
    if (this.loads > 0) {
      return; // their answers tell what becomes of them
    }
    const { model, failed } = this.loading;
    if (state.kind === "starting" && before !== "starting" && model !== undefined) {
      this.modelChanged.fire(model);
    } else if (state.kind === "failed") {
      this.loading.fail(Object.assign(new Error(state.why), { code: "engine-crashed" }));
    } else if (state.kind === "dense" && failed) {
      // The process that crashed while it loaded has a successor that did not.
      this.loading.forget();
      this.ready().catch(() => undefined);
    }
  }

  private async load(modelPath: string): Promise<ModelInfo> {
    const { contextSize, threads, gpu, outputHead } = this.config.settings;
    const started = Date.now();
    const cores = countCores();
    const params: LoadModel = {
      modelPath,
      contextSize,
      threads: threads > 0 ? threads : defaultThreads(cores),
      gpu,
      stateDirectory: this.folders.states,
      paceFile: this.folders.paces,
      ...(outputHead === "full" ? {} : { headDirectory: this.folders.heads }),
    };
    this.loads++;
    this.asleep = false; // also when settings that changed meanwhile are what began this
    const info = await this.use("load", async () => unwrap(await this.client.load(params))).finally(
      () => this.loads--,
    );
    this.whyThreadsNow = whyThreads(info.threads, threads, cores);
    this.log.write(
      "info",
      `Loaded ${info.name} (${info.architecture}, ${(info.parameters / 1e6).toFixed(1)} M parameters, context ${info.contextSize}, ` +
        `${info.threads} threads (${this.whyThreadsNow}), ${info.gpu}) in ${Date.now() - started} ms`,
    );
    if (info.gpuNote !== undefined) {
      this.log.write("info", info.gpuNote);
    }
    void this.logVersions();
    return info;
  }

  private async logVersions(): Promise<void> {
    const outcome = await this.client.stats({ deadlineMs: 10_000 });
    if (outcome.ok) {
      const versions = Object.entries(outcome.value.versions).map(([name, version]) => `${name} ${version}`);
      this.log.write("info", `Engine: ${versions.join(", ")}`);
    }
  }

  private setState(state: EngineState): void {
    this.stateNow = state;
    this.stateChanged.fire(state);
  }
}

/** `448 (200 read again)` */
const promptTokens = ({ tokens, again }: Prefill): string =>
  again > 0 ? `${tokens} (${again} read again)` : String(tokens);

const needsReload = (before: Settings, now: Settings): boolean =>
  before.model !== now.model ||
  before.contextSize !== now.contextSize ||
  before.threads !== now.threads ||
  before.gpu !== now.gpu ||
  before.outputHead !== now.outputHead;
