import { lineSuffix } from "../cursor";
import { readingOf } from "../lexical/reading";
import { replacedLength } from "../replaceRange";
import type { Filter } from "./filter";

/** Drops a completion that says what stands right of the cursor: it would take the place of the same. */
export const alreadyThere: Filter = (text, context) => {
  const right = lineSuffix(context);
  const replaced = replacedLength(text, readingOf(context));
  return replaced > 0 && text.trimEnd() === right.slice(0, replaced).trimEnd() ? "" : text;
};
