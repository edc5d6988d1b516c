/**
 * Tokenizers put a space at the beginning of the word that follows it. A prompt that ends with a space is something that a model has
 * hardly ever seen, and completes badly: the space is left for the model to write.
 */
export interface Healed {
  /** The prefix without the spaces at its end, if its last line has more than indentation. */
  readonly prefix: string;
  /** What was taken away. */
  readonly spaces: string;
}

export function withoutTrailingSpace(prefix: string): Healed {
  const spaces = /(?<=[^\s])[ \t]+$/.exec(prefix)?.[0] ?? "";
  return { prefix: prefix.slice(0, prefix.length - spaces.length), spaces };
}

/**
 * The completion at the cursor, from what the model has written (so far) after the healed prefix: "" when it would rather end the line.
 */
export function afterTrailingSpace(written: string, { spaces }: Healed): string {
  if (spaces === "") {
    return written;
  }
  return /^[ \t]*\r?\n/.test(written) ? "" : written.replace(/^[ \t]+/, "");
}
