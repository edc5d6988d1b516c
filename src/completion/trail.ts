import { lineSuffix } from "./cursor";
import { firstLineEnd } from "./ending/end";
import type { EndingKind } from "./ending/kind";
import { typedSince, type Place } from "./place";
import type { Shaper, Suggestion } from "./shaper";

/**
 * How a generation has ended: the model had nothing to add, it was long enough, its time was over, or it was stopped or failed in the middle.
 */
export type GenerationEnd = "finished" | "cut" | "expired" | "stopped";

/** What a trail has for a place. */
export type OnTrail =
  /** To be shown; "": known to be nothing. */
  | { readonly kind: "text"; readonly text: string }
  /** The model has not written enough yet. */
  | { readonly kind: "pending" }
  /** Somewhere else, or past the end of what the model has said. */
  | { readonly kind: "none" };

/** A suggestion made of a part of what was generated. */
interface Segment {
  /** Offset in what was generated. */
  readonly start: number;
  readonly text: string;
  /** It was cut or mended to fit: nothing is offered at its end, since the model would go on with what was cut. */
  readonly fitted: boolean;
}

/** A suggestion that waits for more text. */
interface Wanted {
  readonly start: number;
  readonly kind: EndingKind;
  readonly place: Place;
}

const NONE: OnTrail = { kind: "none" };
const NOTHING: OnTrail = { kind: "text", text: "" };
const PENDING: OnTrail = { kind: "pending" };

/**
 * One generation and the suggestions that are made of it: the first for the place where it was asked for, the next for the place after that has
 * been accepted, and so on to its end. Someone who types along is on the trail all the way.
 */
export class Trail {
  private raw = "";
  private progress: "open" | GenerationEnd = "open";
  private readonly segments: Segment[] = [];
  private wanted: Wanted | undefined;
  /** What `early` has shown last, for as long as it may still become longer. */
  private shownEarly: { readonly wanted: Wanted; readonly segment: Segment } | undefined;

  constructor(
    readonly place: Place,
    private readonly shaper: Shaper,
    /** What the first suggestion is asked for. */
    kind: EndingKind,
  ) {
    this.wanted = { start: 0, kind, place };
  }

  /** Everything generated so far. */
  grow(raw: string): void {
    this.raw = raw;
  }

  /** Nothing more will come than `raw`. */
  finish(raw: string, end: GenerationEnd): void {
    this.raw = raw;
    this.progress = end;
  }

  /** Ended before its time. */
  get stopped(): boolean {
    return this.progress === "stopped";
  }

  get open(): boolean {
    return this.progress === "open";
  }

  /** Whether what has been typed at `now` agrees with the trail, or the trail begins where the suggestion at `now` ends. */
  agrees(now: Place): boolean {
    if (now.offset < this.place.offset) {
      const ahead = typedSince(now, this.place);
      return ahead !== undefined;
    }
    const typed = typedSince(this.place, now);
    return typed !== undefined && this.saidAgrees(typed);
  }

  at(now: Place): OnTrail {
    const typed = typedSince(this.place, now);
    if (typed === undefined || !this.saidAgrees(typed)) {
      return NONE;
    }
    this.lengthen();
    for (;;) {
      const known = this.segments.find(
        ({ start, text }) => start <= typed.length && typed.length < Math.max(start + text.length, start + 1),
      );
      if (known !== undefined) {
        const text = known.text.slice(typed.length - known.start);
        return this.isThere(text, now) ? NOTHING : { kind: "text", text };
      }
      const last = this.segments.at(-1);
      if (last?.fitted === true && last.text !== "") {
        return typed.length === last.start + last.text.length ? NOTHING : NONE;
      }
      if (!this.exact || last?.text === "") {
        return NONE;
      }
      const wanted =
        this.wanted !== undefined && this.wanted.start <= typed.length
          ? this.wanted
          : { start: typed.length, kind: this.shaper.kind(now), place: now };
      const rest = this.raw.slice(wanted.start);
      if (rest.trim() === "" && !this.open && wanted.start > 0) {
        return NONE;
      }
      const shaped = this.shape(wanted);
      const text = shaped?.text;
      if (text === undefined || (this.open && rest.trim() === "")) {
        this.wanted = wanted;
        return this.open ? PENDING : NONE;
      }
      this.wanted = undefined;
      if (text === "" && wanted.start > 0) {
        return NONE; // to be asked for anew
      }
      this.segments.push({ start: wanted.start, text, fitted: shaped?.fitted === true });
    }
  }

