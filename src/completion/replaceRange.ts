import { indentOf } from "./ending/kind";
import { CLOSER_OF } from "./lexical/build";
import type { Reading } from "./lexical/reading";
import { Scanner } from "./lexical/scanner";
import { framesOf, textAround, type Frame, type State } from "./lexical/state";

/** What an editor may have put right of the cursor, or what ends a statement or begins a block: a piece at a time. */
const PIECE =
  /\s*(?:<\/[\w.:-]*>|\\(?:right(?:\\[a-z]+|\\?[)\]}|.>]))|\\[)\]}]|[-+~]?%\}|\}\}|[-+~]?%>|-->|\*\/|\?>|\/>|#\}|[)\]}>"'`$|]|[:;,{])/y;
/** Characters before the cursor in which type arguments may begin. */
const NEAR = 1_000;

/** Brackets and quotes in text weigh so much. */
const SOFT = 0.25;
/** Less than anything that is unbalanced. */
const TWICE = 0.1;
/** Words are said again by nobody, whatever they close. */
const WORDS_TWICE = 2;
const HAS_WORDS = /\w.*\W|\W.*\w|\w{3}/;
/** Closes something, and nothing else: no bracket that a scanner pairs, nor a quote. */
const ALONE = /^[|\u0080-\uffff]$/;
/** Less than that: where all else is the same, the text below stays where it stood. */
const LITTLE = 0.01;
/** Signs that are no operators. */
const TYPE_ANGLES = /(?<=[\w:]|template )<(?![<=\s])|(?<=template ?)<|(?<![-=])>(?!=)/g;
const TAG_ANGLES = /<(?=[\w/!])|(?<![-=\s])>/g;
/** Lines below that are looked at. */
const BLOCK_LINES = 60;

/**
 * How much of the line right of the cursor a completion takes the place of. An editor closes brackets, quotes and tags by itself; a model may write the closers, too,
 * or leave them to what is there. So much is replaced that, with the completion in place, the text after this line stands where it stood: inside of the same brackets,
 * strings and elements. What is replaced is part of the completion, in order: else an editor would not show it.
 * @param text the completion
 * @returns code units right of the cursor
 */
export function replacedLength(text: string, reading: Reading): number {
  const ends = text === "" ? [] : possibleEnds(text, reading);
  if (ends.length === 0) {
    return 0;
  }
  const measure = misfits(text, reading);
  let best = 0;
  let least = measure(0);
  for (const end of ends) {
    const wrong = measure(end);
    if (wrong < least) {
      [best, least] = [end, wrong];
    }
  }
  return best;
}

/** Lengths of what stands right of the cursor that `text` may take the place of. */
function possibleEnds(text: string, reading: Reading): number[] {
  const { right } = reading;
  const whole = right.trimEnd().length;
  const within = delimitersIn(reading);
  const ends: number[] = [];
  for (let at = 0; at < whole;) {
    PIECE.lastIndex = at;
    const end = PIECE.test(right) ? PIECE.lastIndex : closerAt(at, reading);
    if (end === undefined) {
      break;
    }
    // Three quotes are one.
    at = within.find(({ from, to }) => from < end && end < to)?.to ?? end;
    ends.push(at);
  }
  if (ends.at(-1) !== whole && endsALine(text, right)) {
    ends.push(whole);
  }
  return ends.filter((end) => isPartOf(right.slice(0, end), text));
}

/** The end of one of the language's own closers at `at`, after white space. */
function closerAt(at: number, { right, closers }: Reading): number | undefined {
  const start = at + /^\s*/.exec(right.slice(at))![0].length;
  const closer = closers.find((one) => one.trim() !== "" && right.startsWith(one, start));
  return closer === undefined ? undefined : start + closer.length;
}

/** Delimiters of more than one character right of the cursor, by index there. */
function delimitersIn(reading: Reading): { readonly from: number; readonly to: number }[] {
  const found: { readonly from: number; readonly to: number }[] = [];
  reading.scanAfter(reading.right, reading.state, ({ text, index }) => {
    if (text.length > 1 && index >= 0) {
      found.push({ from: index, to: index + text.length });
    }
  });
  return found;
}

/** Whether a completion, or its first line, ends with what stands right of the cursor, and perhaps with what closes it. */
export function endsALine(text: string, right: string): boolean {
  const whole = right.trim();
  const isEnd = (said: string): boolean => {
    const at = said.lastIndexOf(whole);
    return at >= 0 && /^[\s)\]}]*$/.test(said.slice(at + whole.length));
  };
  return whole !== "" && (isEnd(text) || isEnd(text.split("\n", 1)[0]!));
}

