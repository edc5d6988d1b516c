import { ANCHOR_LIMITS } from "./anchor";

/** Parameters from which on a model is large: below are the small ones of the shipped kind, above the smallest of the published families. */
const LARGE = 300e6;

/**
 * Whole lines before the cursor's that a prompt has after the middle token (`AnchorLimits.leadLines`).
 *
 * Large models have been trained on billions of examples whose middle begins at any character (Bavarian et al. 2022, all families of
 * `fim.ts`): they read on from the end of a prefix on the other side of a suffix. Only the cursor's line goes after the middle token, for the KV
 * cache's sake, as llama.vim and llama.vscode do it with such models.
 *
 * Small models find what stands right after the middle token, and hardly what stands before the suffix: in 120 holes, the first lines of lacuna-9m are
 * 25 % like the author's with the cursor's line alone, 32 and 33 % with one and three lines more, 35 % with six, though two fifths of what it learnt
 * filling in from had no such lines. `lacuna bench text --server none --lead-lines 0,1,3,6` measures it again.
 *
 * @param parameters of the model
 */
export const leadLinesFor = (parameters: number): number =>
  parameters >= LARGE ? 0 : ANCHOR_LIMITS.leadLines;
