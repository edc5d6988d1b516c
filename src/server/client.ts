import { StopRules } from "../completion/stopRules";
import { toAbortError, unlessAborted } from "../engine/abort";
import type { Completer, Outcome, RequestOptions } from "../engine/client";
import { now } from "../engine/clock";
import { EngineFailure, toEngineError } from "../engine/errors";
import type {
  CompleteItem,
  CompleteRequest,
  CompleteResult,
  EngineError,
  StopReason,
  WarmRequest,
  WarmResult,
} from "../engine/protocol";
import { NotYet } from "./answers";
import type { Backend, Served } from "./backend";
import type { Connection } from "./connection";
import { openBackend } from "./detect";
import type { Wanted } from "./wanted";

export type ServerState =
  | { readonly kind: "unasked" }
  | { readonly kind: "asking" }
  | { readonly kind: "up"; readonly served: Served }
  /** It may come back by itself; `gone`: nobody can say when. */
  | { readonly kind: "away"; readonly why: string; readonly what: "gone" | NotYet["what"] }
  /** Only a person can do something about it. */
  | { readonly kind: "refused"; readonly why: string };

export interface ServerClientOptions {
  readonly connection: Connection;
  readonly wanted: Wanted;
  readonly onState?: (state: ServerState) => void;
  /** Milliseconds until a server that is away is looked for again, after the n-th time in a row (from 1). */
  readonly backOff?: (failures: number) => number;
  /** Milliseconds without a word of the server after which it is asked whether it is still the same (default 10 000). */
  readonly checkAfterMs?: number;
  /** Milliseconds to a first text from which on it is spared what nobody waits for (default 1000). */
  readonly busyMs?: number;
}

/** One that loads its model is looked for at least this often. */
const LOADING_MS = 5_000;
/** What a server refuses it refuses again, until somebody has done something about it. */
const REFUSED_MS = 60_000;
const CHECK_AFTER_MS = 10_000;
/** A server that takes this long to a first text has enough to do: for a while nothing is asked of it that nobody waits for. */
const BUSY_MS = 1_000;
const SPARE_MS = 10_000;

/** Half a second, doubled up to half a minute; not all windows at the same moment. */
function defaultBackOff(failures: number): number {
  return Math.min(500 * 2 ** (failures - 1), 30_000) * (0.75 + 0.5 * Math.random());
}

/**
 * A server as completion sees it, with the same interface as the engine's client. One request at a time is under way, and the newest goes
 * first: the one before it is answered with what it has, and its work on the server ends. Nothing throws.
 */
export class ServerClient implements Completer {
  private current: ServerState = { kind: "unasked" };
  private backend: Promise<Backend> | undefined;
  /** Since it was there last, and since it has done last what it was asked for: one that is there need not be able to. */
  private readonly failures = { opening: 0, use: 0 };
  /** No request is sent before that, on `performance.now()`, and what is answered until then. */
  private pausedUntil = -Infinity;
  private pausedBy: Error | undefined;
  private looking: NodeJS.Timeout | undefined;
  /** When the server has said something last, on `performance.now()`. */
  private heardAt = 0;
  private checking: Promise<boolean> | undefined;
  /** Until then the server is spared, on the clock of `clock.now`. */
  private busyUntil = -Infinity;
  private running:
    | { readonly stop: AbortController; readonly isWarming: boolean; readonly done: Promise<unknown> }
    | undefined;
  private readonly closing = new AbortController();

  constructor(private readonly options: ServerClientOptions) {}

  get state(): ServerState {
    return this.current;
  }

  /** What is there; undefined while the server is away or has not been asked yet. */
  get served(): Served | undefined {
    return this.current.kind === "up" ? this.current.served : undefined;
  }

  /** Asks the server what it is, unless that is known. */
  async open(signal?: AbortSignal): Promise<Outcome<Served>> {
    try {
      const all = signal === undefined ? this.closing.signal : AbortSignal.any([signal, this.closing.signal]);
      return { ok: true, value: (await unlessAborted(this.opened(), all)).served };
    } catch (error) {
      return { ok: false, error: toEngineError(error) };
    }
  }

