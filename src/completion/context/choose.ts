import type { CursorText } from "../cursor";
import type { ContextFile } from "../fim";
import { mayShow } from "./admission";
import type { Chunk } from "./chunk";
import { rankChunks } from "./rank";

const SURROUNDINGS_BEFORE = 2_000;
const SURROUNDINGS_AFTER = 800;
/** The share of its context that the engine gives to other files, in characters per token of code. */
const BUDGET_SHARE = 0.25;
const CHARACTERS_PER_TOKEN = 3;

/**
 * Characters of other files that are worth gathering.
 * @param contextSize of the model, tokens
 * @param maxKB what the user allows
 */
export const contextBudget = (contextSize: number, maxKB: number): number =>
  Math.min(maxKB * 1_024, Math.floor(contextSize * BUDGET_SHARE * CHARACTERS_PER_TOKEN));

/**
 * The pieces that are to be shown with a place, most important last; nothing that looks like a key is among them.
 * @param file identifies the document's own, of which nothing is shown
 * @param budget characters
 */
export function chooseFiles(
  { prefix, suffix }: CursorText,
  file: string,
  chunks: readonly Chunk[],
  budget: number,
): ContextFile[] {
  return rankChunks({
    surroundings: prefix.slice(-SURROUNDINGS_BEFORE) + suffix.slice(0, SURROUNDINGS_AFTER),
    file,
    chunks: chunks.filter(({ text }) => mayShow(text)),
    budget,
  });
}
