import type { Reading } from "../lexical/reading";
import { Scanner } from "../lexical/scanner";
import { framesOf, START, textAround, type Frame, type State } from "../lexical/state";
import { stateBefore } from "./below";
import { indentOf } from "./kind";
import { hasKeywordBlocks } from "./keywordBlocks";
import { endsWithLine } from "./lineLanguages";

/**
 * What is parsed of a text: the lines near the cursor, in the headers of the blocks that they are in, so that it takes no longer in a long function, class or file.
 */
export interface Excerpt {
  /** What comes before the cursor; ends as the prefix does. */
  readonly head: string;
  /** How much of the suffix. */
  readonly end: number;
  /** Nothing that the suffix opens is open there. */
  readonly closed: boolean;
  /** Closes the comment or string that the cursor is in and that goes on there. */
  readonly closer: string;
}

/** A longer one is not parsed: it would take too long, and what could not be cut shorter is seldom code that a parser takes. */
const MAX_CHARACTERS = 4_000;

/** Lines above and below the cursor that are parsed in any case. */
const MIN_ABOVE = 10;
const MIN_BELOW = 6;
/** Lines that are looked at for the beginning of a statement. */
const MAX_ABOVE = 100;
const MAX_TRIES = 6;
/** Lines of a header. */
const MAX_HEADER = 12;

/** Does not begin a statement, or only with what comes before it. */
const GOES_ON =
  /^\s*(?:[)\]}.?:&|+\-*/%=<>,;]|(?:else|elif|elsif|except|finally|catch|rescue|ensure|end|then|do|while|where)\b)/;
