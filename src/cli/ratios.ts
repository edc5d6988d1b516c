import { isRatio } from "../sparsity/budget";

/** A share of the FFN's weights, in (0, 1]; undefined for anything else. */
export function parseRatio(word: string): number | undefined {
  const ratio = word.trim() === "" ? NaN : Number(word);
  return isRatio(ratio) ? ratio : undefined;
}
