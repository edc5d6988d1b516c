import { isWritten, linePrefix, linesAbove, linesBelow, writtenAbove } from "../cursor";
import { readingOf } from "../lexical/reading";
import { textAround } from "../lexical/state";
import type { Filter, FilterContext } from "./filter";
import { recipesWithTabs } from "./recipes";

const LEADING = /^[ \t]*/;
const OPENS = /(?:[{([:,=+\-*/&|?<>\\]|=>)$/;
/** Lines that go on with the one above are indented as their author likes. */
const CONTINUES = /^[.?:&|+\-*/=<>,)\]}]/;
/** A line within a comment: the space before its star is no indentation. */
const STARRED = /^\s+\*(?:[\s/]|$)/;
const MAX_LINES = 200;

/** Files have this much of one kind of white space although texts in them have the other. */
const MOSTLY_TABS = 0.8;
const MOSTLY_SPACES = 0.9;
/** Widths of a step, or of a tab. */
const WIDTHS = [2, 4, 8];

/** What one step of indentation is made of. */
type Style = "tab" | { readonly spaces: number; readonly isEditors: boolean };

/**
 * Puts the white space at the beginning of lines right: tabs where the file has tabs and spaces where it has spaces, what the editor
 * would insert where the file has neither, and indentation that has been typed already is not inserted twice.
 */
export const indentationRepair: Filter = (text, context) => {
  if (context.language === "makefile") {
    return withoutSecondIndentation(recipesWithTabs(text, context), context);
  }
  const beginsLines = text.includes("\n") || linePrefix(context) === "";
  const style = beginsLines ? styleOf(context) : undefined;
  const styled =
    style === undefined ? text : atLineStarts(text, context, (lines) => inStyle(lines, style, context));
  return withoutSecondIndentation(styled, context);
};

/** Undefined where the file has both, or nothing says anything. */
function styleOf(context: FilterContext): Style | undefined {
  const above = indentsOf(linesAbove(context, MAX_LINES));
  const below = indentsOf(linesBelow(context, MAX_LINES));
  const indents = [...above, ...below];
  const { indentation } = context;
  if (indents.length === 0) {
    return indentation === undefined
      ? undefined
      : indentation.insertSpaces
        ? { spaces: indentation.tabSize, isEditors: true }
        : "tab";
  }
  const isTab = (indent: string): boolean => indent.startsWith("\t");
  const spaces = indents.filter((indent) => !isTab(indent));
  const mostlyTabs = indents.length - spaces.length >= MOSTLY_TABS * indents.length;
  const mostlySpaces = spaces.length >= MOSTLY_SPACES * indents.length;
  const near = [above.at(-1), below[0]].filter((indent) => indent !== undefined);
  if (!(mostlyTabs || mostlySpaces) || near.some((indent) => isTab(indent) !== mostlyTabs)) {
    return undefined;
  }
  const fewSpaces = indents.length === 1 && indentation?.insertSpaces === true;
  return mostlyTabs ? "tab" : { spaces: fewSpaces ? indentation.tabSize : unitOf(spaces), isEditors: false };
}

/** The white space before the lines that have some. */
const indentsOf = (lines: readonly string[]): string[] =>
  lines
    .filter((line) => line.trim() !== "" && !STARRED.test(line))
    .map((line) => LEADING.exec(line)![0])
    // A space alone aligns something.
    .filter((indent) => indent !== "" && indent !== " ");

/** Applies `change` to a text whose lines begin with a line break each: where the cursor is at one's beginning, that line, too. */
function atLineStarts(text: string, context: FilterContext, change: (lines: string) => string): string {
  return linePrefix(context) === "" ? change(`\n${text}`).slice(1) : change(text);
}

function inStyle(text: string, style: Style, context: FilterContext): string {
  // A line that is odd in a text that is otherwise as the file is is odd on purpose.
  if (style === "tab" ? /\n\t+\S/.test(text) : !style.isEditors && /\n {2,}\S/.test(text)) {
    return text;
  }
  const isString = stringsIn(text, context);
  const changed = (change: (indent: string) => string): string =>
    text.replace(/(?<=\n)[ \t]+(?=\S)/g, (indent, at: number) => (isString(at) ? indent : change(indent)));
  if (style === "tab") {
    const unit = unitOfSpaces(text, context);
    // A space or two after tabs align the stars of a comment.
    return changed((indent) => indent.replaceAll(" ".repeat(unit), "\t"));
  }
  const step = " ".repeat(style.spaces);
  const unit = style.isEditors && !/\n *\t/.test(text) ? stepOf(text, context) : undefined;
  return changed((indent) => indent.replaceAll(unit === undefined ? "\t" : " ".repeat(unit), step));
}

