import path from "node:path";
import { llamaVersions } from "../../../engine/llama";
import type { Context } from "../../context";
import { CliError } from "../../errors";
import { CaseBench } from "./caseBench";
import { describeEnvironment, type Environment } from "./environment";
import { cutHoles, type Hole } from "./holes";
import { Lab } from "./lab";
import { Profiles } from "./profiles";
import type { Section, SectionSettings } from "./section";
import type { SourceFile } from "./sourceFiles";
import { Store, type Point } from "./store";
import { RIVALS, measureRivals, type RivalSetup } from "./rivals";

export interface RunOptions extends SectionSettings {
  readonly modelPath: string;
  readonly files: readonly SourceFile[];
  readonly cases: number;
  readonly seed: number;
  readonly sections: readonly Section[];
  /** Absent: the section of rivals is left out. */
  readonly rivals?: RivalSetup;
  readonly threads: number;
  readonly igSteps: number;
  readonly out: string;
  readonly fresh: boolean;
}

export interface MeasuredRun {
  readonly environment: Environment;
  readonly holes: readonly Hole[];
  /** Section → points of each case, in the order of `holes`. */
  readonly sections: ReadonlyMap<string, readonly (readonly Point[])[]>;
}

/** Where measurements of finished cases are kept, in the report's folder. */
export const STORE_FILE = "cases.jsonl";

/** Characters round a hole: room for the longest window and for the measured tokens. */
const BEFORE = 1600;
const AFTER = 500;

/** Measures every section on every case, taking what an interrupted run has measured. */
export async function runQuality(options: RunOptions, context: Context): Promise<MeasuredRun> {
  const { progress, signal, install } = context;
  const store = new Store(path.join(options.out, STORE_FILE), options.fresh);
  const lab = await Lab.load(options.modelPath, options.threads, signal, (fraction) => {
    progress.report("Loading the model", fraction);
  });
  try {
    const benches = usableCases(lab, options, signal);
    const environment = describeEnvironment(
      install.root,
      options.modelPath,
      options.threads,
      await llamaVersions(lab.session.model.llama),
    );
    const profiles = new Profiles(options.metric);
    const meter = new Meter(benches.length * options.sections.length, context);
    const sections = new Map<string, (readonly Point[])[]>();
    const keys = (section: Section): string[] => benches.map((bench) => keyOf(section, bench, lab, options));
    if (
      options.sections.some((section) => section.usesProfiles && keys(section).some((key) => !store.get(key)))
    ) {
      for (const [index, bench] of benches.entries()) {
        progress.report("Looking at all files", index / benches.length);
        await profiles.add(bench);
        await bench.dispose();
      }
    }
    for (const [index, bench] of benches.entries()) {
      for (const section of options.sections) {
        const key = keys(section)[index]!;
        const known = store.get(key);
        const points =
          known ??
          (await section.measure(bench, { settings: options, profiles, files: options.files, signal }));
        if (known === undefined) {
          store.add(key, points);
        }
        meter.done(known === undefined);
        sections.set(section.name, [...(sections.get(section.name) ?? []), store.get(key)!]);
      }
      await bench.dispose();
    }
    if (options.rivals !== undefined) {
      sections.set(RIVALS, await measureRivals(benches, lab, options.rivals, store, context));
    }
    progress.end();
    return { environment, holes: benches.map(({ hole }) => hole), sections };
  } finally {
    await lab.dispose();
  }
}

function usableCases(lab: Lab, options: RunOptions, signal: AbortSignal): CaseBench[] {
  const { files, cases, seed, igSteps } = options;
  // More than asked for: some lie too near to their file's beginning or end, which only the tokenizer can tell.
  const holes = cutHoles(files, { count: 2 * cases, seed, before: BEFORE, after: AFTER });
  const benches: CaseBench[] = [];
  for (const hole of holes) {
    const bench = benches.length < cases ? CaseBench.create(lab, hole, igSteps, signal) : undefined;
    if (bench !== undefined) {
      benches.push(bench);
    }
  }
  if (benches.length === 0) {
    throw new CliError(`No file is long enough: ${BEFORE + AFTER} characters of code are needed.`);
  }
  return benches;
}

/** Everything that a case's measurement depends on. */
function keyOf(
  { name, version, usesProfiles }: Section,
  bench: CaseBench,
  lab: Lab,
  options: RunOptions,
): string {
  const { metrics, metric, seed, cases, igSteps } = options;
  const others = usesProfiles === true ? [seed, cases] : [];
  const parts = [
    lab.session.modelFingerprint,
    name,
    version,
    bench.hole.id,
    metric,
    metrics.join("+"),
    igSteps,
    ...others,
  ];
  return parts.join(" ");
}

/** Progress with the time that is left, from the units that really had to be measured. */
class Meter {
  private readonly start = performance.now();
  private finished = 0;
  private measured = 0;

  constructor(
    private readonly total: number,
    private readonly context: Context,
  ) {}

  done(wasMeasured: boolean): void {
    this.finished++;
    this.measured += wasMeasured ? 1 : 0;
    const left =
      ((performance.now() - this.start) / Math.max(1, this.measured)) * (this.total - this.finished);
    const detail = this.measured === 0 ? "" : `, ${duration(left)} left`;
    this.context.progress.report("Measuring", this.finished / this.total, detail);
  }
}

function duration(ms: number): string {
  return ms < 90_000 ? `${Math.ceil(ms / 1000)} s` : `${Math.ceil(ms / 60_000)} min`;
}
