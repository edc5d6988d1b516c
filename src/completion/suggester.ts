import { Asking } from "./asking";
import type { EndingKind } from "./ending/kind";
import { InFlight, type Generated, type Running } from "./inFlight";
import { placeAfter, typedSince, type Place } from "./place";
import type { Shaper } from "./shaper";
import { Trail } from "./trail";
import { Trails } from "./trails";

/** Why a generation is started: somebody waits for it, or it is what would come after a suggestion is accepted. */
export type Purpose = "automatic" | "invoked" | "ahead";

/** What a generation is for. */
export interface Wish {
  readonly purpose: Purpose;
  readonly kind: EndingKind;
}

export interface SuggesterOptions {
  readonly shaper: Shaper;
  /**
   * Asks the model. Rejects when it fails; resolves with what there is when it is stopped.
   * @param onText gets everything written so far, each time there is more
   */
  generate(place: Place, wish: Wish, signal: AbortSignal, onText: (text: string) => void): Promise<Generated>;
  /** Milliseconds to wait from the last keystroke before the model is asked without being told to. */
  pauseMs(): number;
  /** Milliseconds that a first line waits for the lines that belong to it. */
  readonly patienceMs?: number;
  /** Whether to generate what would come after a suggestion is accepted. */
  readonly goesAhead?: () => boolean;
  /** The suggestion that was given for `place` has become longer: asking there again gives all of it. */
  readonly onLonger?: (place: Place) => void;
  /** There is a suggestion for `place`, where the cursor still is, and whoever asked has given up waiting: asking there again gives it. */
  readonly onReady?: (place: Place) => void;
  /** The model has failed, and whoever asked has given up waiting. */
  readonly onFailed?: (error: unknown) => void;
}

/** Long enough for a small model to finish a short block, short enough not to be waited for. */
const PATIENCE_MS = 250;

/**
 * From places to suggestions: serves what is known, joins the generation under way, or starts one; shows a first line as soon as it is
 * complete, while the rest goes on into what is known.
 */
export class Suggester {
  private readonly trails = new Trails();
  private readonly inFlight = new InFlight();
  /** The wish that has no answer yet. */
  private asking: Asking | undefined;
  /** The suggestion that was given last, for as long as nothing contradicts it. */
  private served: { readonly place: Place; readonly text: string } | undefined;
  /** The generation whose first lines were given last. */
  private watched: Running | undefined;

  constructor(private readonly options: SuggesterOptions) {}

  /**
   * The suggestion at a place: "" and undefined for none. Rejects when the model fails.
   * @param signal the asker does not wait any longer; as long as the cursor stays, the suggestion is still looked for
   */
  async suggest(
    place: Place,
    purpose: "automatic" | "invoked",
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const known = this.trails.at(place);
    if (known.kind === "text" && !(known.text === "" && purpose === "invoked")) {
      this.endAsking();
      this.serve(place, known.text);
      return known.text;
    }
    if (signal.aborted) {
      return undefined;
    }
    const { asking } = this;
    if (asking?.purpose === purpose && asking.isAt(place)) {
      return asking.wait(signal);
    }
    this.endAsking();
    const begun = new Asking(
      place,
      purpose,
      (one) => this.find(one),
      (answer) => this.unheard(place, answer),
    );
    this.asking = begun;
    const over = (): void => {
      this.asking = this.asking === begun ? undefined : this.asking;
    };
    begun.answer.then(over, over);
    return begun.wait(signal);
  }

  /**
   * Somebody is about to ask for a suggestion at `place`, by typing: starts what they would be waiting for. An engine that is not to be asked
   * at every key is asked when they do ask.
   */
  expect(place: Place): void {
    const known = this.trails.at(place).kind === "text" || this.inFlight.join(place) !== undefined;
    if (!known && this.options.pauseMs() === 0) {
      this.start(place, "automatic");
    }
  }

  /** Whether there is a suggestion for `place`, or one is being written that goes with it. */
  hasFor(place: Place): boolean {
    const known = this.trails.at(place);
    return known.kind === "text" ? known.text !== "" : this.inFlight.join(place) !== undefined;
  }

  /** The cursor is now at one of `places`, after it has moved or the text has changed. */
  moved(places: readonly Place[]): void {
    if (this.asking !== undefined && !places.some((place) => this.asking?.isAt(place))) {
      this.endAsking();
    }
    this.inFlight.moved(places);
    const { served } = this;
    const along = places.some((place) => {
      const typed = served === undefined ? undefined : typedSince(served.place, place);
      return typed !== undefined && served?.text.startsWith(typed) === true;
    });
    this.served = along ? served : undefined;
  }

  /** Stops what is under way. */
  cancel(): void {
    this.served = undefined;
    this.endAsking();
    this.inFlight.cancel();
  }

  /** Forgets what is known about a document, and stops what is under way in it. */
  forget(document: string): void {
    this.served = undefined;
    if (this.asking?.place.document === document) {
      this.endAsking();
    }
    this.inFlight.closed(document);
    this.trails.forget(document);
  }

