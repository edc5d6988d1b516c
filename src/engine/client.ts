import { fork, type ChildProcess } from "node:child_process";
import { EngineFailure, toEngineError } from "./errors";
import type {
  CompleteRequest,
  CompleteResult,
  EngineError,
  EngineMethods,
  EngineState,
  EngineStats,
  FromHost,
  LoadModel,
  Method,
  ModelInfo,
  SparsifyRequest,
  SparsifyResult,
  ToHost,
} from "./protocol";

export type Outcome<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: EngineError };

export interface RequestOptions<Item = never> {
  readonly signal?: AbortSignal;
  /** Milliseconds from now after which the answer is worthless. */
  readonly deadlineMs?: number;
  readonly onItem?: (item: Item) => void;
}

/** The part of a child process that the client uses. */
export interface EngineProcess {
  readonly pid: number | undefined;
  send(message: ToHost): void;
  onMessage(listener: (message: FromHost) => void): void;
  /** Called once, when the process is gone or could not be started; `why` completes "the engine process …". */
  onExit(listener: (why: string) => void): void;
  kill(): void;
}

export interface ClientOptions {
  /** Starts an engine process: {@link forkEngine}, or a double in tests. */
  readonly spawn: () => EngineProcess;
  readonly onState?: (state: EngineState) => void;
  readonly onLog?: (level: "debug" | "info" | "warn" | "error", message: string) => void;
  /** Milliseconds before the n-th restart in a row (from 1); undefined: give up. */
  readonly backOff?: (failures: number) => number | undefined;
}

interface InFlight {
  readonly method: Method;
  readonly params: unknown;
  readonly deadlineAt: number | undefined;
  readonly onItem: ((item: never) => void) | undefined;
  readonly settle: (outcome: Outcome<never>) => void;
}

/** How long after its deadline a request that the engine does not answer is given up here. */
const DEADLINE_GRACE_MS = 500;

/** A quarter of a second, doubled up to half a minute; after six crashes in a row a person has to look. */
function defaultBackOff(failures: number): number | undefined {
  return failures > 6 ? undefined : Math.min(250 * 2 ** (failures - 1), 30_000);
}

/**
 * The engine as the extension host and the CLI see it. Starts the process on the first request, restarts it after a
 * crash and loads the last model again. Nothing throws: every request resolves to a value or an error.
 */
