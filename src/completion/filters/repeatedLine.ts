import { linePrefix, lineSuffix, nearAbove, nearBelow } from "../cursor";
import { saysSomething } from "./closingLine";
import type { Filter } from "./filter";

/**
 * Drops a completion that makes the current line a copy of the nearest line above or below, or of several lines a copy of as many above.
 * (Lines that stand below already are `suffixOverlap`'s.)
 */
export const repeatedLine: Filter = (text, context) => {
  if (lineSuffix(context).trim() !== "") {
    return text;
  }
  const lines = (linePrefix(context) + text)
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  if (!lines.some(saysSomething)) {
    return text;
  }
  const written = (line: string): boolean => line.trim() !== "";
  const above = nearAbove(context, lines.length, written);
  const copy = (candidates: readonly string[]): boolean =>
    candidates.length === lines.length && candidates.every((line, i) => line.trim() === lines[i]);
  const below = lines.length === 1 ? nearBelow(context, 1, written) : [];
  return copy(above) || copy(below) ? "" : text;
};
