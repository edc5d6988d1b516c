import type { Environment } from "../common/environment";
import type { MeasuredRun } from "./run";
import { ENGINE_SERIES } from "./sections/engine";
import { plainOf } from "./sections/variants";
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
  /** What the product's tokens read and lose, by the share of the FFN's bytes that was asked for; absent: not measured. */
  readonly engine?: readonly EngineRow[];
  readonly sections: Readonly<Record<string, readonly Series[]>>;
}

/** Shares of dense. */
export interface EngineRow {
  readonly share: number;
  /** Of the FFN's bytes, as read. */
  readonly bytes: number;
  /** Relative rise of the loss, and its 95 % interval. */
  readonly rise: number;
  readonly low: number;
  readonly high: number;
  /** Share of positions with the dense model's first choice. */
  readonly agree: number;
}

/** What series are compared with on the same cases, by section. */
const PLAIN_OF: Readonly<Record<string, (series: string) => string | undefined>> = {
  variants: plainOf,
  metrics: (series) => (series === "corrected-gxo" ? undefined : "corrected-gxo"),
  weights: (series) => (series === "wanda" ? undefined : "wanda"),
};

/** The report of a run: everything that tables and plots are made from. */
export function makeReport(
  { environment, holes, sections }: MeasuredRun,
  metric: string,
  seed: number,
): QualityReport {
  const summaries = Object.fromEntries(
    [...sections].map(([name, cases]) => [name, summarise(cases, PLAIN_OF[name])]),
  );
  const engine = engineRows(summaries.engine);
  return {
    environment,
    metric,
    seed,
    ...(engine === undefined ? {} : { engine }),
    cases: holes.map(({ id, file, kind }) => ({ id, file: file.path, language: file.language, kind })),
    sections: summaries,
  };
}

function engineRows(series: readonly Series[] | undefined): EngineRow[] | undefined {
  return series
    ?.find(({ name }) => name === ENGINE_SERIES)
    ?.points.map(({ x, values }) => {
      const { rise, bytes, top1 } = values;
      const { mean, low, high } = rise!;
      return { share: x, bytes: bytes!.mean, rise: mean, low, high, agree: top1!.mean };
    });
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