/** Whether all of `part` is in `text`, in order: otherwise an editor shows nothing. */
export function isPartOf(part: string, text: string): boolean {
  let at = 0;
  for (const char of part) {
    const found = text.indexOf(char, at);
    if (found < 0) {
      return false;
    }
    at = found + char.length;
  }
  return true;
}

/** By how much is replaced: how much is open that nothing closes, and how much is closed that was not open, on this line and in its block below. */
function misfits(text: string, reading: Reading): (replaced: number) => number {
  const { left, right, lineStart } = reading;
  const aim = reading.scanAfter(right);
  const block = blockBelow(reading);
  // The header of the lines below is left open.
  const header = standsAbove(block.text, left) ? CLOSER_OF[text.trimEnd().slice(-1)] : undefined;
  // Quotes in text end with their line: none is to be open there.
  const isKept = ({ kind, soft }: Frame): boolean => !(soft && kind === "quote");
  const isOfLinesAbove = ({ kind, at }: Frame): boolean => kind === "bracket" && at < lineStart;
  const readInBlock = (
    state: State,
    offset: number,
  ): { readonly lost: number; readonly scanner: Scanner } => {
    const scanner = new Scanner(block.text, state, reading.mode, offset).run(block.inner);
    // Lines that are indented as this one seldom close anything of what it is in.
    return { scanner, lost: aboveIn(state) - aboveIn(scanner.state) };
  };
  const aboveIn = (state: State): number => framesOf(state).filter(isOfLinesAbove).length;
  const inBlock = (state: State): number => {
    const offset = lineStart + left.length + text.length + right.length;
    const { lost, scanner } = readInBlock(state, offset);
    const tooMany = lost > 0 ? Math.max(0, lost - readInBlock(aim.state, offset).lost) : 0;
    const { wrong, odd, top } = scanner.run();
    const open = reading
      .openedSince(lineStart, { top })
      .reduce((sum, frame) => sum + (frame.at < offset ? weight(frame) : 0), 0);
    // Where code is read, apostrophes in the comments below say nothing.
    return tooMany + wrong + (reading.mode.text ? SOFT * odd : 0) + (block.whole ? open : SOFT * open);
  };
  return (replaced) => {
    const rest = right.slice(replaced);
    const scanner = reading.scanner(text + rest).run(left.length + text.length);
    const around = textAround(scanner.state);
    const inCase = scanner.top?.kind === "case";
    const inProse = around !== undefined || scanner.mode.text;
    const { wrong, odd, state } = scanner.run();
    return (
      // What is open above may not be known.
      Math.max(0, wrong - aim.wrong) +
      LITTLE * wrong +
      SOFT * odd +
      inBlock(state) +
      distance(framesOf(state).filter(isOfLinesAbove), framesOf(aim.state).filter(isOfLinesAbove)) +
      LITTLE * distance(framesOf(state), framesOf(aim.state).filter(isKept)) +
      (rest.trim() === "" ? 0 : losesCloser(text, rest, reading, around)) +
      (header !== undefined && rest.startsWith(header) ? SOFT : 0) +
      (angleIsLeft(text, rest, reading, inProse) ? SOFT : 0) +
      (saysWordsTwice(text, rest) ? WORDS_TWICE : 0) +
      (saysTwice(text, rest, { left, around, inProse, inCase }) ? TWICE : 0)
    );
  };
}

/**
 * The lines below, as far as what this line opens may be closed: those that are not indented less. Begins with the line break; not whole when they go on.
 */
function blockBelow({ text: { suffix }, left, right }: Reading): {
  readonly text: string;
  /** What of it is not indented less. */
  readonly inner: number;
  readonly whole: boolean;
} {
  const indent = indentOf(left);
  const begin = suffix.charAt(right.length) === "\r" ? right.length + 1 : right.length;
  let end = begin;
  for (let n = 0; n < BLOCK_LINES; n++) {
    const next = suffix.indexOf("\n", end + 1);
    const line = suffix.slice(end + 1, next < 0 ? suffix.length : next);
    const outside = line.trim() !== "" && indentOf(line) < indent;
    if (end >= suffix.length || (outside && !/^\s*[)\]}]/.test(line))) {
      return { text: suffix.slice(begin, end), inner: end - begin, whole: true };
    }
    const inner = end - begin;
    end = next < 0 ? suffix.length : next;
    if (outside) {
      return { text: suffix.slice(begin, end), inner, whole: true };
    }
  }
  return { text: suffix.slice(begin, end), inner: end - begin, whole: false };
}

