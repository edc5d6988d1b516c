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
