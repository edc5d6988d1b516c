import { linePrefix, lineSuffix, writtenBelow } from "../cursor";
import { readingOf } from "../lexical/reading";
import type { State } from "../lexical/state";
import { codeOf, endOf, firstLineEnd, HASH_HEADER, waitsForMore } from "./end";
import { indentOf, type EndingContext } from "./kind";
import { endsWithLine } from "./lineLanguages";

/** Ends of lines after which something has to follow. */
const UNFINISHED = /(?:[-+*/%=&|?<,.([]|\b(?:return|in|of|new|extends|and|or|not|const|let|var))\s*$/;

/**
 * How much of `text`, which was broken off, is whole: its statements but the last; where there is none, its first line, if that can stand by itself
 * or opens a block; 0 for nothing.
 */
export function wholePart({ prefix, suffix, language }: EndingContext, text: string): number {
  let end = 0;
  for (;;) {
    const place = { prefix: prefix + text.slice(0, end), suffix, language };
    const more = endOf("statement", place, text.slice(end), false);
    if (more === undefined || more === 0) {
      break;
    }
    end += more;
  }
  return end > 0 ? end : wholeLine({ prefix, suffix, language }, text);
}

function wholeLine(context: EndingContext, text: string): number {
  const end = firstLineEnd(text) ?? 0;
  const line = text.slice(0, end).trimEnd();
  const own = line.slice(line.lastIndexOf("\n") + 1);
  const reading = readingOf(context);
  const scanner = reading.scan(line);
  const open = reading.openedSince(reading.lineStart, scanner).filter(waitsForMore).length;
  const opensBlock = open === 1 && own.endsWith("{");
  const code = codeOf(own, scanner, reading.cursor + line.length);
  return (open === 0 || opensBlock) && !UNFINISHED.test(code) ? line.length : 0;
}

/** Whether `text`, as a completion, leaves something begun: an open bracket, an operator without its right side, the header of a block that is not there. */
export function isFragment(context: EndingContext, text: string): boolean {
  const line = text.slice(text.lastIndexOf("\n") + 1).trimEnd();
  const whole = text.includes("\n") ? line : linePrefix(context) + line;
  const opensBlock = line.endsWith("{") || (HASH_HEADER.test(whole) && line.endsWith(":"));
  if (opensBlock && endsWithLine(context.language) === line.endsWith(":")) {
    const below = writtenBelow(context);
    return below === undefined || indentOf(below) <= indentOf(whole);
  }
  const closed = /^[)\]}]*/.exec(lineSuffix(context))![0].length;
  return openedBy(context, text) > closed || UNFINISHED.test(line);
}

/** How much of what `text` opens at the cursor is still open at its end. */
function openedBy(context: EndingContext, text: string): number {
  const reading = readingOf(context);
  const state: Pick<State, "top"> = reading.scan(text);
  return reading.openedSince(reading.cursor, state).filter(waitsForMore).length;
}
