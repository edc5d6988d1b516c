import { insideCharacter, linePrefix, lineSuffix } from "./cursor";
import { readingOf, type Reading, type ReadableText } from "./lexical/reading";

/** Closing brackets, quotes and tags: editors insert these themselves. */
const CLOSER = /<\/[\w.:-]*>|[-+~]?%\}|[-+~]?%>|\?>|-->|\*\/|\/>|#\}|!!\}|\\[)\]]|[)>}\]"'`$|]/y;
/** What ends a statement, or begins a block. */
const PUNCTUATION = /^\s*(?:[:{;,]|;;)?\s*$/;
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
  const own = cursor.reading?.closers ?? [];
  const isFree = (): boolean =>
    onlyClosers(right, own) || onlyClosers(withoutComments(readingOf(cursor)), own);
  if (WORD.test(right) && !(right.startsWith("$") && isFree())) {
    return "the cursor is inside a word";
  }
  if (kind === "automatic" && !isFree()) {
    return "there is code to the right of the cursor";
  }
  return undefined;
}

/** Whether `right` is nothing but what closes something, also by one of the language's `own` closers, and the punctuation after that. */
function onlyClosers(right: string, own: readonly string[]): boolean {
  for (let at = 0; ;) {
    at += /^\s*/.exec(right.slice(at))![0].length;
    const closer = own.find((one) => /^[^\w\s]+$/.test(one) && right.startsWith(one, at));
    CLOSER.lastIndex = at;
    if (!CLOSER.test(right) && closer === undefined) {
      return PUNCTUATION.test(right.slice(at));
    }
    at = Math.max(CLOSER.lastIndex, at + (closer?.length ?? 0));
  }
}

/** The line right of the cursor without the comments that begin there. */
function withoutComments(reading: Reading): string {
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
