import { insideCharacter, linePrefix, lineSuffix, type CursorText } from "./cursor";

/** Closing brackets, quotes and the punctuation that ends a statement: editors insert these themselves. */
const ONLY_CLOSERS = /^[)>}\]"'`]*\s*[:{;,]?\s*$/;
const WORD = /^[\p{L}\p{N}_$]/u;
const MAX_LINE = 2_000;

export type TriggerKind = "automatic" | "invoked";

/**
 * Whether the place of the cursor lends itself to a completion.
 * @returns undefined when it does, otherwise why not, as a short phrase for the status bar.
 */
export function whyNotHere(cursor: CursorText, kind: TriggerKind): string | undefined {
  if (insideCharacter(cursor)) {
    return "the cursor is inside a character";
  }
  if (linePrefix(cursor).length > MAX_LINE) {
    return "the line is very long";
  }
  const right = lineSuffix(cursor);
  if (WORD.test(right)) {
    return "the cursor is inside a word";
  }
  if (kind === "automatic" && !ONLY_CLOSERS.test(right)) {
    return "there is code to the right of the cursor";
  }
  return undefined;
}
