import { EngineFailure } from "./errors";
import type { EngineProcess, ProcessExit } from "./clientProcess";
import type { Ladder } from "./clientLadder";
import { processorName } from "./clientRungFile";
import { ClientRequests, type Outcome, type RequestOptions } from "./clientRequests";
import type {
  CompleteItem,
  CompleteRequest,
  CompleteResult,
  EngineError,
  EngineMethods,
  EngineState,
  EngineStats,
  FromHost,
  HeadStats,
  LoadModel,
  Method,
  ModelInfo,
  SparsifyRequest,
  SparsifyResult,
  ToHost,
  WarmRequest,
  WarmResult,
} from "./protocol";

export { Ladder, type Descent } from "./clientLadder";
export { forkEngine, type EngineProcess, type ForkOptions, type ProcessExit } from "./clientProcess";
export { processorName, rungFile } from "./clientRungFile";
export { rungsFor } from "./clientRungs";

export type { Outcome, RequestOptions } from "./clientRequests";
export { EngineFailure } from "./errors";

/** What completes: the client of the engine process, or that of a server. Nothing throws: every request resolves to a value or an error. */
export interface Completer {
  complete(params: CompleteRequest, options?: RequestOptions<CompleteItem>): Promise<Outcome<CompleteResult>>;
  /** Prepares a completion in idle time. */
  warm(params: WarmRequest, options?: RequestOptions): Promise<Outcome<WarmResult>>;
  dispose(): void;
}

export interface ClientOptions {
  /**
   * Starts an engine process: {@link forkEngine}, or a double in tests.
   * @param env what the ladder's rung adds to the environment
   */
  readonly spawn: (env: Readonly<Record<string, string>>) => EngineProcess;
  /** Where to start again what native code ends before it has computed anything; absent: only at the top. */
  readonly ladder?: Ladder;
  readonly onState?: (state: EngineState) => void;
  readonly onLog?: (level: "debug" | "info" | "warn" | "error", message: string) => void;
  /** Milliseconds before the n-th restart in a row (from 1); undefined: give up. */
  readonly backOff?: (failures: number) => number | undefined;
}

/** A quarter of a second, doubled up to half a minute; after six crashes in a row a person has to look. */
function defaultBackOff(failures: number): number | undefined {
  return failures > 6 ? undefined : Math.min(250 * 2 ** (failures - 1), 30_000);
}

/**
 * The engine as the extension host and the CLI see it. Starts the process on the first request, restarts it after a
 * crash and loads the last model again. Nothing throws: every request resolves to a value or an error.
 */
export class EngineClient implements Completer {
  private process: EngineProcess | undefined;
  private ready = false;
  /** This process has computed something. */
  private proved = false;
  private failures = 0;
  private readonly requests = new ClientRequests();
  /** Requests that wait for the process to be ready. */
  private waiting: number[] = [];
  private restart: NodeJS.Timeout | undefined;
  private lastLoad: LoadModel | undefined;
  private loaded = false;
  /** The model was unloaded and nobody has asked for it since. */
  private unloaded = false;
  private disposed = false;
  /** Why no further restart is tried. */
  private gaveUp: string | undefined;
  private current: EngineState = { kind: "idle", why: "The engine has not been started." };

  constructor(private readonly options: ClientOptions) {}

  get state(): EngineState {
    return this.current;
  }

  /** Of the engine process, while there is one. */
  get pid(): number | undefined {
    return this.process?.pid;
  }

  load(
    params: LoadModel,
    options: RequestOptions<{ readonly fraction: number }> = {},
  ): Promise<Outcome<ModelInfo>> {
    this.lastLoad = params;
    this.failures = 0;
    this.options.ladder?.allow();
    return this.request("load", params, options);
  }

  complete(
    params: CompleteRequest,
    options: RequestOptions<CompleteItem> = {},
  ): Promise<Outcome<CompleteResult>> {
    this.loadAgain();
    return this.request("complete", params, options);
  }

  /** Prepares a completion in idle time; only worth while the model is loaded. */
  warm(params: WarmRequest, options: RequestOptions = {}): Promise<Outcome<WarmResult>> {
    this.loadAgain();
    return this.request("warm", params, options);
  }

