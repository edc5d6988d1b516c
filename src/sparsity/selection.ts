import { errorBudget, layerScales, massBudget, uniformBudget } from "./budget";
import type { Levels } from "./levels";
import type { LayerMask } from "./mask";
import { topRows } from "./ranking";
import { commonThreshold, type Candidates, type Gates } from "./thresholds";

/** What attribution knows of a window, one array or record for each layer. */
export interface Scored {
  /** By the metric that ranks neurons, `[n_ff]`. */
  readonly scores: readonly Float32Array[];
  /** RMS(x)·‖w_down‖ (the metric wanda), `[n_ff]`: comparable between layers. */
  readonly contributions: readonly Float32Array[];
  /** Mean activations, `[n_ff]`. */
  readonly means: readonly Float32Array[];
  /** Absent where there is no second level. */
  readonly gates?: readonly GateStatistics[];
}

export interface GateStatistics extends Gates {
  /** E|up|, `[n_ff]`. */
  readonly up: Float32Array;
  /** ‖w_down‖, `[n_ff]`. */
  readonly down: Float32Array;
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

/** The neurons of each layer that a file keeps, and what a token's choice among them goes by. */
export function selectNeurons(scored: Scored, levels: Levels, options: SelectionOptions): LayerMask[] {
  const { scores, means, gates } = scored;
  const counts = countsOf(scored, levels.staticRatio, options);
  const layers = scores.map((layer, index): LayerMask => {
    const rows = topRows(layer, counts[index]!);
    return { size: layer.length, rows, means: means[index]! };
  });
  return gates === undefined || levels.dynamicRatio === 1
    ? layers
    : withThresholds(layers, gates, scored.contributions, levels.dynamicRatio);
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

/**
 * A neuron's part in its layer's output is expected to be |silu(gate)|·E|up|·‖w_down‖. Of all neurons of all layers, a token reads
 * those where that is largest, so layers differ in how many are read.
 */
function withThresholds(
  layers: readonly LayerMask[],
  gates: readonly GateStatistics[],
  contributions: readonly Float32Array[],
  dynamicRatio: number,
): LayerMask[] {
  const scales = layerScales(contributions);
  const candidates = layers.map(({ rows }, index): Required<Candidates> => {
    const { up, down } = gates[index]!;
    const weights = new Float32Array(up.length);
    for (const row of rows) {
      weights[row] = up[row]! * down[row]! * scales[index]!;
    }
    return { gates: gates[index]!, rows, weights };
  });
  const threshold = commonThreshold(candidates, dynamicRatio);
  return layers.map((layer, index) => {
    // Weights are 1 on average, so that they can be stored in few bits.
    const { weights } = candidates[index]!;
    const mean = weights.reduce((sum, weight) => sum + weight, 0) / Math.max(1, layer.rows.length);
    return mean > 0
      ? { ...layer, threshold: threshold / mean, weights: weights.map((weight) => weight / mean) }
      : { ...layer, threshold: 0 };
  });
}
