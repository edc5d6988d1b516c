import type { StudyMask } from "../../engine/study";
import { errorBudget, massBudget, roundRows, uniformBudget } from "../../sparsity/budget";
import { rankedRows } from "../../sparsity/ranking";

/** Scores of every layer, `[layers][n_ff]`. */
export type Scores = readonly Float32Array[];

export const RATIOS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1] as const;

/** Where variants are compared. */
export const COMPARED_RATIOS = [0.3, 0.5, 0.7] as const;

/** As the engine allocates them, see `Sparsifier`. */
const MIN_SHARE = 0.25;
const MIN_ERROR_SHARE = 0.1;

/** Ranks layers once for all ratios. */
export class Masks {
  private readonly orders = new WeakMap<Float32Array, Int32Array>();

  /** @param multiple row counts are rounded to it, as packing needs them */
  constructor(private readonly multiple: number) {}

  /** @param budget the same ratio in every layer, rows where the score mass is, or where contributions (Wanda) are missed most */
  keep(scores: Scores, ratio: number, budget: "uniform" | "score-mass" | Scores = "uniform"): StudyMask[] {
    const { multiple } = this;
    const counts =
      budget === "uniform" || ratio === 1
        ? uniformBudget(
            scores.map(({ length }) => length),
            ratio,
            { multiple },
          )
        : budget === "score-mass"
          ? massBudget(scores, ratio, { multiple, minRatio: ratio * MIN_SHARE, maxRatio: 1 })
          : errorBudget(budget, ratio, { multiple, minRatio: ratio * MIN_ERROR_SHARE, maxRatio: 1 });
    return scores.map((layer, index) => ({ keep: flags(this.order(layer), counts[index]!) }));
  }

  /** The rows of {@link keep}, ascending. */
  rows(scores: Scores, ratio: number): Int32Array[] {
    return scores.map((layer) =>
      this.order(layer)
        .slice(0, roundRows(ratio, layer.length, this.multiple))
        .sort(),
    );
  }

  private order(scores: Float32Array): Int32Array {
    const known = this.orders.get(scores) ?? rankedRows(scores);
    this.orders.set(scores, known);
    return known;
  }
}

function flags(order: Int32Array, count: number): Uint8Array {
  const keep = new Uint8Array(order.length);
  for (const row of order.subarray(0, count)) {
    keep[row] = 1;
  }
  return keep;
}

/** Masks with the means that dropped neurons leave behind. */
export function withMeans(masks: readonly StudyMask[], means: readonly Float32Array[]): StudyMask[] {
  return masks.map((mask, layer) => ({ ...mask, means: means[layer]! }));
}

/** Share of the neurons kept by `a` that `b` keeps, too; mean over the layers. */
export function overlap(a: readonly StudyMask[], b: readonly StudyMask[]): number {
  const shares = a.map(({ keep }, layer) => {
    const other = b[layer]!.keep!;
    let kept = 0;
    let both = 0;
    keep!.forEach((flag, row) => {
      kept += flag;
      both += flag & other[row]!;
    });
    return both / kept;
  });
  return shares.reduce((sum, share) => sum + share, 0) / shares.length;
}

/** Scores that can be added across texts: each layer's absolute sum is 1. */
export function normalised(scores: Scores): Float32Array[] {
  return scores.map((layer) => {
    const sum = layer.reduce((total, score) => total + Math.abs(score), 0);
    return sum > 0 ? layer.map((score) => score / sum) : layer;
  });
}

/** Mean of scores of the same shape. */
export function meanScores(all: readonly Scores[]): Float32Array[] {
  return all[0]!.map((first, layer) => {
    const mean = new Float32Array(first.length);
    for (const scores of all) {
      scores[layer]!.forEach((score, row) => (mean[row]! += score / all.length));
    }
    return mean;
  });
}
