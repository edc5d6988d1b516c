import { isWritten, linePrefix, lineSuffix, linesAbove, linesBelow } from "../cursor";
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
  const above = linesAbove(context, lines.length, isWritten);
  const copy = (candidates: readonly string[]): boolean =>
    candidates.length === lines.length && candidates.every((line, i) => line.trim() === lines[i]);
  const below = lines.length === 1 ? linesBelow(context, 1, isWritten) : [];
  return copy(above) || copy(below) ? "" : text;
};
