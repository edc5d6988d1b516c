/**
 * The `count` highest-scoring rows, ascending. Equal scores keep the lower row, so that a ranking never depends on
 * the sort; NaN ranks below everything.
 *
 * @param scores `[n_ff]`
 * @param count clamped to `0..n_ff`
 */
export function topRows(scores: Float32Array, count: number): Int32Array {
  const keep = Math.max(0, Math.min(Math.trunc(count), scores.length));
  return rankedRows(scores).slice(0, keep).sort();
}

/** All rows, the highest score first, in the order of {@link topRows}. */
export function rankedRows(scores: Float32Array): Int32Array {
  const order = Int32Array.from(scores, (_, row) => row);
  const score = (row: number): number => {
    const value = scores[row]!;
    return Number.isNaN(value) ? -Infinity : value;
  };
  order.sort((a, b) => {
    const x = score(a);
    const y = score(b);
    // Not `y - x`: the difference of two infinities is NaN.
    return x < y ? 1 : x > y ? -1 : a - b;
  });
  return order;
}
