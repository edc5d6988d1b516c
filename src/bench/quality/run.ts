import path from "node:path";
import type { Context } from "../../commandLine/context";
import { CliError } from "../../commandLine/errors";
import type { Progress } from "../../commandLine/progress";
import type { Gpu } from "../../engine/gpu";
import { llamaVersions } from "../../engine/llama";
import { describeEnvironment, type Environment } from "../common/environment";
import { cutHoles, type Hole } from "../common/holes";
import type { SourceFile } from "../common/sourceFiles";
import { Store, type Point } from "../common/store";
import { CaseBench } from "./caseBench";
import { Lab } from "./lab";
import { Profiles } from "./profiles";
import { RIVALS, measureRivals, type RivalSetup } from "./rivals";
import { metricsOn, type Section, type SectionSettings } from "./section";
import { runShards, type Shard } from "./shards";

export interface RunOptions extends SectionSettings {
  readonly modelPath: string;
  readonly files: readonly SourceFile[];
  readonly cases: number;
  readonly seed: number;
  readonly sections: readonly Section[];
  /** Absent: the section of rivals is left out. */
  readonly rivals?: RivalSetup;
  readonly threads: number;
  readonly gpu: Gpu;
  /** Of integrated gradients, which are measured on the first `igCases` cases only. */
  readonly igSteps: number;
  readonly igCases: number;
  /** Processes that share the cases; 1: this one alone. */
  readonly jobs: number;
  /** This process is one of them, for every `count`-th case from `index` on. */
  readonly shard?: Shard;
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
  const lab = await Lab.load(options.modelPath, options.threads, options.gpu, signal, (fraction) => {
    progress.report("Loading the model", fraction);
  });
  try {
    const benches = usableCases(lab, options, signal);
    const work: Work = { options, benches, lab, store, context };
    if (options.jobs > 1) {
      await measureInShards(work);
    }
    await measureCases(work);
    const sections = new Map<string, readonly (readonly Point[])[]>();
    for (const section of options.shard === undefined ? options.sections : []) {
      const points = benches.map((bench) => store.get(keyOf(section, bench, lab, options))!);
      sections.set(section.name, points);
    }
    if (options.rivals !== undefined && options.shard === undefined) {
      sections.set(RIVALS, await measureRivals(benches, lab, options.rivals, store, context));
    }
    progress.end();
    const versions = await llamaVersions(lab.session.model.llama);
    const environment = describeEnvironment(
      install.root,
      options.modelPath,
      options.threads,
      versions,
      gpuOf(lab),
    );
    return { environment, holes: benches.map(({ hole }) => hole), sections };
  } finally {
    await lab.dispose();
  }
}

interface Work {
  readonly options: RunOptions;
  readonly benches: readonly CaseBench[];
  readonly lab: Lab;
  readonly store: Store;
  readonly context: Context;
}

/** Measures what the store does not have of this process's cases. */
async function measureCases({ options, benches, lab, store, context }: Work): Promise<void> {
  const { progress, signal } = context;
  const { sections, shard = { index: 0, count: 1 } } = options;
  const own = benches.filter((_, index) => index % shard.count === shard.index);
  const missing = (section: Section): boolean =>
    own.some((bench) => store.get(keyOf(section, bench, lab, options)) === undefined);
  const profiles = new Profiles(options.metric);
  if (sections.some((section) => section.usesProfiles === true && missing(section))) {
    for (const [index, bench] of benches.entries()) {
      progress.report("Looking at all files", index / benches.length);
      await profiles.add(bench);
      await bench.dispose();
    }
  }
  const meter = new Meter(own.length * sections.length, progress);
  for (const bench of own) {
    for (const section of sections) {
      const key = keyOf(section, bench, lab, options);
      const isKnown = store.get(key) !== undefined;
      if (!isKnown) {
        const tools = { settings: options, profiles, files: options.files, signal };
        store.add(key, await section.measure(bench, tools));
      }
      meter.done(isKnown);
    }
    await bench.dispose();
  }
}

/** Lets as many processes as were asked for share the cases. */
async function measureInShards({ options, benches, lab, store, context }: Work): Promise<void> {
  const keys = benches.flatMap((bench) =>
    options.sections.map((section) => keyOf(section, bench, lab, options)),
  );
  const missing = (): number => keys.filter((key) => store.get(key) === undefined).length;
  const before = missing();
  if (before === 0) {
    return;
  }
  const meter = new Meter(before, context.progress);
  await runShards(options.jobs, context.signal, () => {
    store.refresh();
    meter.at(before - missing());
  });
  store.refresh();
}

function usableCases(lab: Lab, options: RunOptions, signal: AbortSignal): CaseBench[] {
  const { files, cases, seed, igSteps, igCases } = options;
  // More than asked for: some lie too near to their file's beginning or end, which only the tokenizer can tell.
  const holes = cutHoles(files, { count: 2 * cases, seed, before: BEFORE, after: AFTER });
  const benches: CaseBench[] = [];
  for (const hole of holes) {
    const ig = { steps: igSteps, measured: benches.length < igCases };
    const bench = benches.length < cases ? CaseBench.create(lab, hole, ig, signal) : undefined;
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
  { name, version, usesProfiles, usesMetrics }: Section,
  bench: CaseBench,
  lab: Lab,
  options: RunOptions,
): string {
  const { metric, seed, cases, igSteps } = options;
  const others = usesProfiles === true ? [seed, cases] : [];
  const metrics = usesMetrics === true ? metricsOn(bench, options) : [];
  const parts = [
    lab.session.modelFingerprint,
    name,
    version,
    bench.hole.id,
    metric,
    metrics.join("+"),
    metrics.includes("ig") ? igSteps : 0,
    ...others,
    ...[gpuOf(lab)].filter((gpu) => gpu !== undefined),
  ];
  return parts.join(" ");
}

/** The GPU that has the model; undefined: the CPU. */
const gpuOf = ({ session }: Lab): string | undefined =>
  session.info.gpu === "cpu" ? undefined : session.info.gpu;

/** Progress with the time that is left, from the units that really had to be measured. */
class Meter {
  private readonly start = performance.now();
  private finished = 0;
  private measured = 0;

  constructor(
    private readonly total: number,
    private readonly progress: Progress,
  ) {}

  /** So many were measured. */
  at(measured: number): void {
    this.finished = this.measured = measured;
    this.report();
  }

  done(wasKnown: boolean): void {
    this.finished++;
    this.measured += wasKnown ? 0 : 1;
    this.report();
  }

  private report(): void {
    const left =
      ((performance.now() - this.start) / Math.max(1, this.measured)) * (this.total - this.finished);
    const detail = this.measured === 0 ? "" : `, ${duration(left)} left`;
    this.progress.report("Measuring", this.finished / this.total, detail);
  }
}

function duration(ms: number): string {
  return ms < 90_000 ? `${Math.ceil(ms / 1000)} s` : `${Math.ceil(ms / 60_000)} min`;
}
