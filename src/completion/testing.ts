import type { CursorText } from "./cursor";

/** Test notation: the text with the cursor as `│`. */
export function at(text: string): CursorText {
  const cursor = text.indexOf("│");
  if (cursor < 0) {
    throw new Error(`no cursor in ${JSON.stringify(text)}`);
  }
  return { prefix: text.slice(0, cursor), suffix: text.slice(cursor + 1) };
}
