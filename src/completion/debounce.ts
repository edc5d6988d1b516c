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
  /** Prompt tokens that it evaluated. Many say nothing about the next key, which adds its own. */
  readonly promptTokens: number;
}

const DEFAULTS: DebounceOptions = { maxMs: 400 };
/** Weight of a new gap in the moving average. */
const ALPHA = 0.2;
/** A longer gap is a pause for thought, not typing rhythm. */
const PAUSE_MS = 1_500;
/** Answers that tell how fast the engine is: enough that a single slow one does not. */
const ANSWERS = 5;
/** A key's own tokens, those that are written again with it, and a few that were typed unasked. */
const MAX_PROMPT_TOKENS = 32;
/** Whoever waits for pauses learns little: after this long a key is asked for at once again, to see. */
const GUESS_MS = 3_000;

/**
 * Follows the typing rhythm and the engine's speed. An engine that answers within half of the usual gap is asked at once: its answer is there before
 * the next key, and a request that the next key outdates is stopped within a token. A slower one waits the longer the more of the gap
 * it needs; one that needs more than one and a half gaps is asked when the next key is likely not to come.
 */
export class AdaptiveDebounce {
  private gapMs = 180;
  private answers: readonly number[] = [];
  /** What the engine is taken for after a request that was stopped, until it answers or the time is over. */
  private guess: { readonly ms: number; readonly until: number } | undefined;
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
  took({ ms, answered, promptTokens }: RequestOutcome): void {
    if (promptTokens > MAX_PROMPT_TOKENS) {
      return;
    }
    if (answered) {
      this.answers = [...this.answers, ms].slice(-ANSWERS);
      this.guess = undefined;
    } else if (ms > this.latency) {
      // It would have taken longer, nobody knows how much.
      this.guess = { ms: 2 * ms, until: (this.lastKeyAt ?? 0) + GUESS_MS };
    }
  }

  /** How long the engine usually takes, milliseconds: the median of the last answers; 0 before the first. */
  get latency(): number {
    if (this.guess !== undefined && (this.lastKeyAt ?? 0) < this.guess.until) {
      return this.guess.ms;
    }
    const sorted = this.answers.toSorted((a, b) => a - b);
    return sorted[Math.ceil(sorted.length / 2) - 1] ?? 0;
  }

  /** Milliseconds to wait from the last keystroke. */
  delay(): number {
    const beyond = this.latency - 0.5 * this.gapMs;
    return Math.round(Math.min(this.options.maxMs, 1.5 * this.gapMs, Math.max(0, 1.5 * beyond)));
  }
}
