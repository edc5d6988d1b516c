import { hasHashComments, insideAtEnd, unmatched } from "../brackets";
import { linePrefix, lineSuffix } from "../cursor";
import { openQuotes } from "../replaceRange";
import { indentOf, type EndingContext } from "./kind";
import { opened, type Closing, type Open, type Surroundings } from "./surroundings";

/**
 * What closes the strings and brackets that a completion leaves open at its end, where nothing below closes them: on lines of their own where the
 * brackets end their lines, at once where they do not. Brackets above the cursor's line count only when a line further out follows below, which
 * shows that they are to be closed here.
 * @param text the completion
 * @param replaced code units right of the cursor that it replaces
 * @returns "" when nothing is missing
 */
export function missingClosers(around: Surroundings, text: string, replaced: number): string {
  const { context, open, closing } = around;
  const written = linePrefix(context) + text;
  const quotes = openText(text, context);
  const now = opened(written + quotes, context.language, open, 0);
  const left = closing.filter(({ index }) => index >= replaced);
  return laidOut(unclosed(now, left, around), written, quotes);
}

/** What closes everything that the line at the cursor opens, where the lines below are those of a block. */
export function headerClosers({ context }: Surroundings, text: string): string {
  const written = linePrefix(context) + text;
  const quotes = openText(text, context);
  return laidOut(opened(written + quotes, context.language, [], 0).reverse(), written, quotes);
}

/**
 * The same for brackets alone that the completion itself opens, for a language of which nothing is known: elsewhere in the text a bracket may be anything.
 */
export function ownClosers(around: Surroundings, text: string, replaced: number): string {
  const { context, closing, next } = around;
  const left = linePrefix(context);
  const { language } = context;
  const written = left + text;
  const last = written.slice(written.lastIndexOf("\n") + 1);
  if (next === undefined || insideAtEnd(left, language) !== "" || insideAtEnd(last, language) !== "") {
    return "";
  }
  const before = opened(left, language, [], 0).length - unmatched(text, language).closers.length;
  const now = opened(written, language, [], 0).slice(Math.max(0, before));
  const behind = closing.filter(({ index }) => index >= replaced);
  return laidOut(unclosed(now, behind, around), written, "");
}

/** On lines of their own where the brackets end their lines. @param missing innermost first */
function laidOut(missing: readonly Open[], written: string, quotes: string): string {
  let closers = quotes;
  let line = written.split("\n").length - 1;
  for (const one of missing) {
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
  const missing = new Set(next === undefined ? [] : unclosed(written, left, around));
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

/** What closes a string, a docstring or a comment over several lines that is open at the end of `text` and is not closed below. */
function openText(text: string, { prefix, suffix, language }: EndingContext): string {
  const hash = hasHashComments(language);
  const written = prefix + text;
  const long = openLongText(written, hash);
  if (long !== "") {
    return closesLongText(suffix, long.trim()) ? "" : long;
  }
  const line = written.slice(written.lastIndexOf("\n") + 1);
  return openQuotes(hash ? line.replace(/^.*(?:"""|''')/, "") : line)
    .reverse()
    .join("");
}

/** Whether `suffix` begins inside of what `closer` closes. */
function closesLongText(suffix: string, closer: string): boolean {
  if (closer !== "*/") {
    return suffix.split(closer).length % 2 === 0;
  }
  const [opens, closes] = [suffix.indexOf("/*"), suffix.indexOf(closer)];
  return closes >= 0 && (opens < 0 || closes < opens);
}

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

/** Which of `open` nothing closes, innermost first; the others may be closed further down than `closing` tells. */
function unclosed(
  open: readonly Open[],
  closing: readonly Closing[],
  { next, cut }: Surroundings,
): readonly Open[] {
  const rest = [...open];
  const missing: Open[] = [];
  let at = 0;
  for (let one = rest.at(-1); one !== undefined; one = rest.at(-1)) {
    const indent = indentOf(one.indent);
    const first = closing[at];
    if (first?.char === one.closer && (first.indent === undefined || first.indent === indent)) {
      at++;
    } else if ((next !== undefined && next <= indent) || (one.line >= 0 && !(cut && at === closing.length))) {
      missing.push(one);
    } else {
      break;
    }
    rest.pop();
  }
  return missing;
}
