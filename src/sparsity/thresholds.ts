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

/** Some of the neurons of a layer. */
export interface Candidates {
  readonly gates: Gates;
  readonly rows: Int32Array;
  /** What |silu(gate)| is multiplied with, `[n_ff]`; absent: 1. */
  readonly weights?: Float32Array;
}

/** Of the sum of all histograms, moved by the neurons' weights: 2^(i/8 - 64) to 2^((i + 1)/8 - 64). */
const FINE_PER_OCTAVE = 8;
const FINE_FIRST_OCTAVE = -64;
const FINE_BINS = 128 * FINE_PER_OCTAVE;
const SPREAD = FINE_PER_OCTAVE / BINS_PER_OCTAVE;

/**
 * The threshold that a share `dynamicRatio` of the values of all candidates reaches, over all positions; within a bin, values are taken
 * to be spread evenly over its logarithm. 0 for a share of 1.
 */
export function commonThreshold(layers: readonly Candidates[], dynamicRatio: number): number {
  const counts = new Float64Array(FINE_BINS);
  for (const layer of layers) {
    addTo(counts, layer);
  }
  const total = counts.reduce((sum, count) => sum + count, 0);
  let left = total * dynamicRatio;
  if (dynamicRatio >= 1 || total === 0) {
    return 0;
  }
  for (let bin = FINE_BINS - 1; bin >= 0; bin--) {
    const count = counts[bin]!;
    if (count > 0 && left <= count) {
      return 2 ** ((bin + 1 - left / count) / FINE_PER_OCTAVE + FINE_FIRST_OCTAVE);
    }
    left -= count;
  }
  return 0;
}

/** {@link commonThreshold} of one layer, all of whose neurons weigh the same. */
export function thresholdFor(gates: Gates, rows: Int32Array, dynamicRatio: number): number {
  return commonThreshold([{ gates, rows }], dynamicRatio);
}

function addTo(counts: Float64Array, { gates, rows, weights }: Candidates): void {
  for (const row of rows) {
    const octave = FIRST_OCTAVE - FINE_FIRST_OCTAVE + Math.log2(weights?.[row] ?? 1);
    const first = Math.round(octave * FINE_PER_OCTAVE);
    for (let bin = 0; bin < BINS; bin++) {
      const count = gates.histogram[row * BINS + bin]!;
      for (let fine = 0; count > 0 && fine < SPREAD; fine++) {
        // A weight of 0 is in the lowest bin.
        const at = Math.max(0, Math.min(FINE_BINS - 1, first + bin * SPREAD + fine));
        counts[at]! += count / SPREAD;
      }
    }
  }
}
