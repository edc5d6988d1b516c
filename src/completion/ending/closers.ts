import { brackets, CLOSER_OF, hasHashComments } from "../brackets";
import { linePrefix, linesBelow, lineSuffix } from "../cursor";
import { indentOf, type EndingContext } from "./kind";

/** A bracket that is open. */
interface Open {
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
interface Closing {
  readonly char: string;
  readonly index: number;
  /** Width of the white space before it, where it begins a line. */
  readonly indent: number | undefined;
}

/** The brackets round a cursor. */
export interface Surroundings {
  readonly context: EndingContext;
  /** Open at the beginning of the cursor's line, innermost last. */
  readonly open: readonly Open[];
  /** Innermost first. */
  readonly closing: readonly Closing[];
  /** Width of the indentation of the next line with something on it; undefined when there is none. */
  readonly next: number | undefined;
  /** That line. */
  readonly below: string | undefined;
}

/** Lines below the cursor that are looked at in any case; after these what stands alone ends with the next piece of the top level. */
const NEAR = 40;

/** As much of a suffix as says what is open at the cursor: it ends, if it is long, between two pieces of the top level. */
export function nearSuffix(suffix: string): string {
  let from = 0;
  for (let line = 0; line < NEAR; line++) {
    from = suffix.indexOf("\n", from) + 1;
    if (from === 0) {
      return suffix;
    }
  }
  // A blank line, and then one that is not indented and closes nothing.
  const end = /\n[ \t]*\n(?=[^\s)\]}])/.exec(suffix.slice(from));
  return end === null ? suffix : suffix.slice(0, from + end.index + 1);
}

export function surroundings(context: EndingContext): Surroundings {
  const { prefix, suffix, language } = context;
  const above = prefix.slice(0, prefix.length - linePrefix(context).length);
  const below = linesBelow(context).find((line) => line.trim() !== "");
  return {
    context,
    open: opened(above, language, [], -above.split("\n").length + 1),
    closing: closingIn(suffix, language),
    next: below === undefined ? undefined : indentOf(below),
    below,
  };
}

/**
 * What closes the strings and brackets that a completion leaves open at its end, where nothing below closes them: on lines of their own where the
 * brackets end their lines, at once where they do not. Brackets above the cursor's line count only when a line further out follows below, which
 * shows that they are to be closed here.
 * @param text the completion
 * @param replaced code units right of the cursor that it replaces
 * @returns "" when nothing is missing
 */
export function missingClosers(around: Surroundings, text: string, replaced: number): string {
  const { context, open, closing, next } = around;
  const written = linePrefix(context) + text;
  const quotes = openText(context.prefix + text, hasHashComments(context.language));
  const now = opened(written + quotes, context.language, open, 0);
  const left = closing.filter(({ index }) => index >= replaced);
  const end = written.split("\n").length - 1;
  let closers = quotes;
  let line = end;
  for (const one of paired(now, left, next).missing) {
    closers +=
      one.line === line || !one.last ? inline(one, written + closers) : `\n${one.indent}${one.closer}`;
    line = one.line;
  }
  return closers;
}

/** Whether a completion begins a comment that neither it nor what follows ends: it would swallow code. */
export function leavesCommentOpen({ context, below }: Surroundings, text: string): boolean {
  const left = linePrefix(context);
  return (
    !hasHashComments(context.language) &&
    commentIsOpen(left + text) &&
    !commentIsOpen(left) &&
    below !== undefined &&
    !/^\s*\*/.test(below) &&
    !lineSuffix(context).includes("*/")
  );
}

/**
 * What closes whatever is open at the end of the text round the cursor, once `text` has been put in: that text may be a part of a longer one, and where
 * nothing follows the cursor, the rest is still to be written.
 */
export function closersAtEnd(around: Surroundings, text: string, replaced: number): string {
  const { context, open, closing, next } = around;
  const { language } = context;
  const written = opened(linePrefix(context) + text, language, open, 0);
  const left = closing.filter(({ index }) => index >= replaced);
  const missing = new Set(next === undefined ? [] : paired(written, left, next).missing);
  const stack = [...written];
  for (const { char, indent } of left) {
    const partner =
      indent === undefined
        ? stack.length - 1
        : stack.findLastIndex((one) => one.closer === char && indentOf(one.indent) === indent);
    if (stack[partner]?.closer === char) {
      stack.length = partner;
    }
  }
  const comment = next === undefined ? openLongText(context.prefix + text, hasHashComments(language)) : "";
  const rest = [...stack.filter((one) => !missing.has(one)), ...opened(context.suffix, language, [], 0)];
  return (
    comment +
    rest
      .map(({ closer }) => `\n${closer}`)
      .reverse()
      .join("")
  );
}

function inline({ closer, spaced }: Open, before: string): string {
  return (spaced && closer === "}" && !/\s$/.test(before) ? " " : "") + closer;
}

/** What closes a string, a docstring or a comment over several lines that is open at the end of `text`. */
const openText = (text: string, hash: boolean): string =>
  openLongText(text, hash) || openStrings(text.slice(text.lastIndexOf("\n") + 1));

function openLongText(text: string, hash: boolean): string {
  const opener = hash ? longString(text) : commentIsOpen(text) ? "/*" : undefined;
  if (opener === undefined) {
    return "";
  }
  const from = text.lastIndexOf(opener);
  const indent = /^[ \t]*/.exec(text.slice(text.lastIndexOf("\n", from) + 1))![0];
  const newLine = text.includes("\n", from) ? `\n${indent}` : "";
  return opener === "/*" ? `${newLine} */` : newLine + opener;
}

const commentIsOpen = (text: string): boolean => text.lastIndexOf("/*") > text.lastIndexOf("*/");

function longString(text: string): string | undefined {
  return ['"""', "'''"].find((quote) => text.split(quote).length % 2 === 0);
}

/** Quotes that are open at the end of `line`, and the braces of `${` in template strings. */
function openStrings(line: string): string {
  const open: string[] = [];
  for (let i = 0; i < line.length; i++) {
    const char = line.charAt(i);
    const inside = open.at(-1) ?? "";
    if (char === "\\") {
      i++;
    } else if (inside === "`" && line.startsWith("${", i)) {
      open.push("}");
      i++;
    } else if (char === inside) {
      open.pop();
    } else if ((inside === "" || inside === "}") && "\"'`".includes(char)) {
      open.push(char);
    }
  }
  return open.reverse().join("");
}

/** The brackets that are open after `text`. @param before those that are open before it @param first number of its first line */
function opened(text: string, language: string, before: readonly Open[], first: number): Open[] {
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

/** Which of `open` nothing closes, innermost first, and which may be closed further down than `closing` tells, innermost last. */
function paired(
  open: readonly Open[],
  closing: readonly Closing[],
  next: number | undefined,
): { readonly missing: readonly Open[]; readonly rest: readonly Open[] } {
  const rest = [...open];
  const missing: Open[] = [];
  let at = 0;
  for (let one = rest.at(-1); one !== undefined; one = rest.at(-1)) {
    const indent = indentOf(one.indent);
    const first = closing[at];
    if (first?.char === one.closer && (first.indent === undefined || first.indent === indent)) {
      at++;
    } else if (one.line >= 0 || (next !== undefined && next <= indent)) {
      missing.push(one);
    } else {
      break;
    }
    rest.pop();
  }
  return { missing, rest };
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
