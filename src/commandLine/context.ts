import type { Install } from "./install";
import type { Progress } from "./progress";

/** What every command is given. */
export interface Context {
  readonly install: Install;
  readonly progress: Progress;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** Results go here, progress and errors to stderr. */
  readonly output: (text: string) => void;
}
