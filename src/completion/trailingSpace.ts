/**
 * Tokenizers put a space at the beginning of the word that follows it. The engine heals the end of what is typed (`healing`), spaces
 * included, so that nothing is taken away here.
 */
export interface Healed {
  readonly prefix: string;
  /** What was taken away. */
  readonly spaces: string;
}

export const withoutTrailingSpace = (prefix: string): Healed => ({ prefix, spaces: "" });

/** The completion at the cursor, from what the model has written (so far) after the healed prefix. */
export const afterTrailingSpace = (written: string, { spaces }: Healed): string =>
  written.slice(spaces.length);
