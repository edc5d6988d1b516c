import { statSync } from "node:fs";
import type { Llama } from "node-llama-cpp";
import { filesOf } from "../models/parts";
import { throwIfAborted, toAbortError, unlessAborted } from "./abort";
import { processorName } from "./clientRungFile";
import { now } from "./clock";
import type { Call, Handlers } from "./dispatcher";
import { EngineFailure, toEngineError } from "./errors";
import { Gate } from "./gate";
import { llamaVersions, startLlama, type Log } from "./llama";
import { LoadProgress } from "./loadProgress";
import { memoryStats } from "./memory";
import { setRepackFfn } from "./native";
import type {
  CompleteItem,
  CompleteRequest,
  CompleteResult,
  EngineState,
  EngineStats,
  HeadStats,
  LoadModel,
  ModelInfo,
  SparsifyRequest,
  SparsifyResult,
  WarmRequest,
  WarmResult,
} from "./protocol";
import { PaceFile } from "./paceFile";
import { Paces } from "./paces";
import { readAhead } from "./readAhead";
import { requireModel, Session } from "./session";
import { Sparsifier } from "./sparsifier";

/** How long after the last completion the documents' KV caches go to disk. */
const SAVE_AFTER_MS = 5_000;

/** How long after the last completion the dense FFN pages leave memory, unless the load says otherwise. */
const EVICT_AFTER_MS = 2_000;

const PREFIX_ONLY = "This model has no fill-in-the-middle tokens: it sees only what is before the cursor.";

interface Started {
  readonly llama: Llama;
  readonly gpu: LoadModel["gpu"];
  readonly threads: number;
}

/** The engine process's requests, apart from the process: one model at a time, native work through one gate. */
export class Engine {
  private readonly gate = new Gate();
  private started: Started | undefined;
  private session: Session | undefined;
  /** What `session` was loaded from: asking for the same again changes nothing. */
  private loadedKey: string | undefined;
  private sparsifier: Sparsifier | undefined;
  private loading: Promise<unknown> = Promise.resolve();
  /** Why there is no session. */
  private noSession: unknown = new EngineFailure("bad-request", "No model is loaded.");
  private tokensPerSecond = 0;
  private activeRatio = 1;
  private evictTimer: NodeJS.Timeout | undefined;
  private evictAfterMs = EVICT_AFTER_MS;
  private saveTimer: NodeJS.Timeout | undefined;
  private headTimer: NodeJS.Timeout | undefined;
  /** An unloading that waits for its turn; aborted when the model is wanted again. */
  private leaving: AbortController | undefined;
  /** Of the model before: the next one is loaded when it is gone. */
  private freeing: Promise<void> = Promise.resolve();

  constructor(
    private readonly onState: (state: EngineState) => void,
    private readonly log: Log,
  ) {}

  readonly handlers: Handlers = {
    load: (params, call) => this.load(params, call),
    complete: (params, call) => this.complete(params, call),
    warm: (params, call) => this.warm(params, call),
    sparsify: (params, call) => this.sparsify(params, call),
    prepareHead: (_, call) => this.prepareHead(call),
    stats: () => this.stats(),
    unload: async (_, call) => {
      await this.unloadWhenUnused(call.signal);
      return {};
    },
  };

  private load(params: LoadModel, call: Call<{ readonly fraction: number }>): Promise<ModelInfo> {
    this.leaving?.abort();
    const load = this.loading.then(() => this.loadNow(params, call));
    this.loading = load.catch(() => undefined);
    return load;
  }

