/** How many rows each layer keeps. All counts are multiples of `multiple`, except a layer kept whole. */

export interface BudgetOptions {
  /** Row counts are rounded to a multiple of this (block size of the packed down projection). */
  readonly multiple: number;
}

export interface MassBudgetOptions extends BudgetOptions {
  /** No layer keeps less than this share of its rows. */
  readonly minRatio: number;
  /** No layer keeps more than this share of its rows. */
  readonly maxRatio: number;
}

/** A ratio is a share of the rows in (0, 1]. */
export function isRatio(value: number): boolean {
  return Number.isFinite(value) && value > 0 && value <= 1;
}

/** Rows of a layer of `size` at `ratio`, rounded to the nearest multiple: at least one multiple; all rows at 1. */
export function roundRows(ratio: number, size: number, multiple: number): number {
  if (!isRatio(ratio)) {
    throw new RangeError(`activation ratio ${ratio} is not in (0, 1]`);
  }
  if (!Number.isInteger(multiple) || multiple < 1) {
    throw new RangeError(`row multiple ${multiple} is not a positive integer`);
  }
  if (ratio === 1) {
    return size;
  }
  const rounded = Math.max(1, Math.round((ratio * size) / multiple)) * multiple;
  return Math.min(rounded, size);
}

/** The same ratio in every layer. */
export function uniformBudget(sizes: readonly number[], ratio: number, options: BudgetOptions): number[] {
  return sizes.map((size) => roundRows(ratio, size, options.multiple));
}

/**
 * Distributes the rows of {@link uniformBudget} across layers by score mass: block by block to the layer in which the
 * next block holds the largest share of that layer's mass, within `minRatio..maxRatio`. For scores that are comparable only
 * within a layer; negative scores carry no mass.
 *
 * The total is that of the uniform budget, less at most `multiple - 1` rows where a layer's size is no multiple.
 */
export function massBudget(
  scores: readonly Float32Array[],
  ratio: number,
  options: MassBudgetOptions,
): number[] {
  const shares = scores.map((layer) => {
    const positive = layer.map((score) => (score > 0 ? score : 0));
    const mass = positive.reduce((sum, score) => sum + score, 0);
    return mass > 0 ? positive.map((score) => score / mass) : positive;
  });
  return distribute(shares, ratio, options);
}

/**
 * As {@link massBudget}, by the error that leaving out a neuron makes: the square of its mean contribution to the output of its
 * layer, which adds up over layers, too. Layers come out very differently: some hardly contribute.
 *
 * @param contributions RMS(x)·‖w_down‖ (the metric wanda), `[layers][n_ff]`
 */
export function errorBudget(
  contributions: readonly Float32Array[],
  ratio: number,
  options: MassBudgetOptions,
): number[] {
  const scales = layerScales(contributions);
  const errors = contributions.map((layer, index) => layer.map((value) => (value * scales[index]!) ** 2));
  return distribute(errors, ratio, options);
}

/**
 * By what contributions of a layer are multiplied to be comparable with those of others: between 1, which takes what a layer adds to the
 * residual stream as it is, and the reciprocal of its norm, which takes all layers for equally important. Both models that were
 * tried (lacuna-9m, lacuna-dev-7m) lose about as little at 1, and much more at the other end.
 */
export function layerScales(contributions: readonly Float32Array[]): number[] {
  return contributions.map((layer) => {
    const cap = usualMost(layer);
    const energy = layer.reduce((sum, value) => sum + Math.min(value, cap) ** 2, 0);
    return energy > 0 ? energy ** -0.25 : 0;
  });
}

/**
 * What hardly any value of a layer exceeds: large models have single neurons that are thousands of times louder than the rest of their
 * layer, at the first token above all (arXiv 2402.17762), and these say nothing about the others.
 */
function usualMost(layer: Float32Array): number {
  const most = layer.slice().sort()[Math.floor(0.99 * (layer.length - 1))]!;
  return most > 0 ? most : Infinity;
}

interface Block {
  readonly layer: number;
  readonly rows: number;
  /** Mean value of its rows. */
  readonly density: number;
}

/** A layer's blocks fall in density, so taking the densest block first maximises the total value kept. */
function distribute(
  values: readonly Float32Array[],
  ratio: number,
  { multiple, minRatio, maxRatio }: MassBudgetOptions,
): number[] {
  if (!(minRatio <= ratio && ratio <= maxRatio)) {
    throw new RangeError(`activation ratio ${ratio} is not within ${minRatio}..${maxRatio}`);
  }
  const sizes = values.map((layer) => layer.length);
  const total = uniformBudget(sizes, ratio, { multiple }).reduce((sum, rows) => sum + rows, 0);
  const counts = sizes.map((size) => roundRows(minRatio, size, multiple));
  const limits = sizes.map((size) => roundRows(maxRatio, size, multiple));
  let left = total - counts.reduce((sum, rows) => sum + rows, 0);

  const blocks = values.flatMap((layer, index) =>
    layerBlocks(layer, index, counts[index]!, limits[index]!, multiple),
  );
  // Array.prototype.sort is stable: equal densities stay in order of layer and rank.
  blocks.sort((a, b) => b.density - a.density);
  for (const block of blocks) {
    if (block.rows <= left) {
      counts[block.layer] = counts[block.layer]! + block.rows;
      left -= block.rows;
    }
  }
  return counts;
}

function layerBlocks(
  values: Float32Array,
  layer: number,
  from: number,
  to: number,
  multiple: number,
): Block[] {
  const falling = values.slice().sort().reverse();
  const blocks: Block[] = [];
  for (let start = from; start < to; start += multiple) {
    const rows = Math.min(multiple, to - start);
    const held = falling.subarray(start, start + rows).reduce((sum, value) => sum + value, 0);
    blocks.push({ layer, rows, density: held / rows });
  }
  return blocks;
}
