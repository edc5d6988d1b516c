import { chooseRatio } from "./guard";
import { layerSizes, type Mask, type Selection } from "./mask";

/** What a remembered mask would be used for. */
export interface MaskUse {
  readonly modelFingerprint: string;
  /** Neurons of each layer. */
  readonly ffnSize: readonly number[];
  readonly metric: string;
  /** What a token is to read, or `auto`: the least that is within `maxQualityLoss`. */
  readonly sparsity: number | "auto";
  /** What the model can do here. */
  readonly kind: Selection["kind"];
  readonly maxQualityLoss: number;
}

/** Why a remembered mask does not serve, to end "Ignoring a remembered mask: "; undefined when it does. */
export function mismatch(mask: Mask, use: MaskUse): string | undefined {
  const sizes = layerSizes(mask.selection);
  const sameSizes =
    sizes.length === use.ffnSize.length && sizes.every((size, layer) => size === use.ffnSize[layer]);
  if (mask.modelFingerprint !== use.modelFingerprint || !sameSizes) {
    return "it was made for another model";
  }
  if (mask.selection.kind !== use.kind) {
    return "it was made for another device";
  }
  if (mask.metric !== use.metric) {
    return `it was made with the metric ${mask.metric}`;
  }
  if (use.sparsity === "auto") {
    const chosen = chooseRatio(mask.guard, use.maxQualityLoss);
    return chosen === mask.activeRatio ? undefined : "it is not what the tolerated quality loss asks for";
  }
  const { activeRatio } = mask;
  return activeRatio === use.sparsity ? undefined : `a token reads ${activeRatio} of the FFN with it`;
}