  private async loadNow(params: LoadModel, call: Call<{ readonly fraction: number }>): Promise<ModelInfo> {
    validateLoad(params);
    throwIfAborted(call.signal);
    await this.freeing;
    const over = new AbortController();
    try {
      const key = loadKey(params);
      if (this.session !== undefined && key === this.loadedKey) {
        return this.session.info;
      }
      const report = (fraction: number): void => {
        this.onState({ kind: "loading", fraction });
        call.emit({ fraction });
      };
      const progress = new LoadProgress(report, over.signal);
      await this.unload();
      const header = requireModel(params.modelPath); // before the native library is loaded, which takes seconds
      const [llama] = await Promise.all([
        this.llama(params),
        readAhead(
          header,
          (share) => progress.tell("start", share),
          AbortSignal.any([call.signal, over.signal]),
        ),
      ]);
      setRepackFfn(llama, params.repack === true);
      progress.tell("vocabulary", 0);
      const onWeights = (share: number): void => progress.tell("weights", share);
      const session = await Session.load(llama, params, onWeights, call.signal, this.log);
      over.abort(); // native progress comes in hundreds of steps, the last of them after the load itself is done
      this.session = session;
      this.loadedKey = key;
      this.evictAfterMs = params.evictAfterMs ?? EVICT_AFTER_MS;
      const { paceFile } = params;
      const known = paceFile === undefined ? undefined : new PaceFile(paceFile, await usedBy(llama, session));
      const paces = Paces.of(session, this.log, known);
      this.sparsifier = new Sparsifier(session, this.gate, paces, this.onState, this.log);
      session.trim(); // loading leaves much behind
      void session.largePages.settle(this.gate);
      const { info } = session;
      const why = [info.denseOnly, info.hasFim ? undefined : PREFIX_ONLY].filter(
        (text) => text !== undefined,
      );
      this.onState({ kind: "dense", ...(why.length === 0 ? {} : { why: why.join(" ") }) });
      this.log(
        "info",
        `loaded ${info.name} (${info.architecture}, ${(info.parameters / 1e6).toFixed(0)} M parameters)`,
      );
      if (!info.hasFim) {
        this.log("warn", `${info.name}: ${PREFIX_ONLY}`);
      }
      return info;
    } catch (error) {
      const failure = call.signal.aborted ? toAbortError(call.signal) : error;
      this.noSession = failure;
      this.onState({ kind: "failed", why: toEngineError(failure).message });
      throw failure;
    } finally {
      over.abort();
    }
  }

  /** One native library per process: another GPU or thread limit needs it to be started anew. */
  private async llama({ gpu, threads }: LoadModel): Promise<Llama> {
    if (this.started !== undefined && (this.started.gpu !== gpu || this.started.threads !== threads)) {
      await this.started.llama.dispose();
      this.started = undefined;
    }
    this.started ??= { llama: await startLlama({ gpu, threads }, this.log), gpu, threads };
    return this.started.llama;
  }

  private async complete(request: CompleteRequest, call: Call<CompleteItem>): Promise<CompleteResult> {
    const arrived = now();
    await unlessAborted(this.loading, call.signal);
    clearTimeout(this.evictTimer);
    const { signal } = call;
    try {
      return await this.gate.run(
        "completion",
        async () => {
          const emit = (text: string, read?: number): void =>
            call.emit({ text, ...(read === undefined ? {} : { read }) });
          const result = await this.requireSession().complete(request, signal, emit, arrived);
          this.tokensPerSecond = result.decode.tokensPerSecond || this.tokensPerSecond;
          this.activeRatio = result.activeRatio;
          return result;
        },
        signal,
      );
    } finally {
      this.evictLater();
    }
  }

  private async warm(request: WarmRequest, call: Call<never>): Promise<WarmResult> {
    await unlessAborted(this.loading, call.signal);
    clearTimeout(this.evictTimer);
    try {
      return await this.requireSession().warm(request, this.gate, call.signal);
    } finally {
      this.evictLater();
    }
  }

  private async sparsify(
    request: SparsifyRequest,
    call: Call<{ readonly fraction: number }>,
  ): Promise<SparsifyResult> {
    await unlessAborted(this.loading, call.signal);
    clearTimeout(this.evictTimer);
    this.requireSession();
    try {
      return await this.sparsifier!.sparsify(request, call.signal, (fraction) => call.emit({ fraction }));
    } finally {
      this.evictLater();
    }
  }

  private async prepareHead(call: Call<{ readonly fraction: number }>): Promise<HeadStats> {
    await unlessAborted(this.loading, call.signal);
    const { head } = this.requireSession();
    await unlessAborted(
      head.prepare(this.gate, (fraction) => call.emit({ fraction })),
      call.signal,
    );
    return head.stats;
  }

