import type { EngineError, EngineMethods, Method } from "./protocol";

export type Outcome<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: EngineError };

export interface RequestOptions<Item = never> {
  readonly signal?: AbortSignal;
  /** Milliseconds from now after which the answer is worthless. */
  readonly deadlineMs?: number;
  readonly onItem?: (item: Item) => void;
}

/** A request that is not answered yet. */
export interface PendingRequest {
  readonly method: Method;
  readonly params: unknown;
  /** On the clock of `performance.now()`. */
  readonly deadlineAt: number | undefined;
}

interface Entry extends PendingRequest {
  /** Its caller has been given items. */
  started: boolean;
  readonly onItem: ((item: never) => void) | undefined;
  readonly settle: (outcome: Outcome<never>) => void;
}

/** How long after its deadline a request that the engine does not answer is given up here. */
const DEADLINE_GRACE_MS = 500;

/** The client's unanswered requests: each is answered exactly once, and lets go of its timer and signal then. */
export class ClientRequests {
  private nextId = 1;
  private readonly entries = new Map<number, Entry>();

  /**
   * @param onAbort called when the caller's signal is aborted before the answer
   * @param resolve gets the answer
   */
  add<M extends Method>(
    method: M,
    params: unknown,
    { signal, deadlineMs, onItem }: RequestOptions<EngineMethods[M][2]>,
    onAbort: (id: number) => void,
    resolve: (outcome: Outcome<EngineMethods[M][1]>) => void,
  ): number {
    const id = this.nextId++;
    const abort = (): void => {
      onAbort(id);
    };
    const timer =
      deadlineMs === undefined
        ? undefined
        : setTimeout(() => {
            this.fail(id, "deadline", "The engine did not answer in time.");
          }, deadlineMs + DEADLINE_GRACE_MS);
    signal?.addEventListener("abort", abort, { once: true });
    this.entries.set(id, {
      method,
      params,
      deadlineAt: deadlineMs === undefined ? undefined : performance.now() + deadlineMs,
      onItem,
      started: false,
      settle: (outcome) => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", abort);
        resolve(outcome);
      },
    });
    return id;
  }

  get(id: number): PendingRequest | undefined {
    return this.entries.get(id);
  }

  get ids(): readonly number[] {
    return [...this.entries.keys()];
  }

  /** Requests that can be sent again: nobody has seen a part of their answers, but for how far they are. */
  get repeatable(): readonly number[] {
    return [...this.entries]
      .filter(([, { method, started }]) => method !== "complete" || !started)
      .map(([id]) => id);
  }

  item(id: number, item: unknown): void {
    const entry = this.entries.get(id);
    if (entry !== undefined) {
      entry.started = true;
      entry.onItem?.(item as never);
    }
  }

  succeed(id: number, value: unknown): void {
    this.settle(id, { ok: true, value: value as never });
  }

  fail(id: number, code: EngineError["code"], message: string): void {
    this.settle(id, { ok: false, error: { code, message } });
  }

  private settle(id: number, outcome: Outcome<never>): void {
    const entry = this.entries.get(id);
    this.entries.delete(id);
    entry?.settle(outcome);
  }
}
