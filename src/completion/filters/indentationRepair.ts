import { linePrefix, linesAbove, linesBelow } from "../cursor";
import type { Filter, FilterContext } from "./filter";
import { recipesWithTabs } from "./recipes";

const LEADING = /^[ \t]*/;
const OPENS = /(?:[{([:,=+\-*/&|?<>\\]|=>)$/;
/** Lines that go on with the one above are indented as their author likes. */
const CONTINUES = /^[.?:&|+\-*/=<>,)\]}]/;
/** A line within a comment: the space before its star is no indentation. */
const STARRED = /^\s+\*(?:[\s/]|$)/;
const MAX_LINES = 200;

/** What one step of indentation is made of. */
type Style = "tab" | { readonly spaces: number };

/**
 * Puts the white space at the beginning of lines right: tabs where the file has tabs and spaces where it has spaces, what the editor
 * would insert where the file has neither, and indentation that has been typed already is not inserted twice.
 */
export const indentationRepair: Filter = (text, context) => {
  const style = styleOf(context);
  const styled =
    style === undefined ? text : atLineStarts(text, context, (lines) => inStyle(lines, style, context));
  return withoutSecondIndentation(recipesWithTabs(styled, context), context);
};

/** Undefined where the file has both, or nothing says anything. */
function styleOf(context: FilterContext): Style | undefined {
  const indents = [...linesAbove(context).slice(-MAX_LINES), ...linesBelow(context).slice(0, MAX_LINES)]
    .filter((line) => line.trim() !== "" && !STARRED.test(line))
    .map((line) => LEADING.exec(line)![0])
    // A space alone aligns something.
    .filter((indent) => indent !== "" && indent !== " ");
  const tabs = indents.filter((indent) => indent.startsWith("\t")).length;
  const { indentation } = context;
  if (indents.length === 0) {
    return indentation === undefined
      ? undefined
      : indentation.insertSpaces
        ? { spaces: indentation.tabSize }
        : "tab";
  }
  if (tabs === indents.length) {
    return "tab";
  }
  const fewSpaces = indents.length === 1 && indentation?.insertSpaces === true;
  return tabs > 0 ? undefined : { spaces: fewSpaces ? indentation.tabSize : unitOf(indents) };
}

/** Applies `change` to a text whose lines begin with a line break each: where the cursor is at one's beginning, that line, too. */
function atLineStarts(text: string, context: FilterContext, change: (lines: string) => string): string {
  return linePrefix(context) === "" ? change(`\n${text}`).slice(1) : change(text);
}

function inStyle(text: string, style: Style, context: FilterContext): string {
  // A line that is odd in a text that is otherwise as the file is is odd on purpose.
  if (new RegExp(style === "tab" ? "\\n\\t+\\S" : "\\n {2,}\\S").test(text)) {
    return text;
  }
  const indents = /(?<=\n)[ \t]+(?=\S)/g;
  if (style !== "tab") {
    return text.replace(indents, (indent) => indent.replaceAll("\t", " ".repeat(style.spaces)));
  }
  const unit = unitOfSpaces(text, context);
  // A space or two after tabs align the stars of a comment.
  return text.replace(indents, (indent) => indent.replaceAll(" ".repeat(unit), "\t"));
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
  const above =
    [...linesAbove(context), ...lines.slice(0, Math.max(0, at))].findLast((line) => line.trim() !== "") ?? "";
  const depth = LEADING.exec(above)![0].replace(/[^\t]/g, "").length;
  if (depth === 0 && width > 0 && width <= 8) {
    return width;
  }
  const expected = [depth + (OPENS.test(above.trimEnd()) ? 1 : 0), depth, depth - 1];
  return expected.map((deep) => width / deep).find((unit) => [2, 3, 4, 8].includes(unit)) ?? 4;
}

/** The cursor stands after the indentation, and the completion begins with the same once more. */
function withoutSecondIndentation(text: string, context: FilterContext): string {
  const typed = linePrefix(context);
  if (typed === "" || typed.trim() !== "" || !text.startsWith(typed)) {
    return text;
  }
  const rest = text.slice(typed.length);
  const above = linesAbove(context).findLast((line) => line.trim() !== "");
  if (above === undefined || /^\s|^$/.test(rest) || CONTINUES.test(rest)) {
    return text;
  }
  const deeper = typed.length + typed.length > LEADING.exec(above)![0].length;
  return deeper && !OPENS.test(above.trimEnd()) ? rest : text;
}
