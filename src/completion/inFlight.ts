import type { CacheKey } from "./cache";

/** A generation under way: what it has written so far and how it ends. */
export interface Generation<R> {
  readonly key: CacheKey;
  readonly text: string;
  readonly done: Promise<R>;
}

class Running<R> implements Generation<R> {
  text = "";
  listeners = 0;
  done!: Promise<R>;
  releaseTimer: NodeJS.Timeout | undefined;
  readonly controller = new AbortController();

  constructor(readonly key: CacheKey) {}
}

/**
 * The one generation under way. Typing that agrees with what it has written keeps it; typing that does not stops it at once.
 * An asker that goes away leaves it running for a moment, because the next keystroke usually asks again.
 */
export class InFlight<R> {
  private running: Running<R> | undefined;

  /** @param graceMs how long a generation nobody waits for goes on */
  constructor(private readonly graceMs = 150) {}

  /** Starts a generation, stopping the one before. `run` gets a signal and reports the text so far, each time it grows. */
  start(
    key: CacheKey,
    run: (signal: AbortSignal, onText: (text: string) => void) => Promise<R>,
  ): Generation<R> {
    this.cancel();
    const running = new Running<R>(key);
    running.done = run(running.controller.signal, (text) => {
      running.text = text;
    }).finally(() => {
      clearTimeout(running.releaseTimer);
      if (this.running === running) {
        this.running = undefined;
      }
    });
    running.done.catch(() => undefined);
    this.running = running;
    return running;
  }

  /** The generation under way, if what has been typed since agrees with it. */
  join(key: CacheKey): Generation<R> | undefined {
    return this.running !== undefined && agrees(this.running, key) ? this.running : undefined;
  }

  /** Somebody waits for `generation`; returns what to call when they no longer do. */
  hold(generation: Generation<R>): () => void {
    const { running } = this;
    if (running?.key !== generation.key) {
      return () => undefined;
    }
    running.listeners++;
    clearTimeout(running.releaseTimer);
    const release = (): void => {
      running.listeners--;
      if (running.listeners === 0 && this.running === running) {
        running.releaseTimer = setTimeout(() => running.controller.abort(), this.graceMs);
      }
    };
    let pending: (() => void) | undefined = release;
    return () => {
      pending?.();
      pending = undefined;
    };
  }

  /** The cursor is now at one of `keys`: stops a generation that all of them contradict. */
  moved(keys: readonly CacheKey[]): void {
    const { running } = this;
    if (running !== undefined && !keys.some((key) => agrees(running, key))) {
      this.cancel();
    }
  }

  /** A document is gone: stops its generation. */
  closed(document: string): void {
    if (this.running?.key.document === document) {
      this.cancel();
    }
  }

  cancel(): void {
    if (this.running !== undefined) {
      clearTimeout(this.running.releaseTimer);
      this.running.controller.abort();
      this.running = undefined;
    }
  }
}

/** What has been typed since `from` was asked, or undefined when `now` is not ahead of it in the same text. */
export function typedSince(from: CacheKey, now: CacheKey): string | undefined {
  const length = now.offset - from.offset;
  if (from.document !== now.document || length < 0 || length > 200) {
    return undefined;
  }
  const typed = length === 0 ? "" : now.prefix.slice(-length);
  return now.prefix.endsWith(from.prefix.slice(-256) + typed) ? typed : undefined;
}

function agrees(running: Generation<unknown>, now: CacheKey): boolean {
  const typed = typedSince(running.key, now);
  return typed !== undefined && (running.text.startsWith(typed) || typed.startsWith(running.text));
}
