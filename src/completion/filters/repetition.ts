import { beforeLoop } from "../loop";
import type { Filter } from "./filter";

/** A block of lines that comes this often in a row is a loop of the model, not code. */
const LOOP = 3;

/** Characters of a loop within a line, where a completion ends because it is long enough. */
const LOOP_CHARACTERS = 16;

/** Cuts a completion where it begins to repeat itself: the same one to four lines, three times in a row or more; or a piece of the last line, to the end that was cut off. */
export const repetition: Filter = (text, { truncated }) => {
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
  return truncated === true ? (beforeLoop(text, LOOP, LOOP_CHARACTERS) ?? text) : text;
};
