/**
 * Thresholds on |silu(gate)| from a window of the file itself (arXiv 2412.12178: the percentile of a layer's activations).
 * The histograms come from attribution's forward pass; each neuron has its own, because which neurons are kept is not known then.
 */
export interface Gates {
  /** Positions by |silu(gate)|, `[n_ff, BINS]`: bin i holds 2^(i/2 - 12) to 2^((i + 1)/2 - 12). */
  readonly histogram: Uint16Array;
}

export const BINS = 32;
const BINS_PER_OCTAVE = 2;
const FIRST_OCTAVE = -12;

/**
 * The threshold that a share `dynamicRatio` of the values of `rows` reaches, over all positions; within a bin, values are taken to be
 * spread evenly over its logarithm. 0 for a share of 1.
 */
export function thresholdFor(gates: Gates, rows: Int32Array, dynamicRatio: number): number {
  const counts = new Float64Array(BINS);
  for (const row of rows) {
    for (let bin = 0; bin < BINS; bin++) {
      counts[bin]! += gates.histogram[row * BINS + bin]!;
    }
  }
  const total = counts.reduce((sum, count) => sum + count, 0);
  let left = total * dynamicRatio;
  if (dynamicRatio >= 1 || total === 0) {
    return 0;
  }
  for (let bin = BINS - 1; bin >= 0; bin--) {
    const count = counts[bin]!;
    if (count > 0 && left <= count) {
      return 2 ** ((bin + 1 - left / count) / BINS_PER_OCTAVE + FIRST_OCTAVE);
    }
    left -= count;
  }
  return 0;
}
