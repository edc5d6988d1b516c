import type { ContextFile } from "../fim";
import { CHUNK_LINES, identityOf, type Chunk, type ChunkSource } from "./chunk";
import { jaccard, linesOf, wordsOf } from "./words";

/** How much a piece counts besides its likeness: a declaration of a name in sight says more than a file that lies near. */
const WEIGHT: Readonly<Record<ChunkSource, number>> = {
  declaration: 0.3,
  copied: 0.15,
  edited: 0.1,
  import: 0.1,
  left: 0.05,
  saved: 0.03,
  opened: 0,
  sibling: 0,
};
/** Two pieces of one file that have more than this share of the shorter one's lines in common are the same. */
const SAME_PIECE = 0.3;
/** The same for pieces of two files: one file may have two names, or a copy. */
const SAME_FILE = 0.9;
/** Pieces with less in common with the place than this say nothing about it. */
const MIN_LIKENESS = 0.04;

export interface RankRequest {
  /** The text round the cursor. */
  readonly surroundings: string;
  /** Identifies the file that is being edited: pieces of it are in the prompt already. */
  readonly file: string;
  readonly chunks: readonly Chunk[];
  /** Characters of text and paths, all pieces together. */
  readonly budget: number;
}

/**
 * The pieces that are most like the text round the cursor, within the budget, most important last. One piece takes half of the budget at most: of a
 * longer one the lines that are most like the place. A file stands there once: pieces of it that say something else stand one after the other.
 */
export function rankChunks({ surroundings, file, chunks, budget }: RankRequest): ContextFile[] {
  const here = wordsOf(surroundings);
  const scored = chunks
    .filter((chunk) => identityOf(chunk) !== file)
    .map((chunk, age) => ({ chunk, age, likeness: jaccard(here, wordsOf(chunk.text)) }))
    .filter(({ chunk, likeness }) => likeness >= MIN_LIKENESS || chunk.source === "declaration")
    .map(({ chunk, age, likeness }) => ({ chunk, age, score: likeness + WEIGHT[chunk.source] }))
    // Of equal ones the newer.
    .sort((a, b) => b.score - a.score || b.age - a.age);
  const chosen = new Map<string, ContextFile>();
  let left = budget;
  for (const { chunk } of scored) {
    const known = chosen.get(identityOf(chunk));
    const most = Math.max(budget >> 1, 1) - (known === undefined ? 0 : known.text.length);
    const cost = known === undefined ? chunk.path.length + 2 : 2;
    const text = fit(chunk.text, Math.min(left, most) - cost, here);
    const shown = [...chosen.values()].some(
      (other) =>
        other.text.includes(text) || common(other.text, text) > (other === known ? SAME_PIECE : SAME_FILE),
    );
    if (text === "" || shown) {
      continue;
    }
    chosen.set(identityOf(chunk), {
      path: chunk.path,
      text: known === undefined ? text : `${known.text}\n\n${text}`,
    });
    left -= text.length + cost;
  }
  return [...chosen.values()].reverse();
}

/** The share of the shorter one's lines that two pieces have in common. */
function common(a: string, b: string): number {
  const lines = linesOf(a).filter((line) => wordsOf(line).size > 0);
  const others = new Set(linesOf(b).filter((line) => wordsOf(line).size > 0));
  return lines.filter((line) => others.has(line)).length / Math.min(lines.length, others.size);
}

/** The whole lines of `text`, at most `room` characters, that have most in common with `here`. */
export function fit(text: string, room: number, here: ReadonlySet<string>): string {
  if (text.length <= room) {
    return text;
  }
  const lines = text.split("\n").slice(0, 4 * CHUNK_LINES);
  let best = "";
  let bestCommon = 0;
  const step = Math.max(1, lines.length >> 4);
  for (let first = 0; first < lines.length; first += step) {
    let end = first;
    let size = 0;
    while (end < lines.length && size + lines[end]!.length + 1 <= room + 1) {
      size += lines[end]!.length + 1;
      end++;
    }
    const window = lines.slice(first, end).join("\n");
    let common = 0;
    for (const word of wordsOf(window)) {
      common += here.has(word) ? 1 : 0;
    }
    if (common > bestCommon) {
      best = window;
      bestCommon = common;
    }
  }
  return best.trimEnd();
}
