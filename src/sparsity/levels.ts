/**
 * The two levels of sparsity: neurons that a file keeps at all, and of those the ones that a token needs. Gate is read for
 * all that are kept, up and down for those that the token needs.
 */
export interface Levels {
  /** Share of a layer's neurons that are kept, in (0, 1]. */
  readonly staticRatio: number;
  /** Of those, the share whose up and down a token reads on average, in (0, 1]; 1: no thresholds. */
  readonly dynamicRatio: number;
}

export function isLevels(value: unknown): value is Levels {
  const { staticRatio, dynamicRatio } = (value ?? {}) as Partial<Levels>;
  return [staticRatio, dynamicRatio].every((ratio) => typeof ratio === "number" && ratio > 0 && ratio <= 1);
}

export function sameLevels(a: Levels, b: Levels): boolean {
  return a.staticRatio === b.staticRatio && a.dynamicRatio === b.dynamicRatio;
}

/** The share of the FFN's weights that a token reads: what an activation ratio means everywhere. */
export function ffnShare({ staticRatio, dynamicRatio }: Levels): number {
  return staticRatio * ((1 + 2 * dynamicRatio) / 3);
}

/**
 * Keeping more at the first level lets the second choose better, but each gate costs a third of a neuron. Best of several splits
 * for shares from 0.2 to 0.6 (lacuna-9m, lacuna-dev-7m, eight files each).
 */
const KEPT_BEYOND = 0.2;
/** No more than this times the share: at three times, nothing but gates would be read. */
const MOST_KEPT = 2;

/**
 * How a share of the FFN's weights is divided between the levels.
 * @param thresholds false: the first level alone
 */
export function levelsFor(share: number, thresholds: boolean): Levels {
  if (!thresholds || share >= 1) {
    return { staticRatio: share, dynamicRatio: 1 };
  }
  const staticRatio = Math.min(1, share + KEPT_BEYOND, MOST_KEPT * share);
  return { staticRatio, dynamicRatio: ((3 * share) / staticRatio - 1) / 2 };
}