  sparsify(
    params: SparsifyRequest,
    options: RequestOptions<{ readonly fraction: number }> = {},
  ): Promise<Outcome<SparsifyResult>> {
    this.loadAgain();
    return this.request("sparsify", params, options);
  }

  /** Makes now what screens the output head, rather than in idle time. */
  prepareHead(options: RequestOptions<{ readonly fraction: number }> = {}): Promise<Outcome<HeadStats>> {
    this.loadAgain();
    return this.request("prepareHead", {}, options);
  }

  stats(options: RequestOptions = {}): Promise<Outcome<EngineStats>> {
    return this.request("stats", {}, options);
  }

  /** Frees the model; the next `complete` or `sparsify` loads it again. */
  async unload(): Promise<Outcome<Record<string, never>>> {
    if (this.process === undefined) {
      return { ok: true, value: {} };
    }
    this.loaded = false;
    this.unloaded = true;
    return this.request("unload", {}, {});
  }

  /** Ends the engine process and starts a new one, with all that the processor has; it loads the last model again. */
  restartEngine(): void {
    this.failures = 0;
    this.options.ladder?.reset();
    const { process } = this;
    this.detach("was restarted", []);
    process?.kill();
    this.start();
  }

  /** Ends the engine process; requests in flight are answered with an error. */
  dispose(): void {
    this.disposed = true;
    clearTimeout(this.restart);
    const { process } = this;
    this.detach("was shut down", []);
    process?.kill();
  }

  private loadAgain(): void {
    if (!this.loaded && this.process !== undefined && this.lastLoad !== undefined) {
      void this.request("load", this.lastLoad, {});
    }
  }

  private request<M extends Method>(
    method: M,
    params: EngineMethods[M][0],
    options: RequestOptions<EngineMethods[M][2]>,
  ): Promise<Outcome<EngineMethods[M][1]>> {
    const refusal = this.refusal(method, options.signal);
    if (refusal !== undefined) {
      return Promise.resolve({ ok: false, error: refusal });
    }
    return new Promise((resolve) => {
      const id = this.requests.add(method, params, options, (aborted) => this.cancel(aborted), resolve);
      if (method === "load") {
        this.loaded = true;
        this.unloaded = false;
      }
      if (this.ready) {
        this.sendRequest(id);
        return;
      }
      this.waiting.push(id);
      if (this.restart === undefined) {
        this.start();
      }
    });
  }

  /** The engine answers with what it has; what it has not been sent is answered here. */
  private cancel(id: number): void {
    this.waiting = this.waiting.filter((waiting) => waiting !== id);
    if (!this.post({ type: "cancel", id })) {
      this.requests.fail(id, "cancelled", "Cancelled.");
    }
  }

  private refusal(method: Method, signal: AbortSignal | undefined): EngineError | undefined {
    if (this.disposed) {
      return { code: "cancelled", message: "The engine is shut down." };
    }
    if (signal?.aborted === true) {
      return { code: "cancelled", message: "Cancelled." };
    }
    // After giving up only a load, i.e. a person's decision, starts the engine again.
    if (this.gaveUp !== undefined && method !== "load") {
      return { code: "engine-crashed", message: this.gaveUp };
    }
    return undefined;
  }

  private start(): void {
    if (this.process !== undefined || this.disposed) {
      return;
    }
    clearTimeout(this.restart);
    this.restart = undefined;
    this.gaveUp = undefined;
    this.setState({ kind: "starting" });
    const process = this.options.spawn(this.options.ladder?.rung.env ?? {});
    this.process = process;
    this.proved = false;
    process.onMessage((message) => {
      if (this.process === process) {
        this.receive(message);
      }
    });
    process.onExit((exit) => {
      if (this.process === process) {
        this.crashed(exit);
      }
    });
  }

  private receive(message: FromHost): void {
    switch (message.type) {
      case "ready":
        this.becomeReady();
        return;
      case "item":
        this.requests.item(message.id, message.item);
        return;
      case "result":
        this.succeeded(this.requests.get(message.id)?.method);
        this.requests.succeed(message.id, message.result);
        return;
      case "error":
        this.requests.fail(message.id, message.error.code, message.error.message);
        return;
      case "state":
        this.setState(message.state);
        return;
      case "log":
        this.options.onLog?.(message.level, message.message);
    }
  }

