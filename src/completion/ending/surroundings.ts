import { linesBelow } from "../cursor";
import { readingOf, type Reading } from "../lexical/reading";
import type { Delimiter } from "../lexical/scanner";
import { framesOf, textAround, type Frame, type State } from "../lexical/state";
import { indentOf, type EndingContext } from "./kind";

/** A bracket that is open. */
export interface Open {
  readonly closer: string;
  /** White space at the beginning of its line. */
  readonly indent: string;
  /** Of its line; 0 is the cursor's, those above it are less. */
  readonly line: number;
  /** Nothing follows it on its line. */
  readonly last: boolean;
  /** A space follows it. */
  readonly spaced: boolean;
}

/** A bracket right of or below the cursor that closes something left of or above it. */
export interface Closing {
  readonly char: string;
  readonly index: number;
  /** Width of the white space before it, where it begins a line. */
  readonly indent: number | undefined;
}

/** The brackets round a cursor. */
export interface Surroundings {
  /** With as much of the suffix as matters. */
  readonly context: EndingContext;
  readonly reading: Reading;
  /** Innermost first. */
  readonly closing: readonly Closing[];
  /** Opened in the suffix and not closed in as much of it as matters, outermost first. */
  readonly openBelow: readonly string[];
  /** Width of the indentation of the next line with something on it; undefined when there is none. */
  readonly next: number | undefined;
  /** That line. */
  readonly below: string | undefined;
  /** The text goes on after the suffix: something may be closed there. */
  readonly cut: boolean;
  /** Offset in the prefix from which on it is parsed: where the piece of the top level begins in which the cursor is. */
  readonly top: number;
}

/** Lines below the cursor that are looked at in any case. */
const NEAR = 40;
/** A suffix of more lines is a part of a longer one. */
const CUT = 120;
/** No more of a suffix is looked at. */
const MAX_LINES = 400;

/**
 * As much of a suffix as says what is open at the cursor. A long one ends between two pieces of the top level; one that is cut off somewhere, at a blank
 * line at least.
 */
function nearSuffix(whole: string): { readonly near: string; readonly cut: boolean } {
  const { head, complete } = firstLines(whole, MAX_LINES);
  const lines = head.split("\n");
  const upTo = (end: number): string => `${lines.slice(0, end).join("\n")}\n`;
  // A blank line, and then one that is not indented and closes nothing.
  const top = lines.findIndex(
    (line, i) => i > NEAR && /^[^\s)\]}]/.test(line) && lines[i - 1]!.trim() === "",
  );
  if (top >= 0) {
    return { near: upTo(top), cut: false };
  }
  const blank = lines.findLastIndex((line, i) => i > NEAR && line.trim() === "" && i < lines.length - 1);
  return lines.length > CUT && blank >= 0
    ? { near: upTo(blank), cut: true }
    : { near: head, cut: lines.length > CUT || !complete };
}

function firstLines(text: string, count: number): { readonly head: string; readonly complete: boolean } {
  let end = -1;
  for (let n = 0; n < count; n++) {
    const next = text.indexOf("\n", end + 1);
    if (next < 0) {
      return { head: text, complete: true };
    }
    end = next;
  }
  return { head: text.slice(0, end + 1), complete: end + 1 === text.length };
}

export function surroundings(cursor: EndingContext): Surroundings {
  const { near: suffix, cut } = nearSuffix(cursor.suffix);
  const { prefix, language } = cursor;
  const reading = readingOf(cursor);
  const context = { prefix, suffix, language, reading };
  const below = linesBelow(context).find((line) => line.trim() !== "");
  return {
    context,
    reading,
    ...bracketsIn(suffix, reading),
    next: below === undefined ? undefined : indentOf(below),
    below,
    cut,
    top: topOf(reading),
  };
}

/** A line that may begin a piece of the top level. */
const TOP = /^(?![ \t)\]}]|(?:else|elif|except|finally|catch|rescue|ensure|end)\b)./;
/** Pieces that are looked at, above the cursor. */
const MAX_PIECES = 6;

