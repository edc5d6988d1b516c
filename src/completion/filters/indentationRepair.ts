import { linePrefix, linesAbove, linesBelow } from "../cursor";
import type { Filter, FilterContext } from "./filter";

const LEADING = /^[ \t]*/;
const OPENS = /(?:[{([:,=+\-*/&|?<>\\]|=>)$/;
/** Lines that go on with the one above are indented as their author likes. */
const CONTINUES = /^[.?:&|+\-*/=<>,)\]}]/;
const MAX_LINES = 200;

/**
 * Puts the white space at the beginning of lines right: tabs where the file has tabs and spaces where it has spaces, and indentation that
 * has been typed already is not inserted twice.
 */
export const indentationRepair: Filter = (text, context) => {
  const lines = context.prefix === "" && context.suffix === "" ? [] : indented(context);
  return withoutSecondIndentation(inStyleOf(text, lines), context);
};

function indented(context: FilterContext): string[] {
  return [...linesAbove(context).slice(-MAX_LINES), ...linesBelow(context).slice(0, MAX_LINES)]
    .map((line) => (line.trim() === "" ? "" : LEADING.exec(line)![0]))
    .filter((indent) => indent !== "");
}

/** Changes tabs to spaces or the other way round when every line of the file says so. */
function inStyleOf(text: string, indents: readonly string[]): string {
  const tabs = indents.filter((indent) => indent.startsWith("\t")).length;
  if (indents.length < 2 || (tabs !== 0 && tabs !== indents.length)) {
    return text;
  }
  const unit = tabs > 0 ? 4 : unitOf(indents);
  // A line that is odd in a text that is otherwise as the file is is odd on purpose.
  if (new RegExp(tabs > 0 ? "\\n\\t+\\S" : "\\n {2,}\\S").test(text)) {
    return text;
  }
  return text.replace(/(?<=\n)[ \t]+(?=\S)/g, (indent) => {
    if (tabs > 0) {
      // One or two spaces after tabs align the stars of a comment.
      return indent.replace(/ {4}/g, "\t");
    }
    return indent.replaceAll("\t", " ".repeat(unit));
  });
}

/** The most common step between indentations made of spaces: 2, 4 or 8. */
function unitOf(indents: readonly string[]): number {
  const fits = (unit: number): boolean =>
    indents.filter((indent) => indent.length % unit === 0).length >= 0.9 * indents.length;
  return [8, 4].find(fits) ?? 2;
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
