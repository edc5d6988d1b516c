import { unwantedRates, type UnwantedRates } from "../../completion/unwanted";
import { bootstrap, meanOf, type Estimate } from "../common/bootstrap";
import type { Environment } from "../common/environment";
import type { Measured } from "./measures";

type Plain = Exclude<keyof Measured, "unwanted">;
type Rate = "duplicatedLines" | "unbalanced" | "rejected";

/** What is measured on each suggestion, in the order of the tables. */
export const PLAIN: readonly Plain[] = [
  "firstLine",
  "whole",
  "right",
  "similarity",
  "firstLineSimilarity",
  "empty",
  "lines",
];
/** Rates over what is shown, or its lines. */
export const RATES: readonly Rate[] = ["duplicatedLines", "unbalanced", "rejected"];

export type Values = Readonly<Record<Plain | Rate, Estimate>>;

export interface SystemReport {
  readonly name: string;
  readonly values: Values;
  /** By kind of hole. */
  readonly byKind: Readonly<Record<string, Values>>;
  /** The values less those of the rival, on the same cases; absent for the rival itself, and without one. */
  readonly difference?: Readonly<Record<Plain, Estimate>>;
  /** What it showed, in the order of the cases. */
  readonly texts: readonly string[];
}

export interface TextReport {
  readonly environment: Environment;
  readonly seed: number;
  readonly contextSize: number;
  readonly cases: readonly {
    readonly id: string;
    readonly file: string;
    readonly language: string;
    readonly kind: string;
    readonly middle: string;
  }[];
  /** The one that the others are compared with. */
  readonly rival?: string;
  readonly systems: readonly SystemReport[];
}

/** What one system has shown. */
export interface Answers {
  readonly name: string;
  readonly texts: readonly string[];
  readonly measured: readonly Measured[];
}

/**
 * @param kinds of the cases' holes
 * @param rival whose name is to be compared with
 */
export function systemReports(
  answers: readonly Answers[],
  kinds: readonly string[],
  rival: string | undefined,
): SystemReport[] {
  const other = answers.find(({ name }) => name === rival);
  return answers.map(({ name, texts, measured }) => {
    const byKind = [...new Set(kinds)].map((kind) => [
      kind,
      valuesOf(measured.filter((_, index) => kinds[index] === kind)),
    ]);
    return {
      name,
      values: valuesOf(measured),
      byKind: Object.fromEntries(byKind) as Record<string, Values>,
      ...(other === undefined || name === rival ? {} : { difference: difference(measured, other.measured) }),
      texts,
    };
  });
}

function valuesOf(measured: readonly Measured[]): Values {
  const plain = PLAIN.map((name) => [name, meanOf(measured.map((one) => one[name]))]);
  const rates = RATES.map((name) => [name, rateOf(measured, name)]);
  return Object.fromEntries([...plain, ...rates]) as Values;
}

/** A case that shows nothing counts in no rate: not a number when none shows anything. A resample without what is counted counts as zero. */
function rateOf(measured: readonly Measured[], name: Rate): Estimate {
  const shown = measured.map(({ unwanted }) => unwanted).filter((one) => one !== undefined);
  const all = unwantedRates(shown);
  if (all[name] === undefined) {
    return { mean: NaN, low: NaN, high: NaN };
  }
  const rate = (rates: UnwantedRates): number => rates[name] ?? 0;
  return bootstrap(shown.length, (cases) => rate(unwantedRates(Array.from(cases, (index) => shown[index]!))));
}

function difference(own: readonly Measured[], other: readonly Measured[]): Record<Plain, Estimate> {
  const entries = PLAIN.map((name) => [
    name,
    meanOf(own.map((measured, index) => measured[name] - other[index]![name])),
  ]);
  return Object.fromEntries(entries) as Record<Plain, Estimate>;
}

/** Four significant digits: cases do not tell more. */
export function textJson(report: TextReport): string {
  const rounded = JSON.stringify(
    report,
    (_, value: unknown) => (typeof value === "number" ? Number(value.toPrecision(4)) : value),
    1,
  );
  return `${rounded.replace(/\{\s*"mean": ([^,]*),\s*"low": ([^,]*),\s*"high": ([^,}\s]*)\s*\}/g, '{"mean": $1, "low": $2, "high": $3}')}\n`;
}
