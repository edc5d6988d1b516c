import { isRatio } from "../sparsity/budget";
import type { Levels } from "../sparsity/levels";

/** `RATIO`: a share of the FFN's weights; `STATIC:DYNAMIC`: how it is divided. Undefined for anything else. */
export function parseRatios(word: string): number | Levels | undefined {
  const numbers = word.split(":").map((part) => (part.trim() === "" ? NaN : Number(part)));
  const [first, second] = numbers;
  if (numbers.length > 2 || !numbers.every(isRatio)) {
    return undefined;
  }
  return second === undefined ? first : { staticRatio: first!, dynamicRatio: second };
}
