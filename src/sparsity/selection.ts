import { errorBudget, massBudget, uniformBudget } from "./budget";
import type { LayerRows } from "./mask";
import { topRows } from "./ranking";

/** What attribution knows of a window, one array or record for each layer. */
export interface Scored {
  /** By the metric that ranks neurons, `[n_ff]`. */
  readonly scores: readonly Float32Array[];
  /** RMS(x)·‖w_down‖ (the metric wanda), `[n_ff]`: comparable between layers. */
  readonly contributions: readonly Float32Array[];
  /** Mean activations, `[n_ff]`. */
  readonly means: readonly Float32Array[];
}

/**
 * How rows are shared out between layers: `error` where leaving them out does most harm, `uniform` the same ratio in every layer,
 * `score-mass` see `budget`.
 */
export type Budget = "error" | "uniform" | "score-mass";

export interface SelectionOptions {
  readonly budget: Budget;
  /** Row counts are rounded to it, as packing needs them. */
  readonly multiple: number;
}

/** No layer keeps less than this share of its uniform part. */
const MIN_SHARE = { error: 0.1, "score-mass": 0.25 } as const;

/** The neurons of each layer that a file keeps, this share of them. */
export function selectNeurons(scored: Scored, ratio: number, options: SelectionOptions): LayerRows[] {
  const { scores, means } = scored;
  const counts = countsOf(scored, ratio, options);
  return scores.map((layer, index) => {
    const rows = topRows(layer, counts[index]!);
    return { size: layer.length, rows, means: means[index]! };
  });
}

function countsOf(
  { scores, contributions }: Scored,
  ratio: number,
  { budget, multiple }: SelectionOptions,
): number[] {
  if (budget === "uniform") {
    return uniformBudget(
      scores.map(({ length }) => length),
      ratio,
      { multiple },
    );
  }
  const options = { multiple, minRatio: ratio * MIN_SHARE[budget], maxRatio: 1 };
  return budget === "error" ? errorBudget(contributions, ratio, options) : massBudget(scores, ratio, options);
}