  private async stats(): Promise<EngineStats> {
    const { node } = process.versions;
    const native = this.started === undefined ? {} : await llamaVersions(this.started.llama);
    return {
      ...memoryStats(this.session),
      ...(this.session === undefined ? {} : { head: this.session.head.stats }),
      tokensPerSecond: this.tokensPerSecond,
      activeRatio: this.activeRatio,
      versions: { node, ...native },
    };
  }

  /**
   * Unloads in idle time: completions that are under way or come meanwhile go first, and a load that comes meanwhile, which is what a client sends
   * before the next completion, keeps the model.
   */
  private async unloadWhenUnused(signal: AbortSignal): Promise<void> {
    this.leaving?.abort();
    const leaving = new AbortController();
    this.leaving = leaving;
    await unlessAborted(this.loading, signal); // as completions do, so that those that came before go before
    let left: Promise<void> | undefined;
    try {
      await this.gate.run(
        "background",
        () => {
          // Nobody waits for the model now; whoever comes from here on loads it again.
          left = this.unload();
          this.freeing = left.catch(() => undefined);
          this.noSession = new EngineFailure("bad-request", "The model is unloaded.");
          this.onState({ kind: "idle", why: "The model is unloaded." });
          return Promise.resolve();
        },
        leaving.signal,
      );
    } catch (error) {
      if (!leaving.signal.aborted) {
        throw error;
      }
      return; // it stays
    }
    await left;
  }

  /** Waits for native work in progress: nothing may run on a model that is being freed. */
  private async unload(): Promise<void> {
    clearTimeout(this.evictTimer);
    clearTimeout(this.saveTimer);
    clearTimeout(this.headTimer);
    const { session } = this;
    this.session = undefined;
    await this.sparsifier?.dispose();
    this.sparsifier = undefined;
    if (session !== undefined) {
      await this.gate.run("completion", () => session.dispose());
    }
  }

  /** In idle time only: the next dense prefill has to bring the pages of the FFN back. */
  private evictLater(): void {
    clearTimeout(this.evictTimer);
    clearTimeout(this.saveTimer);
    clearTimeout(this.headTimer);
    this.headTimer = setTimeout(() => {
      void this.session?.settleHead(this.gate);
    }, SAVE_AFTER_MS).unref();
    // Not at the end only: a process that is killed, or whose machine is switched off, has nothing to say.
    this.saveTimer = setTimeout(() => {
      void this.session?.saveStates(this.gate);
    }, SAVE_AFTER_MS).unref();
    this.evictTimer = setTimeout(() => {
      const released = this.session?.evictDense() ?? 0;
      this.session?.trim();
      if (released > 0) {
        this.log("debug", `released ${(released / 2 ** 20).toFixed(0)} MiB of dense FFN pages`);
      }
    }, this.evictAfterMs).unref();
  }

  private requireSession(): Session {
    if (this.session === undefined) {
      throw this.noSession;
    }
    return this.session;
  }
}

/** What the speed of decoding depends on. */
async function usedBy(llama: Llama, { modelFingerprint, threads }: Session): Promise<(string | number)[]> {
  const cards = llama.gpu === false ? [] : [llama.gpu, ...(await llama.getGpuDeviceNames())];
  return [modelFingerprint, llama.llamaCppRelease.release, processorName(), threads, ...cards];
}

/** Equal for the same parameters and an unchanged file; undefined when there is no file. */
function loadKey(params: LoadModel): string | undefined {
  const files = filesOf(params.modelPath).map((file) => statSync(file, { throwIfNoEntry: false }));
  return files.includes(undefined)
    ? undefined
    : JSON.stringify([params, ...files.map((file) => [file!.ino, file!.size, file!.mtimeMs])]);
}

function validateLoad({ modelPath, contextSize, threads }: LoadModel): void {
  if (modelPath === "") {
    throw new EngineFailure("model-missing", "No model is chosen.");
  }
  if (!Number.isInteger(contextSize) || contextSize < 64) {
    throw new EngineFailure(
      "bad-request",
      `The context size ${contextSize} is too small; use at least 64 tokens.`,
    );
  }
  if (!Number.isInteger(threads) || threads < 1) {
    throw new EngineFailure("bad-request", `The number of threads must be at least 1, not ${threads}.`);
  }
}
