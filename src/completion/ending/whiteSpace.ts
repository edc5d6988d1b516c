import type { Reading } from "../lexical/reading";
import { isText, type Frame } from "../lexical/state";
import { replacedLength } from "../replaceRange";
import { opened } from "./surroundings";

/**
 * The white space at the end of a completion that belongs there, because a closer right of the cursor is to stand behind it: the line break, and the indentation after
 * it, before that of a bracket with which its line ends, or of a text over several lines; the blank of `{ a }`. "" elsewhere: there nobody wants any.
 * @param text the completion without it
 * @param end what the model wrote last, white space
 */
export function whiteSpaceBeforeCloser(text: string, end: string, reading: Reading): string {
  const rest = end === "" || text === "" ? "" : reading.right.slice(replacedLength(text, reading));
  const { state } = reading.scan(text);
  const top = state.top?.base;
  if (
    rest.trim() === "" ||
    top === undefined ||
    top.close === "" ||
    !rest.trimStart().startsWith(top.close)
  ) {
    return "";
  }
  const indent = /\n([ \t]*)$/.exec(end)?.[1];
  if (indent === undefined) {
    return !/^\s/.test(rest) && isPadded(top, reading.text.prefix + text) ? " " : "";
  }
  if (isText(top)) {
    const isLong = text.includes("\n") || top.at < reading.lineStart;
    return isLong && !top.endsWithLine ? `\n${indent}` : "";
  }
  const innermost = opened(reading, text, state).at(-1);
  return innermost?.last === true ? `\n${innermost.indent}` : "";
}

/** A blank follows what opens it. */
const isPadded = ({ kind, at, open }: Frame, written: string): boolean =>
  (kind === "bracket" || kind === "comment") && /^ \S/.test(written.slice(at + open.length));