/** Whether the next line below is indented more. */
function standsAbove(below: string, line: string): boolean {
  const next = /\n([ \t]*)\S/.exec(below)?.[1];
  return next !== undefined && indentOf(next) > indentOf(line);
}

/** A closer right of the cursor would end up in a comment that the completion begins, or be escaped. */
function losesCloser(
  text: string,
  rest: string,
  { cursor, right }: Reading,
  around: Frame | undefined,
): number {
  const comment = around?.kind === "comment" && around.endsWithLine && around.at >= cursor;
  const swallowed = comment || (around === undefined && /(?:^|[^\\])\\$/.test(text));
  // A sign alone may be the comment's own, but not one that stood behind a closer.
  const lost = /^[)\]}"'`]/.test(rest) || (rest !== right && /^[;,:{]/.test(rest));
  return swallowed && lost ? SOFT : 0;
}

const weight = ({ soft }: Frame): number => (soft ? SOFT : 1);

/** What is open on one side alone. */
function distance(a: readonly Frame[], b: readonly Frame[]): number {
  const same = (x: Frame | undefined, y: Frame | undefined): boolean =>
    x === y || (x?.kind === y?.kind && x?.close === y?.close && x?.soft === y?.soft);
  let at = 0;
  while (at < a.length && at < b.length && same(a[at], b[at])) {
    at++;
  }
  return [...a.slice(at), ...b.slice(at)].reduce((sum, frame) => sum + weight(frame), 0);
}

/** What stands right of the cursor is all of it the end of the completion. */
const saysWordsTwice = (text: string, rest: string): boolean =>
  HAS_WORDS.test(rest.trim()) && endsALine(text, rest);

/** `rest` says once more what `text` ends with, where nobody says it twice. @param around the text that `text` ends in */
function saysTwice(
  text: string,
  rest: string,
  {
    left,
    around,
    inProse,
    inCase,
  }: {
    readonly left: string;
    readonly around: Frame | undefined;
    readonly inProse: boolean;
    readonly inCase: boolean;
  },
): boolean {
  const right = rest.trim();
  const said = text.trimEnd();
  if (right === "") {
    return false;
  }
  // An arrow is whole: its head is no bracket.
  if (right.startsWith(">") && /[-=]>$/.test(left + said)) {
    return true;
  }
  if (said.endsWith(right) && (right.length > 1 || ALONE.test(right) || (inProse && /^[>"'`]/.test(right)))) {
    return true;
  }
  // A sentence ends once.
  const point = /(?:^|[^.!?])([.!?])$/.exec(said)?.[1];
  if (inProse && point !== undefined && point === /^[.!?](?![.!?])/.exec(right)?.[0]) {
    return true;
  }
  const sign = /[:;,]$/.exec(said)?.[0];
  // In text two colons are one sign, in a shell's case two semicolons.
  const isHalf = around !== undefined ? sign === ":" : inCase && sign === ";";
  const isWhole = !isHalf || said.endsWith(`${sign}${sign}`);
  return sign !== undefined && right.startsWith(sign) && isWhole;
}

/**
 * Type arguments are no brackets to a scanner: `Vec<│>` with `u8> = …`. Nor are tags in comments, or the end of a tag that is an end itself: `</p│>` with `>`.
 */
function angleIsLeft(
  text: string,
  rest: string,
  { text: { prefix }, state }: Reading,
  inProse: boolean,
): boolean {
  const left = /^[)\]}"'`>]*/.exec(rest)![0].split(">").length - 1;
  if (left === 0) {
    return false;
  }
  if (state.top?.base?.kind === "tag") {
    return text.trimEnd().endsWith(">");
  }
  const near = prefix.slice(-NEAR);
  const before = near.slice(near.search(inProse ? /[^\n]*$/ : /[^;{}]*$/));
  const angles = inProse ? TAG_ANGLES : TYPE_ANGLES;
  let open = 0;
  let openBefore: number | undefined;
  let closed = false;
  for (const { 0: sign, index } of (before + text).matchAll(angles)) {
    if (index >= before.length) {
      openBefore ??= open;
      closed ||= sign === ">";
    }
    open = Math.max(0, open + (sign === "<" ? 1 : -1));
  }
  // The other half of an arrow: `Map<K, V> =│>`, but not `Vec<u8> =│>`, whose `>` an editor has put there.
  const isArrow = /[-=]$/.test(text) && open === openBefore;
  return closed && left > open && !isArrow;
}
