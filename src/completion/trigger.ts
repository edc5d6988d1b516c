import { insideCharacter, linePrefix, lineSuffix } from "./cursor";
import { readingOf, type ReadableText } from "./lexical/reading";

/** Closing brackets, quotes and tags, and the punctuation that ends a statement: editors insert these themselves. */
const ONLY_CLOSERS =
  /^(?:\s*(?:<\/[\w.:-]*>|[-+~]?%\}|[-+~]?%>|\?>|-->|\*\/|\/>|#\}|\\[)\]]|[)>}\]"'`$]))*\s*(?:[:{;,]|;;)?\s*$/;
const WORD = /^[\p{L}\p{N}_$]/u;
const MAX_LINE = 2_000;

export type TriggerKind = "automatic" | "invoked";

/**
 * Whether the place of the cursor lends itself to a completion.
 * @returns undefined when it does, otherwise why not, as a short phrase for the status bar.
 */
export function whyNotHere(cursor: ReadableText, kind: TriggerKind): string | undefined {
  if (insideCharacter(cursor)) {
    return "the cursor is inside a character";
  }
  if (linePrefix(cursor).length > MAX_LINE) {
    return "the line is very long";
  }
  const right = lineSuffix(cursor);
  if (WORD.test(right) && !/^\$\W*$/.test(right)) {
    return "the cursor is inside a word";
  }
  if (kind === "automatic" && !ONLY_CLOSERS.test(right) && !ONLY_CLOSERS.test(withoutComments(cursor))) {
    return "there is code to the right of the cursor";
  }
  return undefined;
}

/** The line right of the cursor without the comments that begin there. */
function withoutComments(text: ReadableText): string {
  const reading = readingOf(text);
  const { left, right, cursor } = reading;
  let code = "";
  let from = 0;
  const end = reading.scan(right, ({ role, text: sign, index, frame }) => {
    const at = index - left.length;
    if (frame?.kind !== "comment" || frame.at < cursor) {
      return;
    }
    if (role === "open") {
      code += right.slice(from, at);
      from = right.length;
    } else {
      from = at + sign.length;
    }
  });
  return code + (end.top?.base?.kind === "comment" ? "" : right.slice(from));
}
