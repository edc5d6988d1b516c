import { linePrefix, lineSuffix, linesAbove, linesBelow } from "../cursor";
import type { Filter } from "./filter";

/** Lines like `}` or `});` repeat rightly. */
const MEANINGFUL = /[\p{L}\p{N}_].*[\p{L}\p{N}_]/u;

/** Drops a completion whose first line makes the current line a copy of the nearest line above or below. */
export const repeatedLine: Filter = (text, cursor) => {
  const first = text.split("\n", 1)[0]!;
  const line = (linePrefix(cursor) + first).trim();
  if (!MEANINGFUL.test(line) || lineSuffix(cursor).trim() !== "") {
    return text;
  }
  const written = (candidate: string): boolean => candidate.trim() !== "";
  const above = linesAbove(cursor).findLast(written)?.trim();
  const below = linesBelow(cursor).find(written)?.trim();
  return line === above || line === below ? "" : text;
};
