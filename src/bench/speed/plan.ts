import { UsageError } from "../../commandLine/errors";
import { parseRatio } from "../../commandLine/ratios";
import type { Metric } from "../../sparsity/metrics";
import type { Configuration } from "./messages";
import { QUANTS, SHAPES } from "./shapes";

/** What can be measured of a model. */
export const EXPERIMENTS = ["ratios", "attribution", "threads", "context"] as const;
export type Experiment = (typeof EXPERIMENTS)[number];

export const STOCK: Configuration = {
  name: "stock",
  stock: true,
  activeRatio: 1,
};

/** The share that most tables speak of. */
export const TYPICAL = sharing(0.54);

export const DEFAULT_ACTIVE = [1, 0.9, 0.8, 0.7, 0.62, TYPICAL.activeRatio, 0.48, 0.42, 0.36];

/** Prompt lengths at which the cost of context is measured. */
export const CONTEXTS = [64, 512, 2048] as const;

/** Attribution that needs a forward pass only, and one that needs gradients. */
export const ATTRIBUTED: readonly Metric[] = ["wanda", "corrected-gxo"];

/** Of generated models in the overview. */
export const TABLE_SHAPES = Object.keys(SHAPES);
export const TABLE_QUANTS = QUANTS.filter((quant) => quant !== "F16");

export const defaultConfigurations = (): Configuration[] => DEFAULT_ACTIVE.map(sharing);

export function parseConfigurations(list: string): Configuration[] {
  return [...new Set(list.split(","))].map((word) => {
    const ratio = parseRatio(word);
    if (ratio === undefined) {
      throw new UsageError(`--active needs ratios above 0 and at most 1, separated by commas, not ${list}.`);
    }
    return sharing(ratio);
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

function sharing(ratio: number): Configuration {
  return { name: String(ratio), stock: false, activeRatio: ratio };
}
