import { linesBelow } from "../cursor";
import type { Filter } from "./filter";

/** Cuts lines off the end of a completion that already stand below the cursor, with the same indentation. */
export const suffixOverlap: Filter = (text, cursor) => {
  const lines = text.split("\n");
  let isBegun = false; // blank lines before the first one do not count
  const below = linesBelow(cursor, lines.length - 1, (line) => (isBegun ||= line.trim() !== ""));
  for (let count = below.length; count > 0; count--) {
    const tail = lines.slice(lines.length - count);
    if (tail.every((line, i) => line.trimEnd() === below[i]!.trimEnd())) {
      return lines
        .slice(0, lines.length - count)
        .join("\n")
        .trimEnd();
    }
  }
  return text;
};
