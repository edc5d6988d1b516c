/** Names in a text, as a set: what two pieces of code have in common. Words of one or two letters say nothing. */
export function wordsOf(text: string): Set<string> {
  return new Set(text.match(/[\p{L}_$][\p{L}\p{N}_$]{2,}/gu) ?? []);
}

/** Share of words that two sets have in common, 0..1. */
export function jaccard(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  const [small, large] = a.size < b.size ? [a, b] : [b, a];
  let common = 0;
  for (const word of small) {
    common += large.has(word) ? 1 : 0;
  }
  const union = a.size + b.size - common;
  return union === 0 ? 0 : common / union;
}

/** Share of the distinct lines that two texts have in common, 0..1; indentation and empty lines do not count. */
export const sameLines = (a: string, b: string): number => jaccard(new Set(linesOf(a)), new Set(linesOf(b)));

/** The distinct lines of a text that say something, without indentation. */
export const linesOf = (text: string): string[] => [
  ...new Set(
    text
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== ""),
  ),
];