/** Ends no statement. */
const UNFINISHED = /(?:[-+*/%=&|^<?\\.([]|\b(?:and|or|not|in|is|return|else))\s*$/;
const FINISHED = /[;{},:]\s*$|\*\/\s*$|^\s*$/;
/** What only makes sense after something else, and what does as well. */
const CLAUSES: readonly (readonly [clause: RegExp, header: string])[] = [
  [/^(\s*)(?:\}\s*)?else\s+(?=if\b)/, "$1"],
  [/^(\s*)elif\b/, "$1if"],
  [/^(\s*)(?:\}\s*)?else\s*\{/, "$1if (x) {"],
  [/^(\s*)else\s*:/, "$1if x:"],
  [/^(\s*)(?:\}\s*)?(?:catch|finally)\b[^{]*\{/, "$1try {"],
  [/^(\s*)(?:except|finally)\b.*:/, "$1try:"],
];
const SWITCH = /\b(?:switch|select|match)\b/;
const CASE = /^\s*(?:case\b|default\b)/;
/** Languages in which a line that is not begun to be continued is a statement. */
const isLineLanguage = (language: string): boolean =>
  endsWithLine(language) || /^(?:go|kotlin|swift|scala)$/.test(language);
/** What a text has to begin with to be code. */
const BEGIN: Readonly<Record<string, string>> = { php: "<?php\n" };

/** Undefined: it would be too long. */
export function excerptOf(reading: Reading, suffix: string, language: string): Excerpt | undefined {
  const above = headOf(reading, language);
  const begin = BEGIN[language];
  const head = begin === undefined || above.includes("<?") ? above : begin + above;
  const below = endOf(reading, suffix, language);
  return head.length + below.end > MAX_CHARACTERS ? undefined : { head, ...below };
}

function headOf(reading: Reading, language: string): string {
  const { prefix } = reading.text;
  let tries = 0;
  const lines = hasKeywordBlocks(language) ? [] : linesAbove(reading);
  for (const { start, state } of lines.slice(0, 1 - MIN_ABOVE).reverse()) {
    const above = lineAt(prefix, lineAbove(prefix, start));
    const begins =
      start === 0 || textAround(state) !== undefined || isBetween(above, lineAt(prefix, start), language);
    if (begins && isInBlocks(state)) {
      const headers = headersOf(reading, start, state, language);
      if (headers !== undefined) {
        return headers + prefix.slice(start);
      }
      if (++tries === MAX_TRIES) {
        break;
      }
    }
  }
  return prefix.slice(topOf(reading));
}

/** The states at the beginnings of the lines above the cursor's, nearest last. */
function linesAbove({
  text: { prefix },
  lineStart,
  mode,
  stateAt,
}: Reading): { readonly start: number; readonly state: State }[] {
  let from = lineStart;
  for (let n = 0; n < MAX_ABOVE && from > 0; n++) {
    from = lineAbove(prefix, from);
  }
  const scanner = new Scanner(prefix.slice(from, lineStart), stateAt(from), mode, from);
  const lines = [];
  for (let start = from; start < lineStart; start = lineBelow(prefix, start)) {
    lines.push({ start, state: scanner.run(start - from).state });
  }
  return lines;
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
    const above = lineAbove(prefix, start);
    if (TOP.test(lineAt(prefix, start)) && prefix.slice(above, start).trim() === "") {
      pieces++;
      if (stateAt(start).top === undefined) {
        return start;
      }
    }
    start = above;
  }
  return 0;
}

/** Whether a statement, an item or a member ends with one line and another begins with the next. */
const isBetween = (above: string, line: string, language: string): boolean =>
  line.trim() !== "" &&
  !GOES_ON.test(line) &&
  (FINISHED.test(above) || (isLineLanguage(language) && !UNFINISHED.test(above)));

/** Lines of a text, and what is taken for them. */
interface Header {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/** The headers of the blocks in which a line begins, and what opens the text that it is in; undefined where they are not known. */
function headersOf(reading: Reading, start: number, state: State, language: string): string | undefined {
  const { mode, text } = reading;
  const { prefix } = text;
  const frames = hard(state);
  const headers: Header[] = [];
  for (const [i, frame] of frames.entries()) {
    const next = frames[i + 1]?.at ?? start;
    const last = headers.at(-1);
    if (last === undefined || frame.at >= last.to) {
      headers.push(headerOf(reading, frame, last === undefined && language !== "python"));
    }
    const inside = headers.at(-1)!;
    if (SWITCH.test(inside.text) && inside.to <= next) {
      const at = caseAbove(reading, frame, next);
      if (at !== undefined) {
        headers.push({ from: at, to: lineBelow(prefix, at), text: lineAt(prefix, at) + "\n" });
      }
    }
  }
  const outer = headers[0]?.from ?? start;
  const width = indentOf(lineAt(prefix, outer));
  if (width > 0 && frames.length === 0 && language !== "python") {
    return undefined;
  }
  const above = language === "python" ? indented(reading, outer, width) : "";
  const whole = above + headers.map((one) => one.text).join("");
  const read = hard(new Scanner(whole, START, mode).run().state);
  return read.length === frames.length && read.every(({ close }, n) => close === frames[n]!.close)
    ? whole
    : undefined;
}

/** What is not soft of what is open. */
const hard = (state: State): Frame[] => framesOf(state).filter(({ soft }) => !soft);

/** Nothing is open but brackets, and a text that takes several lines. */
const isInBlocks = (state: State): boolean =>
  state.pending.length === 0 && hard(state).every(({ kind }) => /^(?:bracket|quote|comment)$/.test(kind));

/**
 * From the beginning of a statement to the end of the line on which `frame` is opened.
 * @param outermost nothing is known around it: of an indented statement, one of some block, the opener alone
 */
function headerOf(
  { text: { prefix }, stateAt }: Reading,
  { at, open, parent, kind }: Frame,
  outermost: boolean,
): Header {
  if (at < 0) {
    return { from: 0, to: 0, text: `${open}\n` };
  }
  let from = lineAbove(prefix, at + 1);
  const to = lineBelow(prefix, at);
  if (kind === "comment") {
    return { from: at, to, text: prefix.slice(at, to) };
  }
  const line = lineAt(prefix, from);
  const header = inPlaceOf(line);
  if (header !== line) {
    return { from, to, text: `${header}\n` };
  }
  for (let n = 0; from > 0 && n < MAX_HEADER; n++) {
    const deeper = (stateAt(from).top?.depth ?? 0) > (parent?.depth ?? 0);
    if (
      !deeper &&
      !GOES_ON.test(lineAt(prefix, from)) &&
      FINISHED.test(lineAt(prefix, lineAbove(prefix, from)))
    ) {
      break;
    }
    from = lineAbove(prefix, from);
  }
  const unknown = outermost && indentOf(lineAt(prefix, from)) > 0;
  return { from, to, text: prefix.slice(unknown ? at : from, to) };
}

/** A header as it can stand by itself. */
function inPlaceOf(line: string): string {
  const [clause, header] = CLAUSES.find(([one]) => one.test(line)) ?? [];
  return clause === undefined ? line : line.replace(clause, header!);
}

/** The case of a switch that `end` is in. */
function caseAbove({ text: { prefix }, stateAt }: Reading, { at }: Frame, end: number): number | undefined {
  for (let start = lineAbove(prefix, end + 1); start > at; start = lineAbove(prefix, start)) {
    if (CASE.test(lineAt(prefix, start)) && stateAt(start).top?.at === at) {
      return start;
    }
  }
  return undefined;
}

/** The headers of indented blocks. */
function indented({ text: { prefix }, stateAt }: Reading, start: number, width: number): string {
  let headers = "";
  for (let at = lineAbove(prefix, start), least = width; least > 0 && start > 0; at = lineAbove(prefix, at)) {
    const line = lineAt(prefix, at);
    const indent = indentOf(line);
    if (line.trim() !== "" && indent < least && stateAt(at).top === undefined) {
      let to = lineBelow(prefix, at);
      for (let n = 0; n < MAX_HEADER && to < start && stateAt(to).top !== undefined; n++) {
        to = lineBelow(prefix, to);
      }
      headers = inPlaceOf(line) + prefix.slice(at + line.length, to) + headers;
      least = indent;
    }
    if (at === 0) {
      break;
    }
  }
  return headers;
}

function endOf(reading: Reading, suffix: string, language: string): Omit<Excerpt, "head"> {
  const { left, cursor, state } = reading;
  const begin = stateBefore(suffix, state);
  const around = textAround(begin);
  const scanner = reading.scannerAfter(suffix, begin);
  const isEnd = hasKeywordBlocks(language)
    ? (above: string, line: string): boolean => TOP.test(line) && above.trim() === ""
    : (above: string, line: string): boolean => around !== undefined || isBetween(above, line, language);
  for (let n = 0, end = suffix.indexOf("\n"); end >= 0; n++) {
    const next = suffix.indexOf("\n", end + 1);
    const above = suffix.slice(suffix.lastIndexOf("\n", end - 1) + 1, end);
    const line = suffix.slice(end + 1, next < 0 ? suffix.length : next);
    if (n >= MIN_BELOW && isEnd(above, line)) {
      const reached = scanner.run(left.length + end + 1).state;
      const text = textAround(reached);
      if (isInBlocks(reached) && text === around && (reached.top?.base?.at ?? 0) < cursor) {
        return { end: end + 1, closed: true, closer: text?.close ?? "" };
      }
    }
    end = next;
  }
  return { end: suffix.length, closed: false, closer: "" };
}

/** The beginning of the line above the one that begins at `start`. */
const lineAbove = (text: string, start: number): number =>
  start < 2 ? 0 : text.lastIndexOf("\n", start - 2) + 1;

/** The beginning of the line below the one that `at` is on. */
function lineBelow(text: string, at: number): number {
  const end = text.indexOf("\n", at);
  return end < 0 ? text.length : end + 1;
}

/** Without its line break. */
function lineAt(text: string, start: number): string {
  const end = text.indexOf("\n", start);
  return text.slice(start, end < 0 ? text.length : end);
}
