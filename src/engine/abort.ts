import { EngineFailure } from "./errors";

/** The error that an aborted signal stands for; signals of the dispatcher carry an {@link EngineFailure}. */
export function toAbortError(signal: AbortSignal): EngineFailure {
  const reason: unknown = signal.reason;
  return reason instanceof EngineFailure ? reason : new EngineFailure("cancelled", "Cancelled.");
}

export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) {
    throw toAbortError(signal);
  }
}

/** What the promise settles to, unless the signal is aborted before: then it rejects at once. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  throwIfAborted(signal);
  let abort!: () => void;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(toAbortError(signal));
  });
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
