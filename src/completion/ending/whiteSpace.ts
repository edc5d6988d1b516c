import type { Reading } from "../lexical/reading";
import { isText, type Frame } from "../lexical/state";
import { replacedLength } from "../replaceRange";
import { opened } from "./surroundings";

/** Stands directly behind what it follows: closers and punctuation. What may be an operator does where no blank follows it. */
const CLINGS =
  /^(?:[)\]},;]|\.(?!\.)|::|(?:->|\+\+|=)(?=[\w"'({[;)]|$)|!(?![\w=])|[>?](?!\S*[ \t]+\S|=)|<\/)/;
/** Ends what is emphasised, in text. */
const EMPHASIS = /^[*_~]/;
/** The first half of `a ? b : c`. */
const CONDITION = /\s\?\s[^:\n]*$/;

/**
 * The white space at the end of a completion that belongs there, because what is right of the cursor is to stand behind it. Of a line break and the indentation after
 * it: before a bracket with which its line ends, or the end of a text over several lines. Of blanks: in a string, before a closer whose opener has one behind it,
 * before an operator. "" elsewhere: there nobody wants any.
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
  const written = reading.text.prefix + text;
  if (indent === undefined) {
    return /^\s/.test(rest) ? "" : blanksBefore(rest, end, { closed, written, isProse: reading.mode.text });
  }
  if (closed === undefined) {
    return "";
  }
  if (isText(closed)) {
    const isLong = text.includes("\n") || closed.at < reading.lineStart;
    return isLong && !closed.endsWithLine ? lines + indent : "";
  }
  const endsLine = /^[ \t]*\n/.test(written.slice(closed.at + closed.open.length));
  return endsLine ? lines + (opened(reading, text, { top: closed }).at(-1)?.indent ?? indent) : "";
}

/** @param closed what `rest` closes */
function blanksBefore(
  rest: string,
  end: string,
  { closed, written, isProse }: { closed: Frame | undefined; written: string; isProse: boolean },
): string {
  if (closed === undefined) {
    const clings =
      CLINGS.test(rest) ||
      (isProse && EMPHASIS.test(rest)) ||
      (/^:(?!=)/.test(rest) && !CONDITION.test(written));
    return clings ? "" : end;
  }
  if (closed.kind === "quote" && !closed.soft) {
    return end;
  }
  // As its opener has it.
  const inside = written.slice(closed.at + closed.open.length).replace(/^[*!]/, "");
  return closed.kind !== "tag" && /^ \S/.test(inside) ? " " : "";
}
