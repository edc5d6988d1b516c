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
 * Small models find what stands right after the middle token, and hardly what stands before the suffix: of 120 ends of lines lacuna-9m, as it was
 * before it was trained with such lines, completed 0 at the cursor's place, 4 with the line after the middle token and 5 with six lines more, with edit
 * similarities of 0.12, 0.25 and 0.29. `lacuna bench text --lead-lines 0,1,3,6` measures it again.
 *
 * @param parameters of the model
 */
export const leadLinesFor = (parameters: number): number =>
  parameters >= LARGE ? 0 : ANCHOR_LIMITS.leadLines;
