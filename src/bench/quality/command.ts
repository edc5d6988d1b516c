import path from "node:path";
import { prepareDirectory, writeFiles } from "../../commandLine/atomicFiles";
import { parseCommand, type Arguments, type CommandSpec } from "../../commandLine/command";
import type { Context } from "../../commandLine/context";
import { UsageError } from "../../commandLine/errors";
import { BENCH_GPU_OPTION, chooseGpu } from "../../commandLine/gpu";
import { chooseModel, type Install } from "../../commandLine/install";
import { requireModel } from "../../engine/session";
import { QUANTISATIONS, type Quantisation } from "../../engine/study";
import { DEFAULT_METRIC, isMetric, METRIC_NAMES, type Metric } from "../../sparsity/metrics";
import { heldOutFiles, matchingFiles } from "../common/sourceFiles";
import { reportMarkdown } from "./document";
import { plots } from "./plots";
import { makeReport, reportJson } from "./report";
import { RIVALS, type RivalSetup } from "./rivals";
import { runQuality, STORE_FILE } from "./run";
import type { Section } from "./section";
import { ACTIVATIONS_SECTION } from "./sections/activations";
import { COMPLETIONS_SECTION } from "./sections/completions";
import { ENGINE_SECTION } from "./sections/engine";
import { FIM_SECTION } from "./sections/fim";
import { METRICS_SECTION } from "./sections/metrics";
import { ORACLES_SECTION } from "./sections/oracles";
import { AGE_SECTION, EDITS_SECTION, NEIGHBOURS_SECTION } from "./sections/reuse";
import { VARIANTS_SECTION } from "./sections/variants";
import { WEIGHTS_SECTION } from "./sections/weights";
import { parseShard, type Shard } from "./shards";

const SECTIONS: readonly Section[] = [
  METRICS_SECTION,
  VARIANTS_SECTION,
  ORACLES_SECTION,
  ENGINE_SECTION,
  WEIGHTS_SECTION,
  FIM_SECTION,
  EDITS_SECTION,
  AGE_SECTION,
  NEIGHBOURS_SECTION,
  ACTIVATIONS_SECTION,
  COMPLETIONS_SECTION,
];
const SECTION_NAMES = [...SECTIONS.map(({ name }) => name), RIVALS];

export const BENCH_QUALITY: CommandSpec = {
  name: "bench quality",
  usage:
    "bench quality [--model PATH] [--files GLOB] [--cases N] [--sections S,...] [--gpu GPU] [--out DIR] [--json]",
  summary: "Measures what sparsity costs: loss, agreement and completions of holes cut from real files.",
  details:
    "Writes quality.json, quality.md and plots to --out. Measured cases are kept there, too: an interrupted run, or one with\n" +
    "more cases or sections, goes on where the last one stopped. Times of rivals need a quiet machine; nothing else does.\n" +
    `Sections: ${SECTION_NAMES.join(", ")}.`,
  options: {
    model: { value: "PATH", help: "GGUF model file (default: the one that comes with Lacuna)" },
    files: {
      value: "GLOB",
      help: "cut holes from these files (default: held-out files that no training saw)",
    },
    cases: { value: "N", help: "holes (default 36)" },
    seed: { value: "N", help: "of the holes (default 1)" },
    sections: { value: "S,...", help: "what to measure (default: all)" },
    metrics: { value: "M,...", help: "metrics that are compared (default: all)" },
    metric: { value: "M", help: `metric of everything else (default ${DEFAULT_METRIC})` },
    "ig-steps": { value: "N", help: "steps of integrated gradients (default 20, as the paper)" },
    "ig-cases": { value: "N", help: "holes on which those are measured; they take long (default 6)" },
    jobs: { value: "N", help: "processes that share the holes (default 1)" },
    shard: { value: "I/N", help: "measure only every N-th hole from the I-th on, and write no report" },
    source: {
      value: "PATH",
      help: "unquantised file of the model, to make lower-bit rivals from (default: --model)",
    },
    rival: { value: "PATH,...", help: "other dense models to compare with" },
    threads: { value: "N", help: "CPU threads (default 1)" },
    ...BENCH_GPU_OPTION,
    out: { value: "DIR", help: "where to write (default ./lacuna-quality)" },
    fresh: { help: "measure everything again" },
  },
  examples: [
    "lacuna bench quality --sections metrics --cases 9",
    "lacuna bench quality --model qwen2.5-coder-0.5b-q8_0.gguf --files 'src/**/*.ts' --out evidence",
  ],
};

