import type { Metric } from "../../sparsity/metrics";
import type { SourceFile } from "../common/sourceFiles";
import type { Point } from "../common/store";
import type { CaseBench } from "./caseBench";
import type { Profiles } from "./profiles";

export interface SectionSettings {
  readonly metrics: readonly Metric[];
  /** The plain way's metric, which variants are compared with. */
  readonly metric: Metric;
}

/** The metrics that are measured on this case. */
export function metricsOn({ withIg }: CaseBench, { metrics }: SectionSettings): readonly Metric[] {
  return metrics.filter((metric) => withIg || metric !== "ig");
}

/** One part of the bench: what it measures on each case. */
export interface Section {
  readonly name: string;
  /** Raised when it measures something else than before: then nothing is taken from an interrupted run. */
  readonly version: number;
  /** Whether {@link SectionTools.profiles} are needed. */
  readonly usesProfiles?: true;
  /** Whether it measures {@link metricsOn}. */
  readonly usesMetrics?: true;
  measure(bench: CaseBench, tools: SectionTools): Promise<Point[]>;
}

export interface SectionTools {
  readonly settings: SectionSettings;
  readonly profiles: Profiles;
  /** All files that holes are cut into. */
  readonly files: readonly SourceFile[];
  readonly signal: AbortSignal;
}
