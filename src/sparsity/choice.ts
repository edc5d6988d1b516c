/**
 * What a token reads of a gated FFN when it chooses for itself, in three stages (`native/addon/lacuna-choice.h`): up of every neuron; gate of those with the largest
 * |u|·weight; of those, down of the ones with the largest |silu(g)·u|·weight, the best of them with every bit of their codes, all others
 * with the upper ones only. The weights are the file's own and come from attribution.
 */
export interface LayerChoice {
  /** `[n_ff]`, not negative. */
  readonly gateWeights: Float32Array;
  /** `[n_ff]`, not negative. */
  readonly downWeights: Float32Array;
}

/** Shares of a layer's neurons, `0 < full <= down <= gate <= 1`. */
export interface Tiers {
  /** Whose gate is read. */
  readonly gate: number;
  /** Of which down is. */
  readonly down: number;
  /** Of which every bit is. */
  readonly full: number;
}

/** RMS of up and of silu(gate)·up over a window, `[n_ff]`: see `engine/native`. */
export interface Sizes {
  readonly up: Float32Array;
  readonly x: Float32Array;
}

/** Bytes of a layer: see `engine/native`. */
export interface PlaneBytes {
  readonly file: number;
  readonly up: number;
  readonly gate: number;
  readonly down: number;
  readonly shared: number;
  readonly rest: number;
}

/**
 * How the stages share what is read, from the least to everything; in between, they are on straight lines. Best of what was tried on
 * Qwen2.5-Coder 0.5B and 1.5B (docs/kernels.md).
 */
const PATH: readonly Tiers[] = [
  { gate: 0.02, down: 0.02, full: 0.005 },
  { gate: 0.3, down: 0.2, full: 0.03 },
  { gate: 0.5, down: 0.35, full: 0.05 },
  { gate: 0.7, down: 0.5, full: 0.12 },
  { gate: 0.85, down: 0.65, full: 0.25 },
  { gate: 1, down: 0.9, full: 0.6 },
  { gate: 1, down: 1, full: 1 },
];

/** No smaller than this in relation to the norm of the layer: what hardly moves says nothing of how much it counts. */
const LEAST_SIZE = 1e-6;

/**
 * Per layer, what |u| and |x| are multiplied with to be what the neuron is expected to count for: a score of the window, which is a mean over its tokens,
 * divided by how large u and x are there. With the metric wanda the second one is ‖w_down‖.
 * Undefined: a score or a size is not a number, as damaged weights make them.
 */
export function choiceOf(
  scores: readonly Float32Array[],
  sizes: readonly Sizes[],
): readonly LayerChoice[] | undefined {
  const layers = scores.map((layer, index): LayerChoice => {
    const { up, x } = sizes[index]!;
    return { gateWeights: ratios(layer, up), downWeights: ratios(layer, x) };
  });
  const isNumber = (values: Float32Array): boolean => values.every(Number.isFinite);
  return layers.every(({ gateWeights, downWeights }) => isNumber(gateWeights) && isNumber(downWeights))
    ? layers
    : undefined;
}

function ratios(scores: Float32Array, sizes: Float32Array): Float32Array {
  const least = LEAST_SIZE * Math.sqrt(sizes.reduce((sum, size) => sum + size * size, 0));
  return scores.map((score, row) =>
    score > 0 ? score / Math.max(sizes[row]!, least) : score <= 0 ? 0 : NaN,
  );
}

/** The share of the FFN's bytes that a token reads. */
export function choiceShare({ gate, down, full }: Tiers, layers: readonly PlaneBytes[]): number {
  const sum = (of: (layer: PlaneBytes) => number): number =>
    layers.reduce((total, layer) => total + of(layer), 0);
  const read = sum((l) => l.up + l.shared + gate * l.gate + down * l.down + full * l.rest);
  return read / sum(({ file }) => file);
}

/** The tiers that read this share of the FFN's bytes: at least those of up and of what all columns have in common. */
export function tiersFor(share: number, layers: readonly PlaneBytes[]): Tiers {
  const at = (place: number): Tiers => {
    const from = PATH[Math.min(Math.floor(place), PATH.length - 2)]!;
    const to = PATH[Math.min(Math.floor(place), PATH.length - 2) + 1]!;
    const part = place - Math.min(Math.floor(place), PATH.length - 2);
    const between = (key: keyof Tiers): number => from[key] + part * (to[key] - from[key]);
    return { gate: between("gate"), down: between("down"), full: between("full") };
  };
  let low = 0;
  let high = PATH.length - 1;
  for (let step = 0; step < 30; step++) {
    const middle = (low + high) / 2;
    if (choiceShare(at(middle), layers) < share) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return at(low);
}

/** Of a layer of `size` neurons: how many each stage reads. */
export function tierCounts({ gate, down, full }: Tiers, size: number): Readonly<Record<keyof Tiers, number>> {
  const count = (share: number, least: number): number =>
    Math.min(size, Math.max(least, Math.round(share * size)));
  return { gate: count(gate, 1), down: count(down, 1), full: count(full, 0) };
}
