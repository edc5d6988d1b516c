import type { Filter } from "./filter";

/** A block of lines that comes this often in a row is a loop of the model, not code. */
const LOOP = 3;

/** Cuts a completion where it begins to repeat itself: the same one to four lines, three times in a row or more. */
export const repetition: Filter = (text) => {
  const lines = text.split("\n");
  for (let size = 1; size <= 4; size++) {
    for (let start = 0; start + size * LOOP <= lines.length; start++) {
      const block = lines.slice(start, start + size);
      const repeats = (n: number): boolean => block.every((line, i) => lines[start + n * size + i] === line);
      if (block.join("").trim().length > 1 && repeats(1) && repeats(2)) {
        return lines.slice(0, start + size).join("\n");
      }
    }
  }
  return text;
};
