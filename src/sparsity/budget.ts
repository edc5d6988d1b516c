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

interface Block {
  readonly layer: number;
  readonly rows: number;
  /** Share of its layer's score mass per row. */
  readonly density: number;
}

/**
 * Distributes the rows of {@link uniformBudget} across layers by score mass: block by block to the layer in which the
 * next block holds the largest share of that layer's mass, within `minRatio..maxRatio`. Scores are comparable only
 * within a layer, hence shares; negative scores carry no mass. A layer's blocks fall in density, so taking the
 * densest block first maximises the total share kept.
 *
 * The total is that of the uniform budget, less at most `multiple - 1` rows where a layer's size is no multiple.
 */
export function massBudget(
  scores: readonly Float32Array[],
  ratio: number,
  options: MassBudgetOptions,
): number[] {
  const { multiple, minRatio, maxRatio } = options;
  if (!(minRatio <= ratio && ratio <= maxRatio)) {
    throw new RangeError(`activation ratio ${ratio} is not within ${minRatio}..${maxRatio}`);
  }
  const sizes = scores.map((layer) => layer.length);
  const total = uniformBudget(sizes, ratio, options).reduce((sum, rows) => sum + rows, 0);
  const counts = sizes.map((size) => roundRows(minRatio, size, multiple));
  const limits = sizes.map((size) => roundRows(maxRatio, size, multiple));
  let left = total - counts.reduce((sum, rows) => sum + rows, 0);

  const blocks = scores.flatMap((layer, index) =>
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
  scores: Float32Array,
  layer: number,
  from: number,
  to: number,
  multiple: number,
): Block[] {
  const falling = Float32Array.from(scores, (score) => (score > 0 ? score : 0))
    .sort()
    .reverse();
  const mass = falling.reduce((sum, score) => sum + score, 0);
  const blocks: Block[] = [];
  for (let start = from; start < to; start += multiple) {
    const rows = Math.min(multiple, to - start);
    const held = falling.subarray(start, start + rows).reduce((sum, score) => sum + score, 0);
    blocks.push({ layer, rows, density: mass > 0 ? held / mass / rows : 0 });
  }
  return blocks;
}