export class EngineClient {
  private process: EngineProcess | undefined;
  private ready = false;
  private failures = 0;
  private nextId = 1;
  private readonly inFlight = new Map<number, InFlight>();
  /** Requests that wait for the process to be ready. */
  private waiting: number[] = [];
  private restart: NodeJS.Timeout | undefined;
  private lastLoad: LoadModel | undefined;
  private loaded = false;
  private disposed = false;
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
    return this.request("load", params, options);
  }

  complete(
    params: CompleteRequest,
    options: RequestOptions<{ readonly text: string }> = {},
  ): Promise<Outcome<CompleteResult>> {
    this.loadAgain();
    return this.request("complete", params, options);
  }

  sparsify(
    params: SparsifyRequest,
    options: RequestOptions<{ readonly fraction: number }> = {},
  ): Promise<Outcome<SparsifyResult>> {
    this.loadAgain();
    return this.request("sparsify", params, options);
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
    return this.request("unload", {}, {});
  }

  /** Ends the engine process and starts a new one, which loads the last model again. */
  restartEngine(): void {
    this.failures = 0;
    clearTimeout(this.restart);
    const { process } = this;
    this.detach("was restarted");
    process?.kill();
    this.start();
  }

  /** Ends the engine process; requests in flight are answered with an error. */
  dispose(): void {
    this.disposed = true;
    clearTimeout(this.restart);
    const { process } = this;
    this.detach("was shut down");
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
    { signal, deadlineMs, onItem }: RequestOptions<EngineMethods[M][2]>,
  ): Promise<Outcome<EngineMethods[M][1]>> {
    if (method === "load") {
      this.loaded = true;
    }
    return new Promise((resolve) => {
      const refuse = (code: EngineError["code"], message: string): void =>
        resolve({ ok: false, error: { code, message } });
      if (this.disposed) {
        return refuse("cancelled", "The engine is shut down.");
      }
      if (signal?.aborted) {
        return refuse("cancelled", "Cancelled.");
      }
      if (this.process === undefined && this.restart === undefined && this.current.kind === "failed") {
        if (method !== "load") {
          return refuse("engine-crashed", this.current.why);
        }
      }
      const id = this.nextId++;
      const abort = (): void => {
        this.waiting = this.waiting.filter((waiting) => waiting !== id);
        if (!this.post({ type: "cancel", id })) {
          this.settle(id, { ok: false, error: { code: "cancelled", message: "Cancelled." } });
        }
      };
      const late = (): void =>
        this.settle(id, {
          ok: false,
          error: { code: "deadline", message: "The engine did not answer in time." },
        });
      const timer = deadlineMs === undefined ? undefined : setTimeout(late, deadlineMs + DEADLINE_GRACE_MS);
      signal?.addEventListener("abort", abort, { once: true });
      this.inFlight.set(id, {
        method,
        params,
        deadlineAt: deadlineMs === undefined ? undefined : performance.now() + deadlineMs,
        onItem: onItem as InFlight["onItem"],
        settle: (outcome) => {
          clearTimeout(timer);
          signal?.removeEventListener("abort", abort);
          resolve(outcome);
        },
      });
      if (this.ready) {
        this.sendRequest(id);
      } else {
        this.waiting.push(id);
        this.start();
      }
    });
  }

  private start(): void {
    if (this.process !== undefined || this.disposed) {
      return;
    }
    clearTimeout(this.restart);
    this.restart = undefined;
    this.setState({ kind: "starting" });
    const process = this.options.spawn();
    this.process = process;
    process.onMessage((message) => {
      if (this.process === process) {
        this.receive(message);
      }
    });
    process.onExit((why) => {
      if (this.process === process) {
        this.crashed(why);
      }
    });
  }

  private receive(message: FromHost): void {
    switch (message.type) {
      case "ready":
        this.becomeReady();
        return;
      case "item":
        this.inFlight.get(message.id)?.onItem?.(message.item as never);
        return;
      case "result":
        if (this.inFlight.get(message.id)?.method === "complete") {
          this.failures = 0; // it works again
        }
        this.settle(message.id, { ok: true, value: message.result as never });
        return;
      case "error":
        this.settle(message.id, { ok: false, error: message.error });
        return;
      case "state":
        this.setState(message.state);
        return;
      case "log":
        this.options.onLog?.(message.level, message.message);
    }
  }

  private becomeReady(): void {
    this.ready = true;
    const { waiting } = this;
    this.waiting = [];
    const loads = waiting.filter((id) => this.inFlight.get(id)?.method === "load");
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

  private crashed(why: string): void {
    this.failures++;
    const message = `The engine process ${why}`;
    this.options.onLog?.("error", `${message}.`);
    const waiting = this.waiting.map((id) => [id, this.inFlight.get(id)] as const);
    const delay = (this.options.backOff ?? defaultBackOff)(this.failures);
    if (delay !== undefined) {
      // What was only waiting goes to the next process.
      waiting.forEach(([id]) => this.inFlight.delete(id));
    }
    this.detach(why);
    if (delay === undefined) {
      this.setState({
        kind: "failed",
        why: `${message} ${this.failures} times in a row. See the log, then restart it.`,
      });
      return;
    }
    for (const [id, request] of waiting) {
      if (request !== undefined) {
        this.inFlight.set(id, request);
        this.waiting.push(id);
      }
    }
    this.setState({ kind: "starting" });
    this.restart = setTimeout(() => this.start(), delay);
  }

  /** Forgets the process and answers what was in flight. */
  private detach(why: string): void {
    this.process = undefined;
    this.ready = false;
    this.loaded = false;
    this.waiting = [];
    const error: EngineError = {
      code: "engine-crashed",
      message: `The engine process ${why}; this request is lost.`,
    };
    for (const id of [...this.inFlight.keys()]) {
      this.settle(id, { ok: false, error });
    }
  }

  private sendRequest(id: number): void {
    const request = this.inFlight.get(id);
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

  private settle(id: number, outcome: Outcome<never>): void {
    const request = this.inFlight.get(id);
    this.inFlight.delete(id);
    request?.settle(outcome);
  }

  private setState(state: EngineState): void {
    this.current = state;
    this.options.onState?.(state);
  }
}

export interface ForkOptions {
  /** The bundled `host.mjs`, or `host.ts` with `execArgv` that loads TypeScript. */
  readonly hostPath: string;
  readonly execArgv?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Lines that native code prints to stderr. */
  readonly onStderr?: (line: string) => void;
}

/**
 * Forks the engine process. Inside VS Code `process.execPath` is Electron, which runs as Node when
 * ELECTRON_RUN_AS_NODE is set; Node ignores it.
 */
export function forkEngine({ hostPath, execArgv = [], env = {}, onStderr }: ForkOptions): EngineProcess {
  const child = fork(hostPath, [], {
    serialization: "advanced",
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    execArgv: [...execArgv],
    env: { ...process.env, ...env, ELECTRON_RUN_AS_NODE: "1" },
  });
  let lastLine = "";
  child.stderr?.setEncoding("utf8");
  child.stderr?.on("data", (chunk: string) => {
    for (const line of chunk.split("\n").filter((text) => text.trim() !== "")) {
      lastLine = line.trim();
      onStderr?.(lastLine);
    }
  });
  return {
    pid: child.pid,
    send: (message) => {
      // The callback keeps a channel that closes at this moment from throwing; the exit event tells the rest.
      child.send(message, () => undefined);
    },
    onMessage: (listener) => void child.on("message", (message) => listener(message as FromHost)),
    onExit: (listener) => onChildExit(child, () => lastLine, listener),
    kill: () => void child.kill("SIGKILL"),
  };
}

function onChildExit(child: ChildProcess, lastLine: () => string, listener: (why: string) => void): void {
  let told = false;
  const tell = (why: string): void => {
    if (!told) {
      told = true;
      listener(why);
    }
  };
  child.on("error", (error) => tell(`could not be run (${toEngineError(error).message})`));
  child.on("exit", (code, signal) => {
    const how = signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`;
    tell(lastLine() === "" ? how : `${how} (${lastLine()})`);
  });
}

/** For callers that would rather throw, such as the CLI. */
export function unwrap<T>(outcome: Outcome<T>): T {
  if (!outcome.ok) {
    throw new EngineFailure(outcome.error.code, outcome.error.message);
  }
  return outcome.value;
}
