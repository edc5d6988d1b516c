import { toAbortError } from "./abort";

export type Priority = "completion" | "background";

interface Waiting {
  readonly start: () => void;
}

/**
 * Lets one piece of native work run at a time. A completion goes before all background work that has not started;
 * equal priorities keep their order.
 */
export class Gate {
  private busy = false;
  private readonly queues: Record<Priority, Waiting[]> = { completion: [], background: [] };

  /** Rejects with the signal's reason when it is aborted before the work has started. */
  async run<T>(priority: Priority, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    await this.enter(priority, signal);
    try {
      return await work();
    } finally {
      this.leave();
    }
  }

  private enter(priority: Priority, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) {
      return Promise.reject(toAbortError(signal));
    }
    if (!this.busy) {
      this.busy = true;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const queue = this.queues[priority];
      const waiting: Waiting = {
        start: () => {
          signal?.removeEventListener("abort", abort);
          resolve();
        },
      };
      const abort = (): void => {
        queue.splice(queue.indexOf(waiting), 1);
        reject(toAbortError(signal!));
      };
      signal?.addEventListener("abort", abort, { once: true });
      queue.push(waiting);
    });
  }

  private leave(): void {
    const next = this.queues.completion.shift() ?? this.queues.background.shift();
    if (next === undefined) {
      this.busy = false;
    } else {
      next.start();
    }
  }
}
