import type { Estimate } from "../common/bootstrap";
import { percent } from "../common/markdown";
import { pointAt, type Series, type SummaryPoint } from "../quality/summary";

/** What an interval of a difference in loss says. */
export type Verdict = "better" | "worse" | "no difference";

/** Of a difference in the rise of the loss, on the same cases: better is less. An interval that holds zero decides nothing. */
export function verdictOf({ low, high }: Estimate): Verdict {
  return high < 0 ? "better" : low > 0 ? "worse" : "no difference";
}

export function seriesOf(series: readonly Series[] | undefined, name: string): Series | undefined {
  return series?.find((one) => one.name === name);
}

export function valueAt(series: Series | undefined, x: number, name: string): Estimate | undefined {
  return pointAt(series, x)?.values[name];
}

/** `12.3 %`, or a dash. */
export const mean = (estimate: Estimate | undefined): string =>
  estimate === undefined ? "–" : percent(estimate.mean);

/** `12.3 % (10.1 to 14.0)`, or a dash. */
export function riseAt(series: Series | undefined, x: number): string {
  const rise = valueAt(series, x, "rise");
  return rise === undefined ? "–" : withInterval(rise);
}

export function withInterval({ mean: value, low, high }: Estimate): string {
  const bare = (share: number): string => (100 * share).toFixed(1);
  return Number.isFinite(low) ? `${percent(value)} (${bare(low)} to ${bare(high)})` : percent(value);
}

/** `+1.2 points (0.3 to 2.1)` */
export function points({ mean: value, low, high }: Estimate): string {
  const signed = (share: number): string => `${share < 0 ? "−" : "+"}${(100 * Math.abs(share)).toFixed(1)}`;
  return Number.isFinite(low)
    ? `${signed(value)} points (${signed(low)} to ${signed(high)})`
    : `${signed(value)} points`;
}

/** The smallest x from which on every point's mean rise stays below the limit. */
export function smallestWithin(series: Series | undefined, limit: number): SummaryPoint | undefined {
  let found: SummaryPoint | undefined;
  for (const point of [...(series?.points ?? [])].sort((a, b) => b.x - a.x)) {
    if (!(point.values.rise!.mean < limit)) {
      break;
    }
    found = point;
  }
  return found;
}

/** `a, b and c` */
export function list(names: readonly string[]): string {
  return names.length < 2 ? (names[0] ?? "none") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)!}`;
}
