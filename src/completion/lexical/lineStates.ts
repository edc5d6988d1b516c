import { beginningOf } from "./beginning";
import type { Mode } from "./mode";
import { Scanner } from "./scanner";
import { START, type State } from "./state";

/** The state at the beginning of a line, and how much above it fits nothing. */
export interface LineStart {
  readonly state: State;
  readonly wrong: number;
}

/** Characters between two states that are kept, at most. */
const STEP = 2_000;
/** Characters that say whether a document is shown from the same line on. */
const HEAD = 500;

/** The states at the beginnings of the lines of a text that changes: after a change only what is new is read. */
export class LineStates {
  /** What the kept states are of, or its beginning. */
  private text = "";
  /** The document begins before it. */
  private cut = false;
  /** At beginnings of lines, in order; the first is that of the text. */
  private readonly kept: { readonly index: number; readonly start: LineStart }[] = [];

  constructor(readonly mode: Mode) {}

  /** @param end the beginning of a line of `text` @param cut the document begins before `text` */
  at(text: string, end: number, cut: boolean): LineStart {
    this.take(text, cut);
    const { kept } = this;
    let low = 0;
    for (let high = kept.length - 1; low < high;) {
      const middle = (low + high + 1) >> 1;
      if (kept[middle]!.index <= end) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    const { index, start } = kept[low]!;
    const scanner = new Scanner(text, start.state, this.mode);
    scanner.index = index;
    scanner.wrong = start.wrong;
    const read: { readonly index: number; readonly start: LineStart }[] = [];
    while (scanner.index < end) {
      const stop = text.indexOf("\n", Math.min(scanner.index + STEP, end - 1)) + 1;
      scanner.run(stop > 0 && stop < end ? stop : end);
      read.push({ index: scanner.index, start: { state: scanner.state, wrong: scanner.wrong } });
    }
    // What has been asked for is asked for again: the headers round a cursor with every key.
    kept.splice(low + 1, 0, ...read);
    return read.at(-1)?.start ?? start;
  }

  /** Forgets what is not so in `text`. */
  private take(text: string, cut: boolean): void {
    const { kept } = this;
    if (text === this.text && cut === this.cut && kept.length > 0) {
      return;
    }
    const same = commonLength(this.text, text);
    if (kept.length === 0 || cut !== this.cut || (cut && same < Math.min(HEAD, text.length))) {
      kept.splice(0, kept.length, {
        index: 0,
        start: { state: cut ? beginningOf(text, this.mode) : START, wrong: 0 },
      });
      this.cut = cut;
      this.text = text;
    } else if (same < text.length) {
      kept.length = kept.findLastIndex(({ index }) => index <= same) + 1;
      this.text = text;
    }
  }
}

function commonLength(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  let at = 0;
  for (let step = 1 << 12; step > 0;) {
    if (at + step <= length && a.slice(at, at + step) === b.slice(at, at + step)) {
      at += step;
    } else {
      step >>= 1;
    }
  }
  return at;
}