  complete(
    request: CompleteRequest,
    options: RequestOptions<CompleteItem> = {},
  ): Promise<Outcome<CompleteResult>> {
    return this.take(false, options, (signal, arrived) =>
      this.completeNow(request, options, signal, arrived),
    );
  }

  /** Resolves to nothing while somebody waits for a completion, or the server has enough to do. */
  warm(request: WarmRequest, options: RequestOptions = {}): Promise<Outcome<WarmResult>> {
    if (this.running?.isWarming === false || now() < this.busyUntil) {
      return Promise.resolve({ ok: true, value: { prefill: { tokens: 0, ms: 0, again: 0 } } });
    }
    return this.take(true, options, async (signal) => {
      const backend = await this.ready(signal);
      return { prefill: await backend.warm(request, signal) };
    });
  }

  /** Looks for the server at once, whatever has been before. */
  retry(): void {
    this.pausedUntil = -Infinity;
    void this.open();
  }

  /** Stops what is under way and closes all connections. */
  dispose(): void {
    clearTimeout(this.looking);
    this.closing.abort(new EngineFailure("cancelled", "The connection to the server is closed."));
    this.options.connection.dispose();
  }

  private async take<T>(
    isWarming: boolean,
    { signal: asked, deadlineMs }: RequestOptions,
    work: (signal: AbortSignal, arrived: number) => Promise<T>,
  ): Promise<Outcome<T>> {
    const arrived = now();
    const before = this.running;
    const stop = new AbortController();
    const timer = deadlineMs === undefined ? undefined : setTimeout(() => stop.abort(late()), deadlineMs);
    const signals = [stop.signal, this.closing.signal, ...(asked === undefined ? [] : [asked])];
    const result = (async (): Promise<Outcome<T>> => {
      before?.stop.abort(new EngineFailure("cancelled", "A newer request came."));
      await before?.done;
      const signal = AbortSignal.any(signals);
      try {
        signal.throwIfAborted();
        const value = await work(signal, arrived);
        this.failures.use = 0;
        this.heardAt = performance.now();
        return { ok: true, value };
      } catch (error) {
        return {
          ok: false,
          error: signal.aborted ? toEngineError(toAbortError(signal)) : this.failed(error, "use"),
        };
      } finally {
        clearTimeout(timer);
      }
    })();
    const running = { stop, isWarming, done: result };
    this.running = running;
    const outcome = await result;
    if (this.running === running) {
      this.running = undefined;
    }
    return outcome;
  }

  private async completeNow(
    request: CompleteRequest,
    { onItem }: RequestOptions<CompleteItem>,
    signal: AbortSignal,
    arrived: number,
  ): Promise<CompleteResult> {
    const backend = await this.ready(signal);
    const turn = now();
    const rules = new StopRules(request);
    let promptAt = turn;
    let firstToken: number | undefined;
    let stopped: { readonly reason: StopReason; readonly text: string } | undefined;
    const call = {
      signal,
      onPrompt: () => void (promptAt = now()),
      onRead: (read: number) => {
        this.heardAt = performance.now();
        onItem?.({ text: "", read });
      },
      onText: (piece: string): boolean => {
        firstToken ??= now();
        this.heardAt = performance.now();
        const state = rules.push(piece);
        if (state.stop) {
          stopped = { reason: state.rule === "max-lines" ? "max-lines" : "stop-rule", text: state.text };
        } else if (piece !== "") {
          onItem?.({ text: piece });
        }
        return state.stop;
      },
    };
    const times = (): CompleteResult["times"] => ({
      ...{ arrived, turn, prompt: promptAt },
      ...(firstToken === undefined ? {} : { firstToken }),
    });
    try {
      const { prefill, decode, ended, anchored } = await backend.complete(request, call);
      const { tokens, ms } = decode;
      return {
        text: stopped?.text ?? rules.generated,
        stopReason: stopped?.reason ?? ended,
        activeRatio: 1,
        prefill,
        decode: { tokens, ms, tokensPerSecond: tokens > 0 && ms > 0 ? (1000 * tokens) / ms : 0 },
        times: times(),
        ...(anchored === undefined ? {} : { anchored }),
      };
    } catch (error) {
      if (!signal.aborted) {
        throw error;
      }
      // As the engine does: what was written until then is the result.
      return {
        text: rules.generated,
        stopReason: toAbortError(signal).code === "deadline" ? "deadline" : "cancelled",
        activeRatio: 1,
        prefill: { tokens: 0, ms: 0, again: 0 },
        decode: { tokens: 0, ms: 0, tokensPerSecond: 0 },
        times: times(),
      };
    } finally {
      const waited = (firstToken ?? now()) - turn;
      this.busyUntil = waited > (this.options.busyMs ?? BUSY_MS) ? now() + SPARE_MS : -Infinity;
    }
  }

