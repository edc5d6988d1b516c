import type { StudyMask } from "../../../engine/study";
import { quantile } from "../../common/bootstrap";
import type { Point } from "../../common/store";
import { LEVELS, sizesOf } from "../profiles";
import type { Section } from "../section";

/** Shares of activations that enforced thresholds take away. */
const ALPHAS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9] as const;

/** Levels at which distributions are reported. */
const SHOWN = LEVELS.filter(
  (level) => Math.abs(level * 20 - Math.round(level * 20)) < 1e-9 || level === 0.99,
);

/**
 * The analysis of arXiv 2412.12178: how |x| is distributed in each layer, and what it costs to zero every activation below
 * the layer's α-percentile in other files. Sizes of outgoing weights beside it.
 */
export const ACTIVATIONS_SECTION: Section = {
  name: "activations",
  version: 2,
  usesProfiles: true,
  async measure(bench, { profiles }) {
    const { lab, hole } = bench;
    const points: Point[] = [];
    const add = (series: string, levels: readonly number[], sizes: ArrayLike<number>): void => {
      levels.forEach((x, index) => points.push({ series, x, values: { size: sizes[index]! } }));
    };
    const sizes = await sizesOf(bench);
    for (const layer of lab.layers) {
      const at = (level: number): number => sizes[layer]![LEVELS.indexOf(level)]!;
      add(`|x|, layer ${layer}`, SHOWN, SHOWN.map(at));
      const norms = lab.downNorms(layer).slice().sort();
      add(
        `‖w‖, layer ${layer}`,
        SHOWN,
        SHOWN.map((level) => quantile(norms, level)),
      );
    }
    const neurons = lab.ffnSize.reduce((sum, size) => sum + size, 0);
    for (const alpha of ALPHAS) {
      const thresholds = lab.layers.map((layer) => profiles.threshold(hole.file.path, layer, alpha));
      if (thresholds.every((threshold) => threshold !== undefined)) {
        const layers = thresholds.map((threshold): StudyMask => ({
          choice: { by: "x", threshold: threshold },
        }));
        const point = await bench.point("enforced thresholds", alpha, layers);
        const sparsity = 1 - (point.values.active! * lab.layerCount) / neurons;
        points.push({ ...point, values: { ...point.values, sparsity } });
      }
    }
    return points;
  },
};