/**
 * Whether what is at an index of `text` is within a string, asked for in order: there its author alone knows what white space is for. (One that is a
 * statement of its own is a comment.)
 */
function stringsIn(text: string, context: FilterContext): (index: number) => boolean {
  const reading = readingOf(context);
  const line = linePrefix(context);
  const begun = line === "" ? text.replace(/^\n/, "") : text;
  const shift = line.length - (text.length - begun.length);
  const scanner = reading.scanner(begun);
  const whole = context.prefix + begun;
  return (index) => {
    const around = textAround(scanner.run(Math.max(0, index + shift)).state);
    return (
      around !== undefined &&
      (around.kind === "quote" || around.kind === "lines") &&
      !/(?:^|\n)[ \t]*$/.test(whole.slice(0, around.at))
    );
  };
}

/** How many spaces the model's first step has, in a text that begins at the left margin; undefined where none can be seen. */
function stepOf(text: string, context: FilterContext): number | undefined {
  const typed = linePrefix(context);
  const lines = (typed + text).split("\n");
  const at = lines.findIndex((line, index) => index > 0 && /^ +\S/.test(line));
  const width = LEADING.exec(lines[at] ?? "")![0].length;
  const above = lines.slice(0, Math.max(0, at)).findLast(isWritten) ?? writtenAbove(context);
  const aligned = /[([][^)\]]*[^)\]([{\s]$/.test(above ?? "");
  return !aligned && LEADING.exec(typed)![0] === "" && WIDTHS.includes(width) ? width : undefined;
}

/** The most common step between indentations made of spaces: 2, 4 or 8. */
function unitOf(indents: readonly string[]): number {
  const fits = (unit: number): boolean =>
    indents.filter((indent) => indent.length % unit === 0).length >= 0.9 * indents.length;
  return [8, 4].find(fits) ?? 2;
}

/** How many spaces a model means by a tab: the step that makes its first indented line as deep as that line should be. */
function unitOfSpaces(text: string, context: FilterContext): number {
  const lines = (linePrefix(context) + text).split("\n");
  const at = lines.findIndex((line, index) => index > 0 && /^ +\S/.test(line));
  const width = LEADING.exec(lines[at] ?? "")![0].length;
  const above = lines.slice(0, Math.max(0, at)).findLast(isWritten) ?? writtenAbove(context) ?? "";
  const depth = LEADING.exec(above)![0].replace(/[^\t]/g, "").length;
  if (depth === 0 && width > 0 && width <= 8) {
    return width;
  }
  const expected = [depth + (OPENS.test(above.trimEnd()) ? 1 : 0), depth, depth - 1];
  return expected.map((deep) => width / deep).find((unit) => [...WIDTHS, 3].includes(unit)) ?? 4;
}

/** The cursor stands after the indentation, and the completion begins with the same once more. */
function withoutSecondIndentation(text: string, context: FilterContext): string {
  const typed = linePrefix(context);
  const again = typed === "" || typed.trim() !== "" ? 0 : saidAgain(typed, text);
  if (again === 0) {
    return text;
  }
  const rest = text.slice(again);
  const above = writtenAbove(context);
  if (above === undefined || /^\s|^$/.test(rest) || CONTINUES.test(rest)) {
    return text;
  }
  const depth = LEADING.exec(above)![0].length;
  const deeper = typed.length + again > depth;
  // Of spaces a part may have been typed.
  const whole = !OPENS.test(above.trimEnd()) || (typed.startsWith("\t") && typed.length > depth);
  return deeper && whole ? rest : text;
}

/** How much of `text` says the indentation `typed` once more, with its own white space or with the other. */
function saidAgain(typed: string, text: string): number {
  if (text.startsWith(typed)) {
    return typed.length;
  }
  const lead = LEADING.exec(text)![0];
  const [tabs, spaces] = typed.startsWith("\t") ? [typed, lead] : [lead, typed];
  const same = /^\t+$/.test(tabs) && /^ +$/.test(spaces) && WIDTHS.includes(spaces.length / tabs.length);
  return same ? lead.length : 0;
}