/** The last line above the cursor that begins a piece of the top level, after a blank line and with nothing open; or the beginning. */
function topOf({ text: { prefix }, lineStart, stateAt }: Reading): number {
  let pieces = 0;
  let start = lineStart;
  while (start > 1 && pieces < MAX_PIECES) {
    const above = prefix.lastIndexOf("\n", start - 2) + 1;
    const end = prefix.indexOf("\n", start);
    const line = prefix.slice(start, end < 0 ? prefix.length : end);
    if (TOP.test(line) && prefix.slice(above, start).trim() === "") {
      pieces++;
      if (stateAt(start).top === undefined) {
        return start;
      }
    }
    start = above;
  }
  return 0;
}

/** The brackets that are open in `state`, after the cursor's line with `text`: those opened from `offset` on, innermost last. */
export function opened(reading: Reading, text: string, state: Pick<State, "top">, offset = 0): Open[] {
  const frames = framesOf(state).filter((one) => isBracket(one) && one.at >= offset);
  const written = reading.text.prefix + text;
  let line = 0;
  let from = reading.lineStart;
  const open: Open[] = [];
  for (const { at, open: opener, close } of frames.reverse()) {
    if (at < from) {
      // Lines are counted from one bracket to the next.
      line -= lineBreaks(written, at, from);
      from = at;
    }
    const own = at >= reading.lineStart ? lineBreaks(written, reading.lineStart, at) : line;
    const start = written.lastIndexOf("\n", at - 1) + 1;
    const end = written.indexOf("\n", at);
    const after = written.slice(at + opener.length, end < 0 ? written.length : end);
    const indent = /^[ \t]*/.exec(written.slice(start, at))![0];
    open.push({ closer: close, indent, line: own, last: after.trim() === "", spaced: after.startsWith(" ") });
  }
  return open.reverse();
}

function lineBreaks(text: string, from: number, to: number): number {
  let count = 0;
  for (let at = text.indexOf("\n", from); at >= 0 && at < to; at = text.indexOf("\n", at + 1)) {
    count++;
  }
  return count;
}

/** One that a sign of its own closes. */
export const isBracket = ({ kind, soft, close }: Frame): boolean =>
  kind === "bracket" && !soft && close.length === 1;

/** The brackets of a suffix that have no partner in it. */
function bracketsIn(suffix: string, reading: Reading): Pick<Surroundings, "closing" | "openBelow"> {
  const { state, cursor } = reading;
  const closing: Closing[] = [];
  const visit = ({ role, text, index, soft, frame }: Delimiter): void => {
    const closes = frame === undefined || (role === "close" && isBracket(frame) && frame.at < cursor);
    if (closes && !soft && text.length === 1) {
      const start = suffix.lastIndexOf("\n", index - 1);
      const before = suffix.slice(start + 1, index);
      const indent = start >= 0 && before.trim() === "" ? indentOf(before) : undefined;
      closing.push({ char: text, index, indent });
    }
  };
  const scanner = reading.scanAfter(suffix, stateBefore(suffix, state), visit);
  const open = framesOf(scanner).filter((one) => isBracket(one) && one.at >= cursor);
  return { closing, openBelow: open.map(({ close }) => close) };
}

/** The state at the cursor, but outside of a text over several lines that nothing below ends. */
function stateBefore(suffix: string, state: State): State {
  const text = textAround(state);
  return text === undefined || text.endsWithLine || isClosedBelow(text, suffix)
    ? state
    : { ...state, top: text.parent };
}

/** Whether `suffix` begins inside of a text over several lines. */
export function isClosedBelow({ open, close, kind }: Frame, suffix: string): boolean {
  if (kind === "indented" || close === "") {
    return true;
  }
  if (kind === "quote" && close === open.slice(-close.length)) {
    return suffix.split(close).length % 2 === 0;
  }
  const [opens, closes] = [suffix.indexOf(open), suffix.indexOf(close)];
  return closes >= 0 && (opens < 0 || closes < opens);
}
