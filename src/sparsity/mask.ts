import type { LayerChoice } from "./choice";
import type { CurvePoint } from "./guard";
import type { Metric } from "./metrics";

/** The neurons of one layer that stay active. */
export interface LayerRows {
  /** Neurons of the layer, n_ff. */
  readonly size: number;
  /** Active neurons, ascending and unique. */
  readonly rows: Int32Array;
  /** Mean activation `[n_ff]` over the window of the dropped neurons (0 for active ones): their bias. */
  readonly means?: Float32Array;
}

/** Every token chooses for itself among all neurons; or, where a backend or a type of weights has no such operation, the same ones for all tokens. */
export type Selection =
  | { readonly kind: "choice"; readonly layers: readonly LayerChoice[] }
  | { readonly kind: "rows"; readonly layers: readonly LayerRows[] };

/** What a file's tokens read, and where that knowledge comes from. */
export interface Mask {
  /** Of the model file; a mask for another model is worthless. */
  readonly modelFingerprint: string;
  readonly metric: Metric;
  /** The share of the FFN's weights that a token is to read. */
  readonly activeRatio: number;
  /** Sketch of the content that the mask was made from, see `similarity`. */
  readonly sketch: Uint32Array;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** What the mask costs, as measured when it was made. */
  readonly guard: readonly CurvePoint[];
  readonly selection: Selection;
}

/** Neurons of each layer. */
export const layerSizes = ({ kind, layers }: Selection): number[] =>
  kind === "rows" ? layers.map(({ size }) => size) : layers.map(({ gateWeights }) => gateWeights.length);

/**
 * How much `bins` equal slices of each layer count, row-major `[layers, bins]`, 0..1: the share of neurons that are kept; where tokens choose, the mean weight of
 * their neurons in relation to the layer's largest.
 */
export function heatmap(selection: Selection, bins: number): Float32Array {
  const layers =
    selection.kind === "rows"
      ? selection.layers.map(({ size, rows }) => binned(flags(rows, size), bins))
      : selection.layers.map(({ gateWeights }) => inRelation(binned(gateWeights, bins)));
  const values = new Float32Array(layers.length * bins);
  layers.forEach((layer, index) => {
    values.set(layer, index * bins);
  });
  return values;
}

function flags(rows: Int32Array, size: number): Float32Array {
  const kept = new Float32Array(size);
  for (const row of rows) {
    kept[row] = 1;
  }
  return kept;
}

/** Means of equal slices. */
function binned(values: Float32Array, bins: number): Float32Array {
  const sums = new Float64Array(bins);
  const sizes = new Float64Array(bins);
  values.forEach((value, row) => {
    const bin = Math.floor((row * bins) / values.length);
    sums[bin]! += value;
    sizes[bin]! += 1;
  });
  return Float32Array.from(sums, (sum, bin) => (sizes[bin]! > 0 ? sum / sizes[bin]! : 0));
}

function inRelation(values: Float32Array): Float32Array {
  const most = values.reduce((largest, value) => Math.max(largest, value), 0);
  return most > 0 ? values.map((value) => value / most) : values;
}
