import { isRatio } from "../sparsity/budget";
import { UsageError } from "./errors";

/** A share of the FFN's weights, in (0, 1]; undefined for anything else. */
export function parseRatio(word: string): number | undefined {
  const ratio = word.trim() === "" ? NaN : Number(word);
  return isRatio(ratio) ? ratio : undefined;
}

/** The value of `--active`. Throws a {@link UsageError} for anything else. */
export function parseActive(word: string): number | "dense" | "auto" {
  if (word === "dense" || word === "auto") {
    return word;
  }
  const ratio = parseRatio(word);
  if (ratio === undefined) {
    throw new UsageError(`--active must be above 0 and at most 1, \`dense\` or \`auto\`, not ${word}.`);
  }
  return ratio;
}
