import type { ReadableText } from "../lexical/reading";
import type { Indentation } from "../place";

/** What filters know: the text round the cursor, and how the completion ended. */
export interface FilterContext extends ReadableText {
  /** What the editor indents with. */
  readonly indentation?: Indentation;
  /** The completion ended because it was long enough, not because the model had finished: its end may be a piece of a word. */
  readonly truncated?: boolean;
}

/**
 * Improves a completion or drops it: returns what is left of `text`, "" for nothing. Pure, and idempotent: applying it to its own result
 * changes nothing. Line breaks are LF.
 */
export type Filter = (text: string, context: FilterContext) => string;
