import { ffnShare, levelsFor } from "../../../sparsity/levels";
import type { Metric } from "../../../sparsity/metrics";
import { UsageError } from "../../errors";
import { parseRatios } from "../../ratios";
import type { Configuration } from "./messages";
import { QUANTS, SHAPES } from "./shapes";

/** What can be measured of a model. */
export const EXPERIMENTS = ["ratios", "attribution", "threads", "context"] as const;
export type Experiment = (typeof EXPERIMENTS)[number];

export const STOCK: Configuration = {
  name: "stock",
  stock: true,
  activeRatio: 1,
  levels: { staticRatio: 1, dynamicRatio: 1 },
};

/** The engine's own way to read this share of the FFN. */
export const TYPICAL = twoLevels(0.4);

/** Activation ratios as the papers' tables have them, then the engine's own way at some shares. */
export const DEFAULT_ACTIVE = [1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1];
export const DEFAULT_SHARES = [0.5, 0.4, 0.3, 0.2];

/** Prompt lengths at which the cost of context is measured. */
export const CONTEXTS = [64, 512, 2048] as const;

/** Attribution that needs a forward pass only, and one that needs gradients. */
export const ATTRIBUTED: readonly Metric[] = ["wanda", "corrected-gxo"];

/** Of generated models in the overview. */
export const TABLE_SHAPES = Object.keys(SHAPES);
export const TABLE_QUANTS = QUANTS.filter((quant) => quant !== "F16");

export const defaultConfigurations = (): Configuration[] => [
  ...DEFAULT_ACTIVE.map(single),
  ...DEFAULT_SHARES.map(twoLevels),
];

/** `R` of the neurons, or `S:D`. */
export function parseConfigurations(list: string): Configuration[] {
  return [...new Set(list.split(","))].map((word) => {
    const ratios = parseRatios(word);
    if (ratios === undefined) {
      throw new UsageError(
        `--active needs ratios above 0 and at most 1, or pairs as 0.7:0.35, separated by commas, not ${list}.`,
      );
    }
    return typeof ratios === "number"
      ? { ...single(ratios), name: word.trim() }
      : { name: word.trim(), stock: false, activeRatio: ffnShare(ratios), levels: ratios };
  });
}

/** 1, 2, 4, … and all. */
export function threadCounts(cores: number): number[] {
  const counts = new Set<number>();
  for (let threads = 1; threads < cores; threads *= 2) {
    counts.add(threads);
  }
  return [...counts.add(cores)];
}

function single(ratio: number): Configuration {
  const levels = { staticRatio: ratio, dynamicRatio: 1 };
  return { name: String(ratio), stock: false, activeRatio: ratio, levels };
}

function twoLevels(share: number): Configuration {
  const { staticRatio, dynamicRatio } = levelsFor(share, true);
  // As one would type them.
  const levels = { staticRatio: round(staticRatio), dynamicRatio: round(dynamicRatio) };
  const name = `${levels.staticRatio}:${levels.dynamicRatio}`;
  return { name, stock: false, activeRatio: ffnShare(levels), levels };
}

function round(value: number): number {
  return Number(value.toFixed(3));
}
