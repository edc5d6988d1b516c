/**
 * Drafts by prompt lookup: what followed the last tokens where they stood before, in the file itself, is likely to follow them again. The
 * model verifies a draft in one evaluation, so that the text is what it would have been without.
 * Source: https://github.com/apoorvumang/prompt-lookup-decoding
 */
export interface LookupOptions {
  /** Tokens that have to agree before a draft is made. */
  readonly minMatch: number;
  /** Tokens compared at most: the longest agreement wins, the latest among equals. */
  readonly maxMatch: number;
  /** Tokens drafted at most. */
  readonly maxDraft: number;
}

export function lookup(
  tokens: readonly number[],
  { minMatch, maxMatch, maxDraft }: LookupOptions,
): readonly number[] {
  const end = tokens.length;
  let best = 0;
  let from = 0;
  for (let at = end - 1; at > 0 && best < maxMatch; at--) {
    let match = 0;
    while (match < maxMatch && match < at && tokens[at - 1 - match] === tokens[end - 1 - match]) {
      match++;
    }
    if (match > best) {
      best = match;
      from = at;
    }
  }
  return best >= minMatch ? tokens.slice(from, from + maxDraft) : [];
}
