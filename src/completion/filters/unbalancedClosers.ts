import { linePrefix, lineSuffix, type CursorText } from "../cursor";
import { openQuote } from "../replaceRange";
import type { Filter } from "./filter";

const CLOSER_OF: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}" };

/** Text far from the cursor says little and is dear to scan. */
const REACH = 4_000;

/**
 * Cuts a completion before a bracket that closes nothing: everything open before the cursor is closed after it already, and the completion
 * did not open it. Brackets right of the cursor on its line do not count as closed, since the completion may replace them.
 */
export const unbalancedClosers: Filter = (text, cursor) => {
  const spare = spareOpeners(cursor);
  const open: string[] = [];
  for (const { char, index } of brackets(text, openQuote(linePrefix(cursor)))) {
    const closer = CLOSER_OF[char];
    if (closer !== undefined) {
      open.push(closer);
    } else if (open.at(-1) === char) {
      open.pop();
    } else {
      const left = spare.get(char) ?? 0;
      if (left <= 0) {
        return text.slice(0, index).trimEnd();
      }
      spare.set(char, left - 1);
    }
  }
  return text;
};

/** Brackets opened before the cursor less those closed after it, by closer. Unknown openers (a cut prefix) count as spare. */
function spareOpeners(cursor: CursorText): Map<string, number> {
  const right = lineSuffix(cursor);
  const replaceable = /^[)\]}>"'`]*/.exec(right)![0].length;
  const prefix = cursor.prefix.slice(-REACH);
  const suffix = cursor.suffix.slice(replaceable, REACH);
  const spare = new Map<string, number>();
  const cut = cursor.prefix.length > REACH || cursor.suffix.length > REACH;
  for (const [opener, closer] of Object.entries(CLOSER_OF)) {
    let opened = 0;
    for (const { char } of brackets(prefix)) {
      opened = char === opener ? opened + 1 : char === closer ? Math.max(0, opened - 1) : opened;
    }
    let closed = 0;
    let depth = 0;
    for (const { char } of brackets(suffix)) {
      if (char === opener) {
        depth++;
      } else if (char === closer) {
        closed += depth > 0 ? 0 : 1;
        depth = Math.max(0, depth - 1);
      }
    }
    spare.set(closer, cut ? Number.POSITIVE_INFINITY : opened - closed);
  }
  return spare;
}

/** Brackets outside of strings that end on their own line; `quote` is open where `text` begins. */
function* brackets(text: string, quote = ""): Generator<{ char: string; index: number }> {
  const end = !text.includes("\n") ? text.length : text.indexOf("\n");
  const start = quote === "" ? 0 : (endOfString(text, 0, quote) ?? end) + 1;
  for (let index = start; index < text.length; index++) {
    const char = text.charAt(index);
    if (char === '"' || char === "'" || char === "`") {
      index = endOfString(text, index + 1, char) ?? index;
    } else if ("()[]{}".includes(char)) {
      yield { char, index };
    }
  }
}

/** Index of the closing `quote` on the line, from `start` on. */
function endOfString(text: string, start: number, quote: string): number | undefined {
  for (let i = start; i < text.length && text.charAt(i) !== "\n"; i++) {
    if (text.charAt(i) === "\\") {
      i++;
    } else if (text.charAt(i) === quote) {
      return i;
    }
  }
  return undefined;
}
