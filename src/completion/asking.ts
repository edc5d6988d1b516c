import { typedSince, type Place } from "./place";

/**
 * A wish for a suggestion at a place. Askers come and go, since an editor that has waited for long withdraws its request; the wish is for where the
 * cursor is, and ends when it has an answer or the cursor has gone.
 */
export class Asking {
  private readonly controller = new AbortController();
  private askers = 0;
  readonly answer: Promise<string | undefined>;

  /**
   * @param find resolves to the suggestion; rejects when the model fails
   * @param onUnheard gets the answer when nobody waits for it any more
   */
  constructor(
    readonly place: Place,
    readonly purpose: "automatic" | "invoked",
    find: (asking: Asking) => Promise<string | undefined>,
    onUnheard: (answer: Promise<string | undefined>) => void,
  ) {
    this.answer = find(this);
    const heard = (): void => {
      if (this.askers === 0 && !this.signal.aborted) {
        onUnheard(this.answer);
      }
    };
    this.answer.then(heard, heard);
  }

  /** Aborted when the cursor has gone. */
  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** Whether `place` is where this asks, in the same text. */
  isAt(place: Place): boolean {
    return typedSince(this.place, place) === "";
  }

  end(): void {
    this.controller.abort();
  }

  /** The answer; undefined when `signal` is aborted before it is there. */
  async wait(signal: AbortSignal): Promise<string | undefined> {
    if (signal.aborted) {
      return undefined;
    }
    this.askers++;
    let leave!: () => void;
    const left = new Promise<undefined>((resolve) => {
      leave = () => resolve(undefined);
      signal.addEventListener("abort", leave, { once: true });
    });
    try {
      return await Promise.race([this.answer, left]);
    } finally {
      signal.removeEventListener("abort", leave);
      this.askers--;
    }
  }
}
