import { linePrefix, linesAbove } from "../cursor";
import type { FilterContext } from "./filter";

/** Lines between those of a recipe that do not end it: comments and conditionals. */
const BETWEEN = /^(?:#|(?:ifn?eq|ifn?def|else|endif)\b)|^\s*$/;

/** Lines that make reads itself, also indented below a rule, as long as no tab is before them. */
const OF_MAKE = /^ +(?:(?:ifn?eq|ifn?def|else|endif)\b|\S+(?:\s+=(?=\s|$)|\s*(?::{1,3}|[+?!])=))/;

/** Targets, a colon, what they need, and no assignment. */
function isRule(line: string): boolean {
  let plain = line.replace(/[;#].*/, "");
  for (let before = ""; before !== plain;) {
    before = plain;
    plain = plain.replace(/\$(?:\([^()]*\)|\{[^{}]*\})/g, "x");
  }
  return /^[^\s:=][^:=]*:{1,2}(?![:=])[^=]*$/.test(plain);
}

/**
 * A makefile's recipes begin with a tab, whatever else the file is indented with: spaces there are an error. Lines that go on with a
 * variable, and makefiles that have chosen another sign, stay as they are.
 */
export function recipesWithTabs(text: string, context: FilterContext): string {
  if (context.language !== "makefile" || /^\.RECIPEPREFIX/m.test(context.prefix)) {
    return text;
  }
  const typed = linePrefix(context);
  const above = linesAbove(context);
  const lines = `${typed}${text}`.split("\n");
  let inRule = false;
  let goesOn = false;
  let ofMake = false;
  let unit = 0;
  const changed = [...above, ...lines].map((line, index) => {
    const indent = /^[ \t]*/.exec(line)![0];
    const isNew = index > above.length || (index === above.length && typed === "");
    const goesOnHere = goesOn;
    goesOn = line.endsWith("\\");
    ofMake = goesOnHere ? ofMake : OF_MAKE.test(line);
    const isRecipe = inRule && !ofMake && indent !== "" && indent.length < line.length;
    if (!goesOnHere && indent === "" && !BETWEEN.test(line)) {
      inRule = isRule(line);
    }
    // A line that goes on with one of a recipe may begin with anything: it is indented as the model indents recipes.
    if (!isNew || !isRecipe || indent.startsWith("\t") || (goesOnHere && unit === 0)) {
      return line;
    }
    unit ||= indent.length;
    const tabs = Math.max(1, Math.floor(indent.length / unit));
    return "\t".repeat(tabs) + line.slice(Math.min(indent.length, tabs * unit));
  });
  return changed.slice(above.length).join("\n").slice(typed.length);
}
