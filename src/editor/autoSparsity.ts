import type { ModelInfo } from "../engine/protocol";

/**
 * Bytes of FFN weights that stay in a processor's last-level cache from token to token: then reading fewer of them saves less than choosing them
 * costs. lacuna-9m (6 MiB) takes 0.65 ms for a token when it runs dense, and 0.77 to 0.92 ms with 20 to 70 % of its neurons
 * (docs/evidence, rivals); models whose FFN comes from memory for every token gain (docs/evidence/speed.json).
 */
const CACHED_BYTES = 32 * 2 ** 20;

/** Why Auto leaves a model dense; undefined when sparsity can pay. */
export const whyAutoIsDense = ({ ffnBytes }: Pick<ModelInfo, "ffnBytes">): string | undefined =>
  ffnBytes <= CACHED_BYTES
    ? "Runs dense: this model is too small to gain. Choose a share to read less of it all the same."
    : undefined;
