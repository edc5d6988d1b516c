import { median } from "./statistics";

/** A median with the interval that covers it in 95 of 100 repetitions. */
export interface MedianEstimate {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/**
 * How many times faster one system is, from short slices in turn: stock, own, stock, own, …, stock. Each own slice is compared with
 * the stock slices before and after it, so that a machine that slows down slows both sides of a ratio.
 *
 * @param stock milliseconds of each token in each slice, one slice more than `own`
 */
export function pairedRatios(
  stock: readonly (readonly number[])[],
  own: readonly (readonly number[])[],
): number[] {
  return own.map((slice, index) => {
    const beside = (median(stock[index]!) + median(stock[index + 1]!)) / 2;
    return beside / median(slice);
  });
}

/** By order statistics: no assumption on how the values are distributed. With few values, the interval is all of them. */
export function medianEstimate(values: readonly number[]): MedianEstimate {
  const sorted = [...values].sort((a, b) => a - b);
  const rank = Math.max(0, Math.floor((sorted.length - 1.96 * Math.sqrt(sorted.length)) / 2));
  return { median: median(sorted), low: sorted[rank]!, high: sorted.at(-1 - rank)! };
}
