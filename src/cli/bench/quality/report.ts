import type { Environment } from "./environment";
import { plainOf } from "./sections/variants";
import type { MeasuredRun } from "./run";
import { summarise, type Series } from "./summary";

export interface QualityReport {
  readonly environment: Environment;
  /** The metric of the plain way. */
  readonly metric: string;
  readonly seed: number;
  readonly cases: readonly {
    readonly id: string;
    readonly file: string;
    readonly language: string;
    readonly kind: string;
  }[];
  readonly sections: Readonly<Record<string, readonly Series[]>>;
}

/** What series are compared with on the same cases, by section. */
const PLAIN_OF: Readonly<Record<string, (series: string) => string | undefined>> = {
  variants: plainOf,
  "two-level": plainOf,
  metrics: (series) => (series === "corrected-gxo" ? undefined : "corrected-gxo"),
};

/** The report of a run: everything that tables and plots are made from. */
export function makeReport(
  { environment, holes, sections }: MeasuredRun,
  metric: string,
  seed: number,
): QualityReport {
  return {
    environment,
    metric,
    seed,
    cases: holes.map(({ id, file, kind }) => ({ id, file: file.path, language: file.language, kind })),
    sections: Object.fromEntries(
      [...sections].map(([name, cases]) => [name, summarise(cases, PLAIN_OF[name])]),
    ),
  };
}

/** Four significant digits: cases do not tell more. */
export function reportJson(report: QualityReport): string {
  const rounded = JSON.stringify(
    report,
    (_, value: unknown) => (typeof value === "number" ? Number(value.toPrecision(4)) : value),
    1,
  );
  // One line for each estimate and point keeps differences between runs readable.
  return `${rounded.replace(/\{\s*"mean": ([^,]*),\s*"low": ([^,]*),\s*"high": ([^,}\s]*)\s*\}/g, '{"mean": $1, "low": $2, "high": $3}')}\n`;
}
