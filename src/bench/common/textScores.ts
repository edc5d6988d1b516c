/** How close a completion is to a reference text. */
export interface TextScores {
  /** 1 if both are equal without surrounding white space at the end. */
  readonly exact: number;
  /** 1 - Levenshtein distance / longer length, in UTF-16 units. */
  readonly similarity: number;
  readonly bleu: number;
}

export function textScores(text: string, reference: string): TextScores {
  const [a, b] = [text.trimEnd(), reference.trimEnd()];
  return { exact: a === b ? 1 : 0, similarity: editSimilarity(a, b), bleu: bleu(a, b) };
}

export function editSimilarity(a: string, b: string): number {
  const longer = Math.max(a.length, b.length);
  return longer === 0 ? 1 : 1 - levenshtein(a, b) / longer;
}

function levenshtein(a: string, b: string): number {
  let row = Uint32Array.from({ length: b.length + 1 }, (_, index) => index);
  let next = new Uint32Array(b.length + 1);
  for (let i = 1; i <= a.length; i++) {
    next[0] = i;
    const char = a.charCodeAt(i - 1);
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (char === b.charCodeAt(j - 1) ? 0 : 1);
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, replaced);
    }
    [row, next] = [next, row];
  }
  return row[b.length]!;
}

const MAX_ORDER = 4;

/**
 * Sentence BLEU with n-grams up to 4 of words and punctuation marks, 0..1. Orders above 1 are smoothed by adding one
 * (Lin and Och 2004, "smoothing 2"), so that short completions are not all zero.
 */
export function bleu(text: string, reference: string): number {
  const words = wordsOf(text);
  const wanted = wordsOf(reference);
  if (words.length === 0 || wanted.length === 0) {
    return words.length === wanted.length ? 1 : 0;
  }
  let logSum = 0;
  for (let order = 1; order <= MAX_ORDER; order++) {
    const own = grams(words, order);
    const theirs = grams(wanted, order);
    let matches = 0;
    for (const [gram, count] of own) {
      matches += Math.min(count, theirs.get(gram) ?? 0);
    }
    const total = Math.max(0, words.length - order + 1);
    const smoothing = order > 1 ? 1 : 0;
    logSum += Math.log((matches + smoothing) / (total + smoothing));
  }
  const brevity = words.length >= wanted.length ? 1 : Math.exp(1 - wanted.length / words.length);
  return brevity * Math.exp(logSum / MAX_ORDER);
}

function wordsOf(text: string): string[] {
  return text.match(/[\p{L}\p{N}_$]+|[^\p{L}\p{N}_$\s]/gu) ?? [];
}

function grams(words: readonly string[], order: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (let i = 0; i + order <= words.length; i++) {
    const gram = words.slice(i, i + order).join(" ");
    counts.set(gram, (counts.get(gram) ?? 0) + 1);
  }
  return counts;
}
