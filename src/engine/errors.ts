import type { EngineError, ErrorCode } from "./protocol";

/** An error meant for the user: its message is one clear sentence that says what to do. */
export class EngineFailure extends Error {
  constructor(
    readonly code: ErrorCode,
    message: string,
  ) {
    super(message);
    this.name = "EngineFailure";
  }
}

/** Any thrown value as what may cross the process boundary: one line, no stack trace. */
export function toEngineError(error: unknown): EngineError {
  if (error instanceof EngineFailure) {
    return { code: error.code, message: error.message };
  }
  const message = (error instanceof Error ? error.message : String(error)).split("\n", 1)[0]!.trim();
  if (isOutOfMemory(error, message)) {
    return {
      code: "out-of-memory",
      message: `Not enough memory (${message}). Choose a smaller model or a smaller context size.`,
    };
  }
  return { code: "internal", message: `The engine failed: ${message || "unknown error"}` };
}

function isOutOfMemory(error: unknown, message: string): boolean {
  const name = error instanceof Error ? error.constructor.name : "";
  return (
    name === "InsufficientMemoryError" ||
    /bad_alloc|out of memory|not enough memory|failed to allocate|too large for/i.test(message)
  );
}
