import { brackets, CLOSER_OF } from "../brackets";
import { linePrefix, linesBelow } from "../cursor";
import { indentOf, type EndingContext } from "./kind";

/** A bracket that is open. */
export interface Open {
  readonly closer: string;
  /** White space at the beginning of its line. */
  readonly indent: string;
  /** Of its line; 0 is the cursor's, those above it are less. */
  readonly line: number;
  /** Nothing follows it on its line. */
  readonly last: boolean;
  /** A space follows it. */
  readonly spaced: boolean;
}

/** A bracket right of or below the cursor that closes something left of or above it. */
export interface Closing {
  readonly char: string;
  readonly index: number;
  /** Width of the white space before it, where it begins a line. */
  readonly indent: number | undefined;
}

/** The brackets round a cursor. */
export interface Surroundings {
  /** With as much of the suffix as matters. */
  readonly context: EndingContext;
  /** Open at the beginning of the cursor's line, innermost last. */
  readonly open: readonly Open[];
  /** Innermost first. */
  readonly closing: readonly Closing[];
  /** Width of the indentation of the next line with something on it; undefined when there is none. */
  readonly next: number | undefined;
  /** That line. */
  readonly below: string | undefined;
  /** The text goes on after the suffix: something may be closed there. */
  readonly cut: boolean;
}

/** Lines below the cursor that are looked at in any case. */
const NEAR = 40;
/** A suffix of more lines is a part of a longer one. */
const CUT = 120;

/**
 * As much of a suffix as says what is open at the cursor. A long one ends between two pieces of the top level; one that is cut off somewhere, at a blank
 * line at least.
 */
function nearSuffix(suffix: string): { readonly near: string; readonly cut: boolean } {
  const lines = suffix.split("\n");
  const upTo = (end: number): string => `${lines.slice(0, end).join("\n")}\n`;
  // A blank line, and then one that is not indented and closes nothing.
  const top = lines.findIndex(
    (line, i) => i > NEAR && /^[^\s)\]}]/.test(line) && lines[i - 1]!.trim() === "",
  );
  if (top >= 0) {
    return { near: upTo(top), cut: false };
  }
  const blank = lines.findLastIndex((line, i) => i > NEAR && line.trim() === "" && i < lines.length - 1);
  return lines.length > CUT && blank >= 0
    ? { near: upTo(blank), cut: true }
    : { near: suffix, cut: lines.length > CUT };
}

export function surroundings(cursor: EndingContext): Surroundings {
  const { near: suffix, cut } = nearSuffix(cursor.suffix);
  const { prefix, language } = cursor;
  const context = { prefix, suffix, language };
  const above = prefix.slice(0, prefix.length - linePrefix(context).length);
  const below = linesBelow(context).find((line) => line.trim() !== "");
  return {
    context,
    open: opened(above, language, [], -above.split("\n").length + 1),
    closing: closingIn(suffix, language),
    next: below === undefined ? undefined : indentOf(below),
    below,
    cut,
  };
}

/** The brackets that are open after `text`. @param before those that are open before it @param first number of its first line */
export function opened(text: string, language: string, before: readonly Open[], first: number): Open[] {
  const open = [...before];
  let line = first;
  let start = 0;
  for (const { char, index } of brackets(text, language)) {
    const closer = CLOSER_OF[char];
    if (closer === undefined) {
      if (open.at(-1)?.closer === char) {
        open.pop();
      }
      continue;
    }
    for (let next = text.indexOf("\n", start); next >= 0 && next < index; next = text.indexOf("\n", start)) {
      line++;
      start = next + 1;
    }
    const end = text.indexOf("\n", index);
    const after = text.slice(index + 1, end < 0 ? text.length : end);
    const indent = /^[ \t]*/.exec(text.slice(start, index))![0];
    open.push({ closer, indent, line, last: after.trim() === "", spaced: after.startsWith(" ") });
  }
  return open;
}

/** Closers in `suffix` that it does not open itself. */
function closingIn(suffix: string, language: string): Closing[] {
  let depth = 0;
  const closing: Closing[] = [];
  for (const { char, index } of brackets(suffix, language)) {
    if (CLOSER_OF[char] !== undefined) {
      depth++;
    } else if (depth > 0) {
      depth--;
    } else {
      const start = suffix.lastIndexOf("\n", index - 1);
      const before = suffix.slice(start + 1, index);
      closing.push({
        char,
        index,
        indent: start >= 0 && before.trim() === "" ? indentOf(before) : undefined,
      });
    }
  }
  return closing;
}