/** See {@link BENCH_QUALITY}. */
export async function benchQuality(words: readonly string[], context: Context): Promise<void> {
  const args = parseCommand(BENCH_QUALITY, words);
  if (args.positionals.length > 0) {
    throw new UsageError(`What is ${args.positionals[0]}? Files are named with --files GLOB.`);
  }
  const names = chooseAmong(args.text("sections"), SECTION_NAMES, "section");
  const metrics = chooseAmong(args.text("metrics"), METRIC_NAMES, "metric").filter(isMetric);
  const metric = chooseAmong(args.text("metric") ?? DEFAULT_METRIC, METRIC_NAMES, "metric")[0] as Metric;
  const modelPath = chooseModel(args.text("model"), context.install);
  requireModel(modelPath);
  const cases = args.integer("cases", 36, 1, 10_000);
  const seed = args.integer("seed", 1, 0, 2 ** 31);
  const threads = args.integer("threads", 1, 1, 256);
  const igSteps = args.integer("ig-steps", 20, 1, 1000);
  const igCases = args.integer("ig-cases", 6, 0, 10_000);
  const jobs = args.integer("jobs", 1, 1, 64);
  const shard = chooseShard(args.text("shard"));
  const files = chooseFiles(args.text("files"), context.install);
  const out = path.resolve(args.text("out") ?? "lacuna-quality");
  const rivals = names.includes(RIVALS)
    ? { rivals: rivalSetup(args, modelPath, metric, `${seed} ${cases}`) }
    : {};
  prepareDirectory(out, "Choose another --out.");

  const measured = await runQuality(
    {
      modelPath,
      files,
      cases,
      seed,
      sections: SECTIONS.filter(({ name }) => names.includes(name)),
      metrics,
      metric,
      threads,
      gpu: chooseGpu(args, "off"),
      igSteps,
      igCases,
      jobs: shard === undefined ? jobs : 1,
      ...(shard === undefined ? {} : { shard }),
      out,
      fresh: args.flag("fresh"),
      ...rivals,
    },
    context,
  );
  if (shard !== undefined) {
    return;
  }
  const report = makeReport(measured, metric, seed);
  const json = reportJson(report);
  const markdown = reportMarkdown(report);
  writeFiles(out, new Map([["quality.json", json], ["quality.md", markdown], ...plots(report)]));
  context.output(args.flag("json") ? json : markdown);
  context.progress.note(`Written to ${out}. ${STORE_FILE} there keeps the cases that were measured.`);
}

function chooseShard(word: string | undefined): Shard | undefined {
  const shard = word === undefined ? undefined : parseShard(word);
  if (word !== undefined && shard === undefined) {
    throw new UsageError(`--shard takes 1/2 for the first of two, not ${word}.`);
  }
  return shard;
}

function chooseFiles(glob: string | undefined, { root }: Install): ReturnType<typeof matchingFiles> {
  return glob === undefined ? heldOutFiles(root) : matchingFiles(glob);
}

function rivalSetup(args: Arguments, modelPath: string, metric: Metric, cases: string): RivalSetup {
  const source = path.resolve(args.text("source") ?? modelPath);
  const models = (args.text("rival")?.split(",") ?? []).map((file) => path.resolve(file));
  [source, ...models].forEach((file) => void requireModel(file));
  const types = QUANTISATIONS.filter((type) => !path.basename(modelPath).includes(type));
  return { source, models, types: types satisfies readonly Quantisation[], metric, cases };
}

/** Names separated by commas; all of them by default. */
function chooseAmong(list: string | undefined, known: readonly string[], what: string): readonly string[] {
  const names = list?.split(",").map((name) => name.trim()) ?? known;
  const strange = names.find((name) => !known.includes(name));
  if (strange !== undefined) {
    throw new UsageError(`There is no ${what} "${strange}". Choose from ${known.join(", ")}.`);
  }
  return names;
}
