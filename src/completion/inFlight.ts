import type { Place } from "./place";
import type { GenerationEnd, Trail } from "./trail";

/** What a generation has come to. */
export interface Generated {
  readonly text: string;
  readonly end: GenerationEnd;
}

/** A generation under way. */
export interface Running {
  readonly trail: Trail;
  /** Resolves when more text is there, or nothing more will come. */
  grown(): Promise<void>;
  /** Rejects when the generation fails; resolves when it ends, also by being stopped. */
  readonly done: Promise<void>;
}

class Run implements Running {
  done!: Promise<void>;
  listeners = 0;
  /** Has been shown: it goes on for what comes after. */
  kept = false;
  releaseTimer: NodeJS.Timeout | undefined;
  readonly controller = new AbortController();
  private waiting: (() => void)[] = [];

  constructor(readonly trail: Trail) {}

  grown(): Promise<void> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  notify(): void {
    const { waiting } = this;
    this.waiting = [];
    waiting.forEach((resolve) => resolve());
  }
}

/**
 * The one generation under way. Typing that agrees with what it has written keeps it; typing that does not stops it at once.
 * An asker that goes away leaves it running for a moment, because the next keystroke usually asks again.
 */
export class InFlight {
  private running: Run | undefined;

  /** @param graceMs how long a generation nobody waits for goes on: an editor on a busy machine is late to ask again */
  constructor(private readonly graceMs = 2_000) {}

  /** Starts a generation, stopping the one before. `generate` reports the text so far each time it grows. */
  start(
    trail: Trail,
    generate: (signal: AbortSignal, onText: (text: string) => void) => Promise<Generated>,
  ): Running {
    this.cancel();
    const run = new Run(trail);
    let text = "";
    run.done = generate(run.controller.signal, (grown) => {
      text = grown;
      trail.grow(grown);
      run.notify();
    })
      .then(
        (generated) =>
          trail.finish(generated.text, run.controller.signal.aborted ? "stopped" : generated.end),
        (error: unknown) => {
          trail.finish(text, "stopped");
          throw error;
        },
      )
      .finally(() => {
        clearTimeout(run.releaseTimer);
        if (this.running === run) {
          this.running = undefined;
        }
        run.notify();
      });
    run.done.catch(() => undefined);
    this.running = run;
    return run;
  }

  /** What is under way. */
  get trail(): Trail | undefined {
    return this.running?.trail;
  }

  /** The generation under way, if what has been typed since agrees with it. */
  join(place: Place): Running | undefined {
    return this.running?.trail.agrees(place) === true ? this.running : undefined;
  }

  /**
   * Somebody waits for `running`; returns what to call when they no longer do: with `keep` when they have been served and the generation is to go
   * on to its end.
   */
  hold(running: Running): (keep?: boolean) => void {
    const run = this.running;
    if (run === undefined || run !== running) {
      return () => undefined;
    }
    run.listeners++;
    clearTimeout(run.releaseTimer);
    let held = true;
    return (keep = false) => {
      if (!held) {
        return;
      }
      held = false;
      run.kept ||= keep;
      run.listeners--;
      if (run.listeners === 0 && !run.kept && this.running === run) {
        run.releaseTimer = setTimeout(() => run.controller.abort(), this.graceMs);
      }
    };
  }

  /** The cursor is now at one of `places`: stops a generation that all of them contradict. */
  moved(places: readonly Place[]): void {
    const { running } = this;
    if (running !== undefined && !places.some((place) => running.trail.agrees(place))) {
      this.cancel();
    }
  }

  /** A document is gone: stops its generation. */
  closed(document: string): void {
    if (this.running?.trail.place.document === document) {
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
