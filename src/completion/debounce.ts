/** How long to wait after a keystroke before asking the engine. */
export interface DebounceOptions {
  readonly minMs: number;
  readonly maxMs: number;
}

const DEFAULTS: DebounceOptions = { minMs: 20, maxMs: 400 };
/** Weight of a new observation in the moving averages. */
const ALPHA = 0.2;
/** A longer gap is a pause for thought, not typing rhythm. */
const PAUSE_MS = 1_500;

/**
 * Follows the typing rhythm and the engine's speed. A fast engine is asked almost at once, since a request that the next key
 * outdates costs little; a slow one only when the next key is likely not to come: after about one and a half usual gaps.
 */
export class AdaptiveDebounce {
  private gapMs = 180;
  private latencyMs = 100;
  private lastKeyAt: number | undefined;

  constructor(private readonly options: DebounceOptions = DEFAULTS) {}

  /** A key was typed at `now` (milliseconds, monotonic). */
  keystroke(now: number): void {
    if (this.lastKeyAt !== undefined) {
      const gap = now - this.lastKeyAt;
      if (gap >= 0 && gap <= PAUSE_MS) {
        this.gapMs += ALPHA * (gap - this.gapMs);
      }
    }
    this.lastKeyAt = now;
  }

  /** The engine took `ms` from request to answer. */
  answered(ms: number): void {
    this.latencyMs += ALPHA * (ms - this.latencyMs);
  }

  /** How long the engine usually takes, milliseconds. */
  get latency(): number {
    return this.latencyMs;
  }

  /** Milliseconds to wait from the last keystroke. */
  delay(): number {
    const patience = 1.5 * this.gapMs;
    const share = Math.min(1, this.latencyMs / patience);
    return Math.round(Math.min(this.options.maxMs, Math.max(this.options.minMs, patience * share)));
  }
}
