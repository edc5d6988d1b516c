import { writtenBelow } from "../cursor";
import { readingOf, type Reading } from "../lexical/reading";
import type { Delimiter } from "../lexical/scanner";
import { framesOf, isBracket, textAround, type State } from "../lexical/state";
import { stateBefore } from "./below";
import { indentOf, type EndingContext } from "./kind";

/** A bracket that is open. */
export interface Open {
  readonly closer: string;
  /** White space at the beginning of its line, or of the header that this line ends. */
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

/** What of a suffix has no partner in it. */
interface Unpaired {
  /** Innermost first. */
  readonly closing: readonly Closing[];
  /** Opened in the suffix and not closed in as much of it as matters, outermost first. */
  readonly openBelow: readonly string[];
}

/** The brackets round a cursor. */
export interface Surroundings extends Unpaired {
  /** With as much of the suffix as matters. */
  readonly context: EndingContext;
  readonly reading: Reading;
  /** What is unpaired beyond texts that have been asked about. */
  readonly beyond: Map<string, Unpaired>;
  /** Width of the indentation of the next line with something on it; undefined when there is none. */
  readonly next: number | undefined;
  /** That line. */
  readonly below: string | undefined;
  /** The text goes on after the suffix: something may be closed there. */
  readonly cut: boolean;
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
 * @param least so many lines of it matter in any case
 */
function nearSuffix(whole: string, least: number): { readonly near: string; readonly cut: boolean } {
  const { head, complete } = firstLines(whole, MAX_LINES);
  const lines = head.split("\n");
  const upTo = (end: number): string => `${lines.slice(0, end).join("\n")}\n`;
  // A blank line, and then one that is not indented and closes nothing.
  const top = lines.findIndex(
    (line, i) => i > least && /^[^\s)\]}]/.test(line) && lines[i - 1]!.trim() === "",
  );
  if (top >= 0) {
    return { near: upTo(top), cut: false };
  }
  const blank = lines.findLastIndex((line, i) => i > least && line.trim() === "" && i < lines.length - 1);
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
  const { prefix, language } = cursor;
  const reading = readingOf(cursor);
  const { near: suffix, cut } = nearSuffix(
    cursor.suffix,
    Math.max(NEAR, linesOfText(cursor.suffix, reading)),
  );
  const context = { prefix, suffix, language, reading };
  const below = writtenBelow(context);
  return {
    context,
    reading,
    ...bracketsIn(suffix, reading),
    beyond: new Map(),
    next: below === undefined ? undefined : indentOf(below),
    below,
    cut,
  };
}

/** Of the text over several lines that the cursor is in: so many lines further down it may end. */
function linesOfText(suffix: string, { state }: Reading): number {
  const text = textAround(state);
  const end = text === undefined || text.endsWithLine ? -1 : suffix.indexOf(text.close);
  return lineBreaks(suffix, 0, end);
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
    const start = headOf(written, at);
    const end = written.indexOf("\n", at);
    const after = written.slice(at + opener.length, end < 0 ? written.length : end);
    const indent = /^[ \t]*/.exec(written.slice(start, at))![0];
    open.push({ closer: close, indent, line: own, last: after.trim() === "", spaced: after.startsWith(" ") });
  }
  return open.reverse();
}

/** Goes on with the header above. */
const CONTINUES = /^\s*(?:extends|implements|permits|throws|where|requires|[:,](?!:)|->|=>|&&|\|\|)/;
const MAX_HEADER = 8;

/** The beginning of the line with which the header begins whose bracket is opened at `at`. */
function headOf(text: string, at: number): number {
  const own = text.lastIndexOf("\n", at - 1) + 1;
  let start = own;
  for (let n = 0; n < MAX_HEADER && start > 0 && goesOn(text.slice(start, at)); n++) {
    start = text.lastIndexOf("\n", start - 2) + 1;
  }
  return goesOn(text.slice(start, at)) ? own : start;
}

/** Whether what it closes was opened on a line above, or it begins as nothing begins. */
const goesOn = (header: string): boolean =>
  CONTINUES.test(header) || header.split(")").length > header.split("(").length;

function lineBreaks(text: string, from: number, to: number): number {
  let count = 0;
  for (let at = text.indexOf("\n", from); at >= 0 && at < to; at = text.indexOf("\n", at + 1)) {
    count++;
  }
  return count;
}

const OPENER = /[([{]/;

/** The brackets round a cursor with `text` at it, once `replaced` code units right of it are gone. */
export function bracketsBeyond(around: Surroundings, text: string, replaced: number): Unpaired {
  const { context, reading, closing, openBelow, beyond } = around;
  const turned = turnsRight(text, replaced, reading);
  if (!turned && !OPENER.test(context.suffix.slice(0, replaced))) {
    return { closing: closing.filter(({ index }) => index >= replaced), openBelow };
  }
  const key = `${replaced} ${turned ? text : ""}`;
  const known = beyond.get(key);
  if (known !== undefined) {
    return known;
  }
  const left = bracketsIn(context.suffix.slice(replaced), reading, turned ? text : "");
  const found = {
    closing: left.closing.map((one) => ({ ...one, index: one.index + replaced })),
    openBelow: left.openBelow,
  };
  beyond.set(key, found);
  return found;
}

/** Whether `text` makes a string of what is read as code without it, or code of a string. */
function turnsRight(text: string, replaced: number, reading: Reading): boolean {
  const isLast = reading.right.slice(replaced).trim() === "";
  const textBefore = (state: State): number | undefined => {
    const around = textAround(state);
    return isLast && around?.endsWithLine === true ? undefined : around?.at;
  };
  return textBefore(reading.state) !== textBefore(reading.scan(text).state);
}

/** The brackets of a suffix that have no partner in it. @param text stands before it, at the cursor */
function bracketsIn(suffix: string, reading: Reading, text = ""): Unpaired {
  const start = reading.left.length + text.length;
  const offset = reading.cursor + text.length;
  const closing: Closing[] = [];
  const visit = ({ role, text: char, index: at, soft, frame }: Delimiter): void => {
    const index = at - start;
    const closes = frame === undefined || (role === "close" && isBracket(frame) && frame.at < offset);
    if (index >= 0 && closes && !soft && char.length === 1) {
      const line = suffix.lastIndexOf("\n", index - 1);
      const before = suffix.slice(line + 1, index);
      const indent = line >= 0 && before.trim() === "" ? indentOf(before) : undefined;
      closing.push({ char, index, indent });
    }
  };
  const scanner = reading.scanner(text + suffix, visit).run(start);
  scanner.top = stateBefore(suffix, scanner.state).top;
  const open = framesOf(scanner.run()).filter((one) => isBracket(one) && one.at >= offset);
  return { closing, openBelow: open.map(({ close }) => close) };
}
