import { generator } from "./random";

/** A statistic over cases, with the interval that 95 % of the bootstrap's resamples of the cases give. */
export interface Estimate {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

const RESAMPLES = 2000;

/**
 * Percentile bootstrap over the cases `0..count-1`.
 *
 * @param statistic of the cases with these indices; one may occur several times
 */
export function bootstrap(
  count: number,
  statistic: (cases: Int32Array) => number,
  resamples = RESAMPLES,
): Estimate {
  const mean = statistic(Int32Array.from({ length: count }, (_, i) => i));
  if (count < 2) {
    return { mean, low: NaN, high: NaN };
  }
  const random = generator(1);
  const sample = new Int32Array(count);
  const values = Float64Array.from({ length: resamples }, () => {
    for (let i = 0; i < count; i++) {
      sample[i] = Math.floor(random() * count);
    }
    return statistic(sample);
  }).sort();
  return { mean, low: quantile(values, 0.025), high: quantile(values, 0.975) };
}

/** Mean over the cases. */
export function meanOf(values: readonly number[]): Estimate {
  return bootstrap(values.length, (cases) => average(values, cases));
}

/** Mean of `values` over the mean of `base`, less one: a relative rise. */
export function relativeRise(values: readonly number[], base: readonly number[]): Estimate {
  return bootstrap(values.length, (cases) => average(values, cases) / average(base, cases) - 1);
}

/** Relative rise of `values` less that of `others`, on the same cases. */
export function riseDifference(
  values: readonly number[],
  others: readonly number[],
  base: readonly number[],
): Estimate {
  return bootstrap(
    values.length,
    (cases) => (average(values, cases) - average(others, cases)) / average(base, cases),
  );
}

function average(values: readonly number[], cases: Int32Array): number {
  let sum = 0;
  for (const index of cases) {
    sum += values[index]!;
  }
  return sum / cases.length;
}

/** Of ascending values, interpolated; `share` in 0..1. */
export function quantile(ascending: ArrayLike<number>, share: number): number {
  const at = share * (ascending.length - 1);
  const below = Math.floor(at);
  const above = Math.min(below + 1, ascending.length - 1);
  return ascending[below]! + (at - below) * (ascending[above]! - ascending[below]!);
}