  /** What is left of a suggestion stands right of the cursor: it would take the place of the same. */
  private isThere(text: string, now: Place): boolean {
    const rest = text.trimEnd();
    return rest !== "" && lineSuffix(now).startsWith(rest) && this.shaper.replaced(text, now) >= rest.length;
  }

  /** A whole line of what `at` waits for has been generated. */
  hasLine(now: Place): boolean {
    const typed = typedSince(this.place, now);
    const start = this.wanted?.start;
    const end = start === undefined ? undefined : firstLineEnd(this.raw.slice(start));
    return typed !== undefined && start !== undefined && end !== undefined && start + end > typed.length;
  }

  /** As much as has been generated in whole lines, when `at` has nothing yet; undefined when that is less than a line. */
  early(now: Place): string | undefined {
    const { wanted } = this;
    const typed = typedSince(this.place, now);
    if (wanted === undefined || typed === undefined || this.at(now).kind !== "pending") {
      return undefined;
    }
    const rest = this.raw.slice(wanted.start);
    if (firstLineEnd(rest) === undefined) {
      return undefined;
    }
    const lines = rest.slice(0, rest.lastIndexOf("\n"));
    const shaped = this.shaper.suggestion(wanted.kind, wanted.place, lines, "early");
    if (shaped === undefined || wanted.start + shaped.text.length <= typed.length) {
      return undefined;
    }
    const { text } = shaped;
    const segment = { start: wanted.start, ...shaped };
    this.wanted = undefined;
    this.shownEarly = { wanted, segment };
    this.segments.push(segment);
    return text.slice(typed.length - wanted.start);
  }

  /** Whether what `early` gave is what `at` has for `now`, and may still become longer. */
  showsEarly(now: Place): boolean {
    const typed = typedSince(this.place, now);
    const segment = this.shownEarly?.segment;
    return (
      typed !== undefined &&
      segment !== undefined &&
      typed.length >= segment.start &&
      typed.length < segment.start + segment.text.length
    );
  }

  /** Puts all of a suggestion in the place of what `early` gave of it, once it is there and goes on where that ended. */
  private lengthen(): void {
    const { shownEarly } = this;
    if (shownEarly === undefined) {
      return;
    }
    const { wanted, segment } = shownEarly;
    const shaped = this.segments.at(-1) === segment ? this.shape(wanted) : undefined;
    if (shaped === undefined) {
      return;
    }
    this.shownEarly = undefined;
    if (shaped.text.length > segment.text.length && shaped.text.startsWith(segment.text)) {
      this.segments.splice(-1, 1, { start: segment.start, ...shaped });
    }
  }

  private shape({ start, kind, place }: Wanted): Suggestion | undefined {
    // Of what was stopped, and beyond the first suggestion of what was cut off, only what is whole is of use: the rest is asked for anew.
    const { progress } = this;
    const over = progress === "cut" || progress === "expired";
    const whole = progress === "stopped" || (over && start > 0) ? "open" : progress;
    const shaped = this.shaper.suggestion(kind, place, this.raw.slice(start), whole);
    // Out of time is not out of words: who asks again is told more.
    return progress === "expired" && shaped?.text === "" ? undefined : shaped;
  }

  /** Suggestions say what was generated, so far: after one that was repaired, the rest no longer fits. */
  private get exact(): boolean {
    const last = this.segments.at(-1);
    return last === undefined || this.raw.startsWith(last.text, last.start);
  }

  private saidAgrees(typed: string): boolean {
    const last = this.segments.at(-1);
    const said = this.exact || last === undefined ? this.raw : this.raw.slice(0, last.start) + last.text;
    return said.startsWith(typed) || (this.open && this.exact && typed.startsWith(said));
  }
}
