import { chooseRatio } from "./guard";
import { sameLevels, type Levels } from "./levels";
import type { Mask } from "./mask";

/** What a remembered mask would be used for. */
export interface MaskUse {
  readonly modelFingerprint: string;
  /** Neurons of each layer. */
  readonly ffnSize: readonly number[];
  readonly metric: string;
  /** What a token is to read, or `auto`: the least that is within `maxQualityLoss`. */
  readonly sparsity: number | Levels | "auto";
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
  const { activeRatio, levels } = mask;
  if (typeof use.sparsity === "number") {
    return activeRatio === use.sparsity ? undefined : `a token reads ${activeRatio} of the FFN with it`;
  }
  const { staticRatio, dynamicRatio } = levels;
  return sameLevels(levels, use.sparsity)
    ? undefined
    : `it keeps ${staticRatio} of the neurons, of which a token reads ${dynamicRatio}`;
}
