/**
 * Token healing. Where text ends in the midst of a word, its last tokens are not those that the model would have written: `ret`
 * is followed by `urn` in no training text. So the last piece is not evaluated: the model writes it again, held to its
 * characters, and goes on as it likes.
 */
export interface Healed {
  /** Evaluated as it is. */
  readonly stable: string;
  /** What generation has to begin with; "" when `text` is empty. */
  readonly piece: string;
}

/** A longer piece is no word that someone is typing. */
const MAX_PIECE = 64;

/**
 * The last word, number or run of punctuation with the white space before it: tokenizers join a word with the space, and a line break with
 * indentation or with the punctuation before it.
 */
const LAST_PIECE =
  /(?:[^\S\n]*[^\s\p{L}\p{N}_]*[^\S\n]*\n\s*)?[^\S\n]*(?:[\p{L}\p{M}\p{N}_$]+|[^\s\p{L}\p{M}\p{N}_$]+|)$/u;

export function heal(text: string): Healed {
  const from = Math.max(0, text.length - MAX_PIECE);
  const piece = LAST_PIECE.exec(text.slice(from))?.[0] ?? "";
  // A piece that reaches back to the limit has no beginning that is a boundary of tokens.
  if (piece.length === MAX_PIECE || /[\udc00-\udfff]/.test(piece.charAt(0))) {
    return { stable: text, piece: "" };
  }
  return { stable: text.slice(0, text.length - piece.length), piece };
}
