import { linePrefix, lineSuffix, type CursorText } from "../cursor";
import { modeOf } from "./languages";
import type { Mode } from "./mode";
import { Scanner, type Delimiter } from "./scanner";
import { framesOf, START, type Frame, type State } from "./state";

/** Text round a cursor, in a language. */
export interface ReadableText extends CursorText {
  /** VS Code's language identifier. */
  readonly language?: string;
  /** What is known of it already. */
  readonly reading?: Reading;
}

/** The state at the beginning of a line, and how much above it fits nothing. */
export interface LineStart {
  readonly state: State;
  readonly wrong: number;
}

/** What is open at a cursor. */
export class Reading {
  /** The cursor's line before it. */
  readonly left: string;
  /** The cursor's line after it. */
  readonly right: string;
  /** Offset of the beginning of the cursor's line in the prefix. */
  readonly lineStart: number;
  /** Offset of the cursor in the prefix. */
  readonly cursor: number;
  /** At the cursor. */
  readonly state: State;

  constructor(
    readonly text: CursorText,
    readonly mode: Mode,
    /** What is above the cursor's line. */
    readonly above: LineStart,
    /** The state at the beginning of a line of the prefix, by its offset. */
    readonly stateAt: (index: number) => State,
  ) {
    this.left = linePrefix(text);
    this.right = lineSuffix(text);
    this.cursor = text.prefix.length;
    this.lineStart = this.cursor - this.left.length;
    this.state = this.scan("").state;
  }

  /** Not begun yet: of the cursor's line with `text` at the cursor. @param visit is told of the whole line, by index in it */
  scanner(text: string, visit?: (delimiter: Delimiter) => void): Scanner {
    return new Scanner(this.left + text, this.above.state, this.mode, this.lineStart, visit);
  }

  /** The cursor's line with `text` at the cursor, to the end of `text`. */
  scan(text: string, visit?: (delimiter: Delimiter) => void): Scanner {
    return this.scanner(text, visit).run();
  }

  /** What stands after the cursor, as it is read from there on. @param visit is told by index in `text` */
  scanAfter(text: string, state = this.state, visit?: (delimiter: Delimiter) => void): Scanner {
    const { left } = this;
    const told = (one: Delimiter): void => visit?.({ ...one, index: one.index - left.length });
    const scanner = new Scanner(left + text, state, this.mode, this.lineStart, visit && told);
    scanner.index = left.length;
    scanner.fresh = left === "";
    return scanner.run();
  }

  /** What of the frames open in `state` has been opened from `offset` on, outermost first. */
  openedSince(offset: number, state: Pick<State, "top">): Frame[] {
    return framesOf(state).filter(({ at }) => at >= offset);
  }
}

/** Reads a text from its beginning. */
export function readingOf(text: ReadableText): Reading {
  if (text.reading !== undefined) {
    return text.reading;
  }
  const { prefix } = text;
  const mode = modeOf(text.language, prefix);
  const upTo = (index: number): Scanner => new Scanner(prefix, START, mode).run(index);
  const { state, wrong } = upTo(prefix.lastIndexOf("\n") + 1);
  return new Reading(text, mode, { state, wrong }, (index) => upTo(index).state);
}

/** Characters between two states that are kept. */
const STEP = 2_000;
/** Documents of which states are kept. */
const DOCUMENTS = 8;

interface Known {
  readonly mode: Mode;
  /** What has been read, up to a line break. */
  text: string;
  /** At beginnings of lines, in order; the first is that of the text. */
  readonly starts: { readonly index: number; readonly start: LineStart }[];
}

/** Reads documents as they change: only what is new. */
export class Readings {
  /** By document, least recently used first. */
  private readonly known = new Map<string, Known>();
  private last: Reading | undefined;

  at(place: CursorText & { readonly document: string; readonly language: string }): Reading {
    const { last } = this;
    if (last?.text === place) {
      return last;
    }
    const { document, language, prefix } = place;
    const mode = modeOf(language, prefix);
    const before = this.known.get(document);
    const known = before?.mode === mode ? before : { mode, text: "", starts: [] };
    this.known.delete(document);
    this.known.set(document, known);
    for (const oldest of [...this.known.keys()].slice(0, -DOCUMENTS)) {
      this.known.delete(oldest);
    }
    const upTo = (index: number): LineStart => lineStartIn(known, prefix, index);
    const above = upTo(prefix.lastIndexOf("\n") + 1);
    return (this.last = new Reading(place, mode, above, (index) => upTo(index).state));
  }

  forget(document: string): void {
    this.known.delete(document);
  }
}

/** The state at `end`, the beginning of a line of `text`; what is known grows by what had to be read for it. */
function lineStartIn(known: Known, text: string, end: number): LineStart {
  const { starts, mode } = known;
  if (starts.length === 0) {
    starts.push({ index: 0, start: { state: START, wrong: 0 } });
  }
  let low = 0;
  for (let high = starts.length - 1; low < high;) {
    const middle = (low + high + 1) >> 1;
    const { index } = starts[middle]!;
    if (index <= end && text.startsWith(known.text.slice(0, index))) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  const agrees = text.startsWith(known.text) && known.text.length <= end;
  if (!agrees && !known.text.startsWith(text.slice(0, end))) {
    // What came after has changed.
    starts.length = low + 1;
  }
  const { index, start } = starts[low]!;
  const scanner = new Scanner(text.slice(0, end), start.state, mode);
  scanner.index = index;
  scanner.wrong = start.wrong;
  const here = (): LineStart => ({ state: scanner.state, wrong: scanner.wrong });
  const grows = low === starts.length - 1;
  while (scanner.index < end) {
    const stop = text.indexOf("\n", Math.min(scanner.index + STEP, end - 1)) + 1;
    scanner.run(stop > 0 && stop < end ? stop : end);
    if (grows && scanner.index < end) {
      starts.push({ index: scanner.index, start: here() });
    }
  }
  if (grows && end > starts.at(-1)!.index) {
    starts.push({ index: end, start: here() });
  }
  if (grows) {
    known.text = text.slice(0, end);
  }
  return here();
}
