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
  if (rest.trim() === "") {
    return "";
  }
  const indent = /\n([ \t]*)$/.exec(end)?.[1];
  const lines = end.split("\n").length > 2 ? "\n\n" : "\n";
  const { state } = reading.scan(indent === undefined ? text : `${text}\n`);
  const { top } = state;
  const closed = [top, top?.base].find(
    (one) => one !== undefined && one.close !== "" && rest.trimStart().startsWith(one.close),
  );
  if (closed === undefined) {
    return "";
  }
  const written = reading.text.prefix + text;
  if (indent === undefined) {
    return !/^\s/.test(rest) && isPadded(closed, written) ? " " : "";
  }
  if (isText(closed)) {
    const isLong = text.includes("\n") || closed.at < reading.lineStart;
    return isLong && !closed.endsWithLine ? lines + indent : "";
  }
  const endsLine = /^[ \t]*\n/.test(written.slice(closed.at + closed.open.length));
  return endsLine ? lines + (opened(reading, text, { top: closed }).at(-1)?.indent ?? indent) : "";
}

/** A blank follows what opens it. */
const isPadded = ({ kind, at, open }: Frame, written: string): boolean =>
  (kind === "bracket" || kind === "comment") && /^ \S/.test(written.slice(at + open.length));
