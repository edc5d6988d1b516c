import { chooseRatio } from "./guard";
import type { Mask } from "./mask";

/** What a remembered mask would be used for. */
export interface MaskUse {
  readonly modelFingerprint: string;
  /** Neurons of each layer. */
  readonly ffnSize: readonly number[];
  readonly metric: string;
  /** A ratio, or `auto`: the smallest one within `maxQualityLoss`. */
  readonly sparsity: number | "auto";
  readonly maxQualityLoss: number;
}

/** Why a remembered mask does not serve, to end "Ignoring a remembered mask: "; undefined when it does. */
export function mismatch(mask: Mask, use: MaskUse): string | undefined {
  const sameSizes =
    mask.layers.length === use.ffnSize.length &&
    mask.layers.every(({ size }, layer) => size === use.ffnSize[layer]);
  if (mask.modelFingerprint !== use.modelFingerprint || !sameSizes) {
    return "it was made for another model";
  }
  if (mask.metric !== use.metric) {
    return `it was made with the metric ${mask.metric}`;
  }
  if (use.sparsity === "auto") {
    const chosen = chooseRatio(mask.guard, use.maxQualityLoss);
    return chosen === mask.activeRatio ? undefined : "it is not what the tolerated quality loss asks for";
  }
  return mask.activeRatio === use.sparsity ? undefined : `it keeps ${mask.activeRatio} of the neurons`;
}
