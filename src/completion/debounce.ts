/** How long to wait after a keystroke before asking the engine. */
export interface DebounceOptions {
  readonly maxMs: number;
}

/** What became of a request to the engine. */
export interface RequestOutcome {
  /** Milliseconds from the request to its first line, or to its end when it came to none. */
  readonly ms: number;
  /** There was a first line, or it ended by itself. */
  readonly answered: boolean;
  /** The prompt had only grown, as it will with the next key. One that is made anew says nothing about what that key takes. */
  readonly grown: boolean;
}

const DEFAULTS: DebounceOptions = { maxMs: 400 };
/** Weight of a new gap in the moving average. */
const ALPHA = 0.2;
/** A longer gap is a pause for thought, not typing rhythm. */
const PAUSE_MS = 1_500;
/** Answers that tell how fast the engine is: enough that a single slow one does not. */
const ANSWERS = 5;

/**
 * Follows the typing rhythm and the engine's speed. An engine that answers within half of the usual gap is asked at once: its answer is there before
 * the next key, and a request that the next key outdates is stopped within a token. A slower one waits the longer the more of the gap
 * it needs; one that needs more than one and a half gaps is asked when the next key is likely not to come.
 */
export class AdaptiveDebounce {
  private gapMs = 180;
  private answers: readonly number[] = [];
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

  /** A request is over. */
  took({ ms, answered, grown }: RequestOutcome): void {
    if (grown && (answered || ms > this.latency)) {
      // One that was stopped would have taken longer, nobody knows how much.
      this.answers = [...this.answers, answered ? ms : 2 * ms].slice(-ANSWERS);
    }
  }

  /** How long the engine usually takes, milliseconds: the median of the last answers; 0 before the first. */
  get latency(): number {
    const sorted = this.answers.toSorted((a, b) => a - b);
    return sorted[Math.ceil(sorted.length / 2) - 1] ?? 0;
  }

  /** Milliseconds to wait from the last keystroke. */
  delay(): number {
    const beyond = this.latency - 0.5 * this.gapMs;
    return Math.round(Math.min(this.options.maxMs, 1.5 * this.gapMs, Math.max(0, 1.5 * beyond)));
  }
}