  private succeeded(method: Method | undefined): void {
    if (method === "complete") {
      this.failures = 0; // it works again
    }
    if (!this.proved && (method === "complete" || method === "warm" || method === "sparsify")) {
      this.proved = true;
      this.options.ladder?.proved();
    }
  }

  private becomeReady(): void {
    this.ready = true;
    const { waiting } = this;
    this.waiting = [];
    const loads = waiting.filter((id) => this.requests.get(id)?.method === "load");
    if (loads.length === 0 && this.lastLoad !== undefined) {
      void this.request("load", this.lastLoad, {});
    }
    // The engine takes loads in order and lets everything else wait for them.
    for (const id of [...loads, ...waiting.filter((id) => !loads.includes(id))]) {
      this.sendRequest(id);
    }
    if (loads.length === 0 && this.lastLoad === undefined) {
      this.setState({ kind: "idle", why: "No model is loaded." });
    }
  }

  private crashed({ why, signal }: ProcessExit): void {
    const message = `The engine process ${why}`;
    if (signal !== undefined && !this.proved && !this.unloaded && this.descend(why, signal)) {
      return;
    }
    this.failures++;
    this.options.onLog?.("error", `${message}.`);
    if (this.unloaded && this.waiting.length === 0) {
      this.detach(why, []);
      this.setState({ kind: "idle", why: "The model is unloaded." }); // the next request starts a process
      return;
    }
    const delay = (this.options.backOff ?? defaultBackOff)(this.failures);
    if (delay === undefined) {
      this.detach(why, []);
      this.gaveUp = `${message}, ${this.failures} times in a row. See the log, then restart the engine.`;
      this.setState({ kind: "failed", why: this.gaveUp });
      return;
    }
    // What was only waiting goes to the next process.
    this.detach(why, this.waiting);
    this.setState({ kind: "starting" });
    this.restart = setTimeout(() => {
      this.start();
    }, delay);
  }

  /** Starts a process one rung lower at once, which is asked again what this one was; false: there is none. */
  private descend(why: string, signal: string): boolean {
    const { ladder } = this.options;
    const from = ladder?.rung;
    if (ladder === undefined || from === undefined || !ladder.descend(signal)) {
      return false;
    }
    this.options.onLog?.(
      "warn",
      `The engine process ${why} before it had computed anything ${from.how}, on ${processorName()}; trying again ${ladder.rung.how}.`,
    );
    this.detach(why, this.requests.repeatable);
    this.start();
    return true;
  }

  /** Forgets the process and answers what was in flight, except `kept`. */
  private detach(why: string, kept: readonly number[]): void {
    this.process = undefined;
    this.ready = false;
    this.loaded = false;
    this.waiting = [...kept];
    const message = `The engine process ${why}; this request is lost.`;
    for (const id of this.requests.ids.filter((id) => !kept.includes(id))) {
      this.requests.fail(id, "engine-crashed", message);
    }
  }

  private sendRequest(id: number): void {
    const request = this.requests.get(id);
    if (request === undefined) {
      return;
    }
    const { method, params, deadlineAt } = request;
    const deadline =
      deadlineAt === undefined ? {} : { deadlineMs: Math.max(0, deadlineAt - performance.now()) };
    this.post({ type: "request", id, method, params, ...deadline });
  }

  /** False when there is no process to send to; a process that just went away answers by its exit. */
  private post(message: ToHost): boolean {
    if (!this.ready || this.process === undefined) {
      return false;
    }
    this.process.send(message);
    return true;
  }

  private setState(state: EngineState): void {
    this.current = state;
    this.options.onState?.(state);
  }
}

/** For callers that would rather throw, such as the CLI. */
export function unwrap<T>(outcome: Outcome<T>): T {
  if (!outcome.ok) {
    throw new EngineFailure(outcome.error.code, outcome.error.message);
  }
  return outcome.value;
}
