import { brackets, CLOSER_OF, insideAtEnd, unmatched } from "../brackets";
import { linePrefix, lineSuffix } from "../cursor";
import type { Filter, FilterContext } from "./filter";

/** Text far from the cursor says little and is dear to scan. */
const REACH = 4_000;

/**
 * Cuts a completion before a bracket that closes nothing: everything open before the cursor is closed after it already, and the completion
 * did not open it. Brackets right of the cursor on its line do not count as closed, since the completion may replace them; what the completion
 * itself leaves open takes the place of what it closes.
 */
export const unbalancedClosers: Filter = (text, context) => {
  const { language } = context;
  const { open, closers } = unmatched(text, language, insideAtEnd(linePrefix(context), language));
  if (closers.length === 0) {
    return text;
  }
  const spare = spareOpeners(context);
  for (const closer of open) {
    spare.set(closer, (spare.get(closer) ?? 0) + 1);
  }
  for (const { char, index } of closers) {
    const left = spare.get(char) ?? 0;
    if (left <= 0) {
      return text.slice(0, index).trimEnd();
    }
    spare.set(char, left - 1);
  }
  return text;
};

/** Brackets opened before the cursor less those closed after it, by closer. Unknown openers (a cut prefix) count as spare. */
function spareOpeners(context: FilterContext): Map<string, number> {
  const replaceable = /^[)\]}>"'`]*/.exec(lineSuffix(context))![0].length;
  const prefix = [...brackets(context.prefix.slice(-REACH), context.language)];
  const suffix = [...brackets(context.suffix.slice(replaceable, REACH), context.language)];
  const spare = new Map<string, number>();
  const cut = context.prefix.length > REACH || context.suffix.length > REACH;
  for (const [opener, closer] of Object.entries(CLOSER_OF)) {
    let opened = 0;
    for (const { char } of prefix) {
      opened = char === opener ? opened + 1 : char === closer ? Math.max(0, opened - 1) : opened;
    }
    let closed = 0;
    let depth = 0;
    for (const { char } of suffix) {
      if (char === opener) {
        depth++;
      } else if (char === closer) {
        closed += depth > 0 ? 0 : 1;
        depth = Math.max(0, depth - 1);
      }
    }
    spare.set(closer, cut ? Number.POSITIVE_INFINITY : opened - closed);
  }
  return spare;
}
