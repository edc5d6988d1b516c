import { meanOf, relativeRise, riseDifference, type Estimate } from "../common/bootstrap";
import type { Point } from "../common/store";

export interface SummaryPoint {
  readonly x: number;
  /** Cases that have this point. */
  readonly cases: number;
  /** Means over the cases; where losses were measured also `rise`, the relative rise of the mean loss over dense. */
  readonly values: Readonly<Record<string, Estimate>>;
}

export interface Series {
  readonly name: string;
  readonly points: readonly SummaryPoint[];
}

interface Gathered {
  readonly values: Readonly<Record<string, number>>;
  readonly caseIndex: number;
}

/**
 * What all cases have in common.
 *
 * @param cases points of each case
 * @param plainOf the series that one is compared with on the same cases, as `difference` of `rise`
 */
export function summarise(
  cases: readonly (readonly Point[])[],
  plainOf: (series: string) => string | undefined = () => undefined,
): Series[] {
  const series = new Map<string, Map<number, Gathered[]>>();
  cases.forEach((points, caseIndex) => {
    for (const { series: name, x, values } of points) {
      const byX = series.get(name) ?? new Map<number, Gathered[]>();
      series.set(name, byX);
      byX.set(x, [...(byX.get(x) ?? []), { values, caseIndex }]);
    }
  });
  return [...series].map(([name, byX]) => ({
    name,
    points: [...byX]
      .sort(([a], [b]) => a - b)
      .map(([x, found]) => {
        const plain = plainOf(name);
        const base = plain === undefined ? undefined : series.get(plain)?.get(x);
        return { x, cases: found.length, values: estimates(found, base) };
      }),
  }));
}

function estimates(
  found: readonly Gathered[],
  plain: readonly Gathered[] | undefined,
): Record<string, Estimate> {
  const column = (name: string): number[] =>
    found.map(({ values }) => values[name]).filter((value) => value !== undefined);
  const result: Record<string, Estimate> = {};
  const names = new Set(found.flatMap(({ values }) => Object.keys(values)));
  for (const name of names) {
    if (name !== "loss" && name !== "dense") {
      result[name] = meanOf(column(name));
    }
  }
  if (names.has("loss") && names.has("dense")) {
    result.rise = relativeRise(column("loss"), column("dense"));
    const others = found.map(({ caseIndex }) => plain?.find((other) => other.caseIndex === caseIndex));
    const losses = others.map((other) => other?.values.loss).filter((loss) => loss !== undefined);
    if (losses.length === found.length) {
      result.difference = riseDifference(column("loss"), losses, column("dense"));
    }
  }
  return result;
}

export function pointAt(series: Series | undefined, x: number): SummaryPoint | undefined {
  return series?.points.find((point) => Math.abs(point.x - x) < 1e-9);
}
