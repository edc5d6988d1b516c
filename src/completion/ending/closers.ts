import { linePrefix, lineSuffix } from "../cursor";
import type { Reading } from "../lexical/reading";
import { framesOf, isText, textAround, type Frame, type State } from "../lexical/state";
import { indentOf } from "./kind";
import { isClosedBelow } from "./below";
import type { Excerpt } from "./excerpt";
import { bracketsBeyond, opened, type Closing, type Open, type Surroundings } from "./surroundings";

/**
 * What closes the strings and brackets that a completion leaves open at its end, where nothing below closes them: on lines of their own where the
 * brackets end their lines, at once where they do not. Brackets above the cursor's line count only when a line further out follows below, which
 * shows that they are to be closed here.
 * @param text the completion
 * @param replaced code units right of the cursor that it replaces
 * @returns "" when nothing is missing
 */
export function missingClosers(around: Surroundings, text: string, replaced: number): string {
  const { context, reading } = around;
  const { state, closers } = outsideOfText(reading, text, context.suffix);
  const now = opened(reading, text, state);
  const left = bracketsBeyond(around, text, replaced).closing;
  return laidOut(unclosed(now, left, around), linePrefix(context) + text, closers);
}

/** What closes everything that the line at the cursor opens, where the lines below are those of a block. */
export function headerClosers({ context, reading }: Surroundings, text: string): string {
  const { state, closers } = outsideOfText(reading, text, context.suffix);
  const now = opened(reading, text, state, reading.lineStart);
  return laidOut(now.reverse(), linePrefix(context) + text, closers);
}

/**
 * The same for brackets alone that the completion itself opens, for a language of which nothing is known: elsewhere in the text a bracket may be anything.
 */
export function ownClosers(around: Surroundings, text: string, replaced: number): string {
  const { reading, next } = around;
  const { state } = reading.scan(text);
  if (next === undefined || textAround(reading.state) !== undefined || textAround(state) !== undefined) {
    return "";
  }
  const own = opened(reading, text, state, reading.cursor);
  return laidOut(
    unclosed(own, bracketsBeyond(around, text, replaced).closing, around),
    reading.left + text,
    "",
  );
}

/** On lines of their own where the brackets end their lines. @param missing innermost first */
function laidOut(missing: readonly Open[], written: string, quotes: string): string {
  let closers = quotes;
  let line = written.split("\n").length - 1;
  for (const one of missing) {
    closers +=
      one.line === line || !one.last ? inline(one, written + closers) : `\n${one.indent}${one.closer}`;
    line = one.line;
  }
  return closers;
}

/** Whether a completion begins a comment that neither it nor what follows ends: it would swallow code. */
export function leavesCommentOpen({ context, reading, below }: Surroundings, text: string): boolean {
  const comment = textAround(reading.scan(text).state);
  return (
    comment?.kind === "comment" &&
    !comment.endsWithLine &&
    comment.at >= reading.cursor &&
    below !== undefined &&
    !/^\s*\*/.test(below) &&
    !lineSuffix(context).includes(comment.close)
  );
}

/** The whole suffix. */
export const WHOLE: Omit<Excerpt, "head"> = { end: Number.POSITIVE_INFINITY, closed: false, closer: "" };

/**
 * What closes whatever is open at the end of the text round the cursor, once `text` has been put in: that text may be a part of a longer one, and where
 * nothing follows the cursor, the rest is still to be written.
 * @param part of the suffix that the text ends with
 */
export function closersAtEnd(
  around: Surroundings,
  text: string,
  replaced: number,
  part: Omit<Excerpt, "head"> = WHOLE,
): string {
  const { reading, next } = around;
  const { closing: left, openBelow } = bracketsBeyond(around, text, replaced);
  const { state } = reading.scan(text);
  const written = opened(reading, text, state);
  const missing = new Set(next === undefined ? [] : unclosed(written, left, around));
  const stack = [...written];
  for (const { char, indent, index } of left) {
    if (index >= part.end) {
      break;
    }
    const partner =
      indent === undefined
        ? stack.length - 1
        : stack.findLastIndex((one) => one.closer === char && indentOf(one.indent) === indent);
    if (stack[partner]?.closer === char) {
      stack.length = partner;
    }
  }
  const long = textAround(state);
  const end = next === undefined && long !== undefined ? endOfText(long, reading.text.prefix + text) : "";
  const rest = stack.filter((one) => !missing.has(one)).map(({ closer }) => closer);
  rest.push(...(part.closed ? [] : openBelow));
  return (
    part.closer +
    end +
    rest
      .map((closer) => `\n${closer}`)
      .reverse()
      .join("")
  );
}

function inline({ closer, spaced }: Open, before: string): string {
  return (spaced && closer === "}" && !/\s$/.test(before) ? " " : "") + closer;
}

/**
 * What closes the strings and comments that are open after `text` and that nothing below ends, with all that is open inside of them; and the state outside of
 * them.
 */
function outsideOfText(
  reading: Reading,
  text: string,
  suffix: string,
): { readonly state: Pick<State, "top">; readonly closers: string } {
  const { state } = reading.scan(text);
  const frames = framesOf(state);
  const outermost = frames.findIndex((one) => isText(one) && !one.soft);
  if (outermost < 0) {
    return { state, closers: "" };
  }
  const written = reading.text.prefix + text;
  const closers = frames
    .slice(outermost)
    .reverse()
    .filter(({ soft }) => !soft)
    .map((one) => (isText(one) ? (isLeftOpen(one, suffix) ? endOfText(one, written) : "") : one.close))
    .join("");
  return { state: { top: frames[outermost]!.parent }, closers };
}

const isLeftOpen = (one: Frame, suffix: string): boolean => one.endsWithLine || !isClosedBelow(one, suffix);

/** What ends a string or a comment, on a line of its own where it began on another. */
function endOfText({ kind, at, close, endsWithLine }: Frame, text: string): string {
  if (endsWithLine || kind === "indented") {
    return close;
  }
  if (kind === "lines") {
    return `\n${close}`;
  }
  const indent = /^[ \t]*/.exec(text.slice(text.lastIndexOf("\n", at) + 1))![0];
  const newLine = text.includes("\n", at) && close.length > 1 ? `\n${indent}` : "";
  return close === "*/" ? `${newLine} */` : newLine + close;
}

/** Width of the indentation of the line on which what opens `one` begins: less than that of what stands in it. */
function headIndent(one: Open, inner: Open | undefined): number {
  const indent = indentOf(one.indent);
  return inner === undefined || inner.line === one.line
    ? indent
    : Math.min(indent, indentOf(inner.indent) - 1);
}

/** Which of `open` nothing closes, innermost first; the others may be closed further down than `closing` tells. */
function unclosed(
  open: readonly Open[],
  closing: readonly Closing[],
  { next, cut, reading }: Surroundings,
): readonly Open[] {
  const rest = [...open];
  const own = reading.left.trim() === "" ? undefined : indentOf(reading.left);
  const missing: Open[] = [];
  let at = 0;
  let inner: Open | undefined;
  for (let one = rest.at(-1); one !== undefined; one = rest.at(-1)) {
    const indent = headIndent(one, inner);
    inner = one;
    const first = closing[at];
    if (first?.char === one.closer && (first.indent === undefined || first.indent === indent)) {
      at++;
    } else if (
      (next !== undefined && next <= indent && !(one.line < 0 && own !== undefined && own <= indent)) ||
      (one.line >= 0 && !(cut && at === closing.length))
    ) {
      missing.push(one);
    } else {
      break;
    }
    rest.pop();
  }
  return missing;
}
