import type { CurvePoint } from "./guard";
import type { Levels } from "./levels";
import type { Metric } from "./metrics";

/** The neurons of one layer that stay active. */
export interface LayerMask {
  /** Neurons of the layer, n_ff. */
  readonly size: number;
  /** Active neurons, ascending and unique. */
  readonly rows: Int32Array;
  /** Mean activation `[n_ff]` over the window of the dropped neurons (0 for active ones): their bias. */
  readonly means?: Float32Array;
  /** Of the active neurons, a token leaves out those whose |silu(gate)|, weighted, is below this; absent: none. */
  readonly threshold?: number;
  /** What |silu(gate)| is multiplied with, `[n_ff]` (0 for dropped neurons); absent: 1. */
  readonly weights?: Float32Array;
}

/** Which neurons a file needs, and where that knowledge comes from. */
export interface Mask {
  /** Of the model file; a mask for another model is worthless. */
  readonly modelFingerprint: string;
  readonly metric: Metric;
  /** The share of the FFN's weights that a token is to read, see `levels`. */
  readonly activeRatio: number;
  readonly levels: Levels;
  /** Sketch of the content that the mask was made from, see `similarity`. */
  readonly sketch: Uint32Array;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** What the mask costs, as measured when it was made. */
  readonly guard: readonly CurvePoint[];
  readonly layers: readonly LayerMask[];
}

/** Share of active neurons in `bins` equal slices of each layer, row-major `[layers, bins]`, 0..1. */
export function heatmap(layers: readonly LayerMask[], bins: number): Float32Array {
  const values = new Float32Array(layers.length * bins);
  layers.forEach(({ size, rows }, layer) => {
    const held = new Float64Array(bins);
    const sizes = new Float64Array(bins);
    const binOf = (row: number): number => Math.floor((row * bins) / size);
    for (let row = 0; row < size; row++) {
      sizes[binOf(row)]! += 1;
    }
    for (const row of rows) {
      held[binOf(row)]! += 1;
    }
    for (let bin = 0; bin < bins; bin++) {
      values[layer * bins + bin] = sizes[bin]! > 0 ? held[bin]! / sizes[bin]! : 0;
    }
  });
  return values;
}
