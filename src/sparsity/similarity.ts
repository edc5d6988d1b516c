/**
 * How much of a file's content two versions share, from small sketches, so that a mask can be reused without keeping
 * the text it was made from.
 */

/** Hashes kept per file. */
export const SKETCH_SIZE = 256;

/** Words per shingle: long enough that two unrelated files share few. */
const SHINGLE_WORDS = 4;

/**
 * Bottom-k sketch (k = {@link SKETCH_SIZE}) of the text's shingles of {@link SHINGLE_WORDS} consecutive words and
 * punctuation marks: the k smallest distinct hashes, ascending. White space does not count.
 */
export function sketch(text: string): Uint32Array {
  const words = text.match(/[\p{L}\p{N}_$]+|[^\p{L}\p{N}_$\s]/gu) ?? [];
  const hashes = new Set<number>();
  const wordHashes = words.map(fnv1a);
  const last = Math.max(1, words.length - SHINGLE_WORDS + 1);
  for (let start = 0; start < last && words.length > 0; start++) {
    let hash = 0x811c9dc5;
    for (let i = start; i < Math.min(start + SHINGLE_WORDS, words.length); i++) {
      hash = mix(Math.imul(hash, 31) ^ wordHashes[i]!);
    }
    hashes.add(hash);
  }
  return Uint32Array.from(hashes).sort().slice(0, SKETCH_SIZE);
}

/**
 * Estimated Jaccard similarity of two texts' shingle sets, 0..1. Exact while their union has at most
 * {@link SKETCH_SIZE} shingles; beyond that the standard error is `sqrt(J·(1-J)/k)`, at most 0.032.
 */
export function similarity(a: Uint32Array, b: Uint32Array): number {
  if (a.length === 0 && b.length === 0) {
    return 1;
  }
  let i = 0;
  let j = 0;
  let union = 0;
  let shared = 0;
  while (union < SKETCH_SIZE && (i < a.length || j < b.length)) {
    const x = i < a.length ? a[i]! : Infinity;
    const y = j < b.length ? b[j]! : Infinity;
    shared += x === y ? 1 : 0;
    i += x <= y ? 1 : 0;
    j += y <= x ? 1 : 0;
    union++;
  }
  return shared / union;
}

function fnv1a(word: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < word.length; i++) {
    hash = Math.imul(hash ^ word.charCodeAt(i), 0x01000193);
  }
  return hash >>> 0;
}

/** Finaliser of MurmurHash3: the smallest hashes must be a fair sample. */
function mix(hash: number): number {
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
