import assert from "node:assert/strict";
import type { CursorText } from "./cursor";
import type { Place } from "./place";

/** Test notation: the text with the cursor as `│`. */
export function at(text: string): CursorText {
  const cursor = text.indexOf("│");
  if (cursor < 0) {
    throw new Error(`no cursor in ${JSON.stringify(text)}`);
  }
  return { prefix: text.slice(0, cursor), suffix: text.slice(cursor + 1) };
}

/** The place of the cursor `│` in a document. */
export function placeAt(text: string, language = "typescript", document = "a"): Place {
  const cursor = at(text);
  return { ...cursor, document, language, offset: cursor.prefix.length };
}

/**
 * Test notation for what becomes of a completion: `│generated│` in the text is what the model writes at the cursor.
 * @returns the text with what `process` leaves of it between the marks
 */
export function completed(text: string, process: (generated: string, cursor: CursorText) => string): string {
  const [prefix, generated, suffix] = text.split("│");
  if (suffix === undefined) {
    throw new Error(`no completion in ${JSON.stringify(text)}`);
  }
  return `${prefix!}│${process(generated!, { prefix: prefix!, suffix })}│${suffix}`;
}

/** Cases by name: the text with what the model writes between `│`s → the same with what is left. */
export function cases(
  process: (generated: string, cursor: CursorText) => string,
  table: Readonly<Record<string, readonly [before: string, after: string]>>,
): void {
  for (const [name, [before, after]] of Object.entries(table)) {
    it(name, () => {
      assert.equal(completed(before, process), after);
      // What is left is left alone.
      assert.equal(completed(after, process), after);
    });
  }
}
