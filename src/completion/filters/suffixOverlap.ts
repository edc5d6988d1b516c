import { linesBelow } from "../cursor";
import type { Filter } from "./filter";

/** Cuts lines off the end of a completion that already stand below the cursor, with the same indentation. */
export const suffixOverlap: Filter = (text, cursor) => {
  const lines = text.split("\n");
  const below = linesBelow(cursor).map((line) => line.trimEnd());
  while (below.length > 0 && below[0] === "") {
    below.shift();
  }
  const most = Math.min(lines.length - 1, below.length);
  for (let count = most; count > 0; count--) {
    const tail = lines.slice(lines.length - count);
    if (tail.every((line, i) => line.trimEnd() === below[i])) {
      return lines
        .slice(0, lines.length - count)
        .join("\n")
        .trimEnd();
    }
  }
  return text;
};
