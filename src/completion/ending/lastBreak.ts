import type { Reading } from "../lexical/reading";
import { isText } from "../lexical/state";
import { replacedLength } from "../replaceRange";
import { opened } from "./surroundings";

/**
 * The line break that a completion ends with, with the indentation after it, where a closer right of the cursor is to stand on a line of its own: that of a bracket
 * with which its line ends, or of a text over several lines. "" elsewhere: there nobody wants one.
 * @param text the completion without it
 * @param end what the model wrote last, white space
 */
export function lastBreak(text: string, end: string, reading: Reading): string {
  const indent = /\n([ \t]*)$/.exec(end)?.[1];
  if (indent === undefined || text === "" || reading.right.trim() === "") {
    return "";
  }
  const rest = reading.right.slice(replacedLength(text, reading)).trimStart();
  const { state } = reading.scan(text);
  const top = state.top?.base;
  if (top === undefined || !rest.startsWith(top.close)) {
    return "";
  }
  if (isText(top)) {
    const isLong = text.includes("\n") || top.at < reading.lineStart;
    return isLong && !top.endsWithLine && top.close !== "" ? `\n${indent}` : "";
  }
  const innermost = opened(reading, text, state).at(-1);
  return innermost?.last === true ? `\n${innermost.indent}` : "";
}