  /**
   * Forgets what is known about a document, since the model now runs otherwise there. What somebody waits for still comes, once; what was being
   * generated ahead does not.
   */
  outdate(document: string): void {
    this.served = this.served?.place.document === document ? undefined : this.served;
    if (this.asking?.place.document !== document) {
      this.inFlight.closed(document);
    }
    this.trails.forget(document);
  }

  /** Forgets everything, since another model may say something else. What is under way may be what has loaded it. */
  forgetAll(): void {
    this.trails.forget(undefined, this.inFlight.trail);
  }

  private endAsking(): void {
    this.asking?.end();
    this.asking = undefined;
  }

  private async find(asking: Asking): Promise<string | undefined> {
    const { place, purpose, signal } = asking;
    let running = this.inFlight.join(place);
    if (running === undefined) {
      const pauseMs = purpose === "automatic" ? this.options.pauseMs() : 0;
      if (pauseMs > 0 && !(await pause(pauseMs, signal))) {
        return undefined;
      }
      running = this.inFlight.join(place);
    }
    for (;;) {
      running ??= this.start(place, purpose);
      const text = await this.follow(running, asking);
      if (text !== undefined || signal.aborted || typedSince(running.trail.place, place) === "") {
        return text;
      }
      // It was asked for before all of this was typed, and says something else: nobody has been asked for this place yet.
      running = undefined;
    }
  }

  private async follow(running: Running, { place, signal }: Asking): Promise<string | undefined> {
    const release = this.inFlight.hold(running);
    const released = (): void => release();
    signal.addEventListener("abort", released, { once: true });
    try {
      const text = await this.answer(running, place, signal);
      release(text !== undefined && text !== "");
      if (text !== undefined && !signal.aborted) {
        this.serve(place, text);
      }
      return text;
    } finally {
      signal.removeEventListener("abort", released);
      release();
    }
  }

  private unheard(place: Place, answer: Promise<string | undefined>): void {
    answer.then(
      (text) => (text === undefined || text === "" ? undefined : this.options.onReady?.(place)),
      (error: unknown) => this.options.onFailed?.(error),
    );
  }

  private start(place: Place, purpose: Purpose): Running {
    const kind = this.options.shaper.kind(place);
    const trail = new Trail(place, this.options.shaper, kind);
    this.trails.add(trail);
    const running = this.inFlight.start(trail, (signal, onText) =>
      this.options.generate(place, { purpose, kind }, signal, onText),
    );
    void running.done.then(
      () => (trail.stopped ? undefined : this.goAhead()),
      () => undefined,
    );
    return running;
  }

  private async answer(running: Running, place: Place, signal: AbortSignal): Promise<string | undefined> {
    const { trail } = running;
    let deadline: number | undefined;
    for (;;) {
      const found = trail.at(place);
      if (found.kind !== "pending") {
        await (trail.open ? undefined : running.done); // a failure is told
        return found.kind === "text" ? found.text : undefined;
      }
      const now = performance.now();
      if (trail.hasLine(place)) {
        deadline ??= now + (this.options.patienceMs ?? PATIENCE_MS);
      }
      const early = deadline !== undefined && now >= deadline ? trail.early(place) : undefined;
      if (early !== undefined && early !== "") {
        return early;
      }
      await either(running.grown(), signal, deadline === undefined ? undefined : Math.max(1, deadline - now));
      if (signal.aborted) {
        return undefined;
      }
    }
  }

  /** Tells when what was given early is there to its end, unless nobody looks at it any more. */
  private async watch(running: Running): Promise<void> {
    const { trail } = running;
    this.watched = running;
    while (this.served !== undefined) {
      const { place, text } = this.served;
      const now = trail.at(place);
      if (now.kind === "text" && now.text.length > text.length) {
        this.served = { place, text: now.text };
        this.options.onLonger?.(place);
      }
      if (!trail.open || !trail.showsEarly(place)) {
        break;
      }
      await running.grown();
    }
    this.watched = this.watched === running ? undefined : this.watched;
  }

  private serve(place: Place, text: string): void {
    this.served = { place, text };
    const running = this.inFlight.join(place);
    if (running !== undefined && running !== this.watched) {
      void this.watch(running); // also for who comes back to what was given early
    }
    this.goAhead();
  }

  /** Generates what would come after the suggestion that was given last, once nothing else is under way and unless it is known. */
  private goAhead(): void {
    if (
      this.served === undefined ||
      this.inFlight.trail !== undefined ||
      this.options.goesAhead?.() !== true
    ) {
      return;
    }
    const { place, text } = this.served;
    const after = placeAfter(place, text, this.options.shaper.replaced(text, place));
    if (text !== "" && this.trails.at(after).kind !== "text") {
      this.start(after, "ahead");
    }
  }
}

/** Waits; false when the asker went away meanwhile. */
async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  await either(new Promise(() => undefined), signal, ms);
  return !signal.aborted;
}

/** Resolves with `promise`, when `signal` is aborted, or after `ms`. */
function either(promise: Promise<void>, signal: AbortSignal, ms: number | undefined): Promise<void> {
  if (signal.aborted) {
    return Promise.resolve();
  }
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", finish);
      resolve();
    };
    const timer = ms === undefined ? undefined : setTimeout(finish, ms);
    signal.addEventListener("abort", finish, { once: true });
    void promise.then(finish, finish);
  });
}
