/**
 * Scores by which neurons are ranked. `x` is a neuron's activation (the input of `ffn_down`), `g = dF/dx` its
 * gradient, `F` the log-likelihood of the window's labels, `w` its column of `ffn_down`; sums and norms written
 * `‖g‖` run over the neurons of one layer at one token. Unless said otherwise the score is the mean over the
 * window's predicting positions of the per-token value.
 */
export interface MetricDefinition {
  readonly name: Metric;
  /** Whether the score needs gradients, i.e. a backward pass over the window. */
  readonly needsBackward: boolean;
  readonly definition: string;
  readonly source: string;
}

export const METRIC_NAMES = [
  "corrected-gxo",
  "corrected-gxo-weighted",
  "gxo",
  "snip",
  "gradient",
  "magnitude",
  "griffin",
  "wanda",
  "flap",
  "ig",
  "random",
] as const;

export type Metric = (typeof METRIC_NAMES)[number];

/** As a mask for a whole file it loses least, and needs no backward pass: docs/evidence. */
export const DEFAULT_METRIC: Metric = "wanda";

const SPARSE_ACTIVATION = "Achieving Sparse Activation in Small Language Models, arXiv 2406.06562";

export const METRICS: Readonly<Record<Metric, MetricDefinition>> = {
  "corrected-gxo": {
    name: "corrected-gxo",
    needsBackward: true,
    definition: "g·x + ½·|x|·‖g‖: gradient times output, plus the midpoint of its error bound",
    source: SPARSE_ACTIVATION,
  },
  "corrected-gxo-weighted": {
    name: "corrected-gxo-weighted",
    needsBackward: true,
    definition:
      "g·x + ½·|x|·‖g‖·‖w‖/mean‖w‖: the bound of corrected-gxo, in proportion to the neuron's outgoing weight",
    source: "Lacuna, after arXiv 2406.06562",
  },
  gxo: {
    name: "gxo",
    needsBackward: true,
    definition: "g·x: first-order change of F when the neuron is removed (signed)",
    source: SPARSE_ACTIVATION,
  },
  snip: {
    name: "snip",
    needsBackward: true,
    definition: "|g·x|: connection sensitivity",
    source: "SNIP: Single-shot Network Pruning, arXiv 1810.02340",
  },
  gradient: {
    name: "gradient",
    needsBackward: true,
    definition: "g: gradient of F at the neuron's output (signed)",
    source: SPARSE_ACTIVATION,
  },
  magnitude: {
    name: "magnitude",
    needsBackward: false,
    definition: "|x|: size of the activation",
    source: SPARSE_ACTIVATION,
  },
  griffin: {
    name: "griffin",
    needsBackward: false,
    definition: "L2 norm over the window's tokens of x/‖x‖",
    source: "GRIFFIN: Prompt-prompted Adaptive Structured Pruning, arXiv 2404.01365",
  },
  wanda: {
    name: "wanda",
    needsBackward: false,
    definition: "RMS(x)·‖w‖: activation size times outgoing weight",
    source: "A Simple and Effective Pruning Approach for LLMs (Wanda), arXiv 2306.11695",
  },
  flap: {
    name: "flap",
    needsBackward: false,
    definition: "std(x)·‖w‖: fluctuation that a constant bias cannot replace",
    source: "Fluctuation-based Adaptive Structured Pruning (FLAP), arXiv 2312.11983",
  },
  ig: {
    name: "ig",
    needsBackward: true,
    definition: "x·mean of dF/dx along the path from 0 to x: integrated gradients",
    source: "Axiomatic Attribution for Deep Networks, arXiv 1703.01365",
  },
  random: {
    name: "random",
    needsBackward: false,
    definition: "seeded uniform noise: the baseline that every other metric has to beat",
    source: "baseline",
  },
};

export function isMetric(name: string): name is Metric {
  return (METRIC_NAMES as readonly string[]).includes(name);
}