  /**
   * A server that has said nothing for a while may have been started anew with another model, whose tokens are others; or it is gone, which nobody
   * would notice while each key ends the request before.
   */
  private async ready(signal: AbortSignal): Promise<Backend> {
    const opened = this.opened();
    const backend = await unlessAborted(opened, signal);
    if (performance.now() - this.heardAt <= (this.options.checkAfterMs ?? CHECK_AFTER_MS)) {
      return backend;
    }
    if (await unlessAborted(this.check(backend), signal)) {
      return backend;
    }
    if (this.backend === opened) {
      this.backend = undefined;
    }
    return unlessAborted(this.opened(), signal);
  }

  /** One question for all requests; goes on when they are cancelled. */
  private check(backend: Backend): Promise<boolean> {
    if (this.checking === undefined) {
      const checking = backend.isSame(this.closing.signal);
      this.checking = checking;
      void checking
        .then(
          () => (this.heardAt = performance.now()),
          (error: unknown) => this.failed(error, "use"),
        )
        .finally(() => (this.checking = undefined));
    }
    return this.checking;
  }

  private opened(): Promise<Backend> {
    if (this.backend === undefined) {
      if (this.pausedBy !== undefined && performance.now() < this.pausedUntil) {
        return Promise.reject(this.pausedBy);
      }
      if (this.current.kind === "unasked") {
        this.setState({ kind: "asking" }); // one that is away stays so until it is back
      }
      const opening = openBackend(this.options.connection, this.options.wanted, this.closing.signal);
      this.backend = opening;
      opening.then(
        ({ served }) => {
          this.failures.opening = 0;
          this.pausedBy = undefined;
          this.heardAt = performance.now();
          this.setState({ kind: "up", served });
        },
        (error: unknown) => {
          this.backend = undefined;
          this.failed(error, "opening");
        },
      );
    }
    return this.backend;
  }

  /** Takes note of a failure: until a server that is away is back, requests are answered at once. */
  private failed(error: unknown, of: "opening" | "use"): EngineError {
    const { code, message } = toEngineError(error);
    const isAway = code === "server-away";
    const endsUse = of === "opening" || isAway || code === "server-refused";
    if (error !== this.pausedBy && endsUse && !this.closing.signal.aborted) {
      this.backend = undefined; // it may be another model that comes back
      this.failures[of]++;
      const what = error instanceof NotYet ? error.what : "gone";
      const delay = isAway ? this.delay(error, this.failures[of]) : REFUSED_MS;
      this.pausedBy = error instanceof Error ? error : new Error(message);
      this.pausedUntil = performance.now() + delay;
      this.setState(isAway ? { kind: "away", why: message, what } : { kind: "refused", why: message });
      clearTimeout(this.looking);
      this.looking = setTimeout(() => this.retry(), delay).unref();
    }
    return { code, message };
  }

  private delay(error: unknown, failures: number): number {
    const own = (this.options.backOff ?? defaultBackOff)(failures);
    if (!(error instanceof NotYet)) {
      return own;
    }
    return Math.max(error.afterMs ?? 0, error.what === "loading" ? Math.min(own, LOADING_MS) : own);
  }

  private setState(state: ServerState): void {
    this.current = state;
    this.options.onState?.(state);
  }
}

const late = (): EngineFailure => new EngineFailure("deadline", "The server did not answer in time.");
