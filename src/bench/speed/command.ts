import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { prepareDirectory, writeFiles } from "../../commandLine/atomicFiles";
import { parseCommand, type Arguments, type CommandSpec } from "../../commandLine/command";
import type { Context } from "../../commandLine/context";
import { UsageError } from "../../commandLine/errors";
import { BENCH_GPU_OPTION, chooseBenchGpu, chooseGpu } from "../../commandLine/gpu";
import { chooseModel, chooseThreads } from "../../commandLine/install";
import { requireModel } from "../../engine/session";
import { findDevice } from "../common/device";
import { describeBench } from "../common/environment";
import { cutHoles } from "../common/holes";
import { chooseServer, contextSizeOf } from "../common/setup";
import { heldOutFiles, matchingFiles } from "../common/sourceFiles";
import { cachedModel } from "./cachedModel";
import { speedMarkdown } from "./document";
import { defaultConfigurations, EXPERIMENTS, parseConfigurations, type Experiment } from "./plan";
import { speedPlots } from "./plots";
import { Records } from "./records";
import { makeSpeedReport } from "./report";
import { compareWithServer, RIVAL_EXPERIMENTS, type RivalExperiment } from "./rival/compare";
import { formatRival } from "./rival/terminal";
import { measureModel } from "./run";
import { QUANTS, SHAPES, type Quant } from "./shapes";
import { formatSpeed } from "./terminal";

export const BENCH_SPEED: CommandSpec = {
  name: "bench speed",
  usage:
    "bench speed [--shape SHAPE,...] [--quant TYPE,...] [--active R,...] [--rival llama-server] [--gpu GPU] [--out DIR] [--json]",
  summary: "Measures sparse decoding against stock decoding of the same model, on this machine.",
  details:
    "Makes models with random weights in the shape of real ones, kept in the user's cache directory (LACUNA_CACHE overrides it).\n" +
    "`stock`: as node-llama-cpp loads the model. 1: all neurons, mapped weights. Others: that share of the FFN's bytes for each token.\n" +
    "Each runs in a process beside one with stock and decodes 8 tokens in turn with it. `limit` is stock's bytes per token over its own.\n" +
    "With `--rival llama-server`, completions of real holes and prompts are measured beside a stock llama-server instead: `unchanged` is dense decoding\n" +
    "with drafts and a screened output head, `sparse` reads the first share of --active (default 0.7) besides; both against the same prompts on the server.\n" +
    "With --out, rows are kept there: what was measured is not measured again, and speed.json, speed.md and a plot show all of them.\n" +
    `Shapes: ${Object.keys(SHAPES).join(", ")}; types: ${QUANTS.join(", ")}.`,
  options: {
    shape: { value: "SHAPE,...", help: "model shapes, or `all` (default qwen2.5-coder-1.5b)" },
    quant: { value: "TYPE,...", help: "quantisations, or `all` for Q8_0,Q4_0,Q4_K_M (default Q4_K_M)" },
    model: { value: "PATH", help: "measure this GGUF file instead of a generated one" },
    active: {
      value: "R,...",
      help: "shares of the FFN's bytes that a token reads (default 1 to 0.36)",
    },
    measure: {
      value: "E,...",
      help: `${EXPERIMENTS.join(", ")} (default ratios,attribution); with --rival: ${RIVAL_EXPERIMENTS.join(", ")} (default both)`,
    },
    seconds: { value: "N", help: "of decoding for each row; at least 5 pairs are measured (default 8)" },
    rival: { value: "llama-server", help: "measure against it; needs `npm run build:native -- --server`" },
    server: { value: "PATH", help: "another llama-server binary" },
    files: { value: "GLOB", help: "with --rival: cut holes into these files (default: held-out files)" },
    cases: { value: "N", help: "with --rival: holes (default 12)" },
    seed: { value: "N", help: "of the holes (default 1)" },
    "prompt-tokens": { value: "N", help: "tokens of the prompt (default 64)" },
    "decode-tokens": { value: "N", help: "tokens decoded in a cold start (default 32)" },
    window: { value: "N", help: "tokens of the attribution that is timed (default 256)" },
    threads: { value: "N", help: "CPU threads (default: the machine's cores, at most 8)" },
    ...BENCH_GPU_OPTION,
    out: { value: "DIR", help: "keep rows there, and write the report of all that it has" },
    fresh: { help: "measure everything again" },
  },
  examples: [
    "lacuna bench speed --shape qwen2.5-coder-0.5b --quant Q8_0 --active 0.4",
    "lacuna bench speed --shape qwen2.5-coder-1.5b --active 1,0.7,0.54 --seconds 20 --json",
    "lacuna bench speed --model qwen2.5-coder-1.5b.gguf --rival llama-server --measure completions,prefill --json",
    "lacuna bench speed --shape all --quant all --measure ratios,attribution,threads,context --out docs/evidence",
  ],
};

/** What a token reads of the FFN's bytes where that costs less than 3 % of loss with both Qwens. */
const RIVAL_SHARE = 0.7;

/** Characters round a hole. */
const RIVAL_HOLES = { before: 1_600, after: 500 } as const;

/** Kept rows, in the report's folder. */
const STORE_FILE = "speed.jsonl";

export async function benchSpeed(words: readonly string[], context: Context): Promise<void> {
  const args = parseCommand(BENCH_SPEED, words);
  if (args.text("rival") !== undefined) {
    return benchRival(args, context);
  }
  const active = args.text("active");
  const configurations = active === undefined ? defaultConfigurations() : parseConfigurations(active);
  const threads = chooseThreads(args);
  const device = await findDevice(chooseGpu(args, "off"), threads);
  const processor = `${os.cpus()[0]?.model.trim() ?? "unknown"}, ${os.cpus().length} cores`;
  const setup = {
    threads,
    gpu: device.gpu,
    promptTokens: args.integer("prompt-tokens", 64, 2, 16_384),
    decodeTokens: args.integer("decode-tokens", 32, 2, 4096),
    seconds: args.integer("seconds", 8, 1, 3600),
    window: args.integer("window", 256, 2, 4096),
    experiments: chooseAmong(args, "measure", EXPERIMENTS, "ratios,attribution") as readonly Experiment[],
    machine: [processor, ...(device.name === undefined ? [] : [device.name])].join(", "),
    configurations,
  };
  const sources = modelSources(args, context);
  const out = args.text("out");
  const folder = out === undefined ? mkdtempSync(path.join(os.tmpdir(), "lacuna-speed-")) : path.resolve(out);
  try {
    if (out !== undefined) {
      prepareDirectory(folder, "Choose another --out.");
    }
    const records = new Records(path.join(folder, STORE_FILE), args.flag("fresh"));
    for (const source of sources) {
      await measureModel({ ...setup, modelPath: await source() }, records, context);
    }
    const environment = describeBench(context.install.root, threads, {}, device.name);
    const report = makeSpeedReport(records.all(setup.machine), environment);
    const json = `${JSON.stringify(report, undefined, 1)}\n`;
    const markdown = speedMarkdown(report);
    if (out !== undefined) {
      writeFiles(folder, new Map([["speed.json", json], ["speed.md", markdown], ...speedPlots(report)]));
      context.progress.note(`Written to ${folder}. ${STORE_FILE} there keeps the rows.`);
    }
    context.output(args.flag("json") ? json : report.models.map(formatSpeed).join("\n"));
  } finally {
    if (out === undefined) {
      rmSync(folder, { recursive: true, force: true });
    }
  }
}

/** Beside a stock llama-server. */
async function benchRival(args: Arguments, context: Context): Promise<void> {
  const { install, output } = context;
  if (args.text("rival") !== "llama-server") {
    throw new UsageError(`The only rival is llama-server, not ${args.text("rival")}.`);
  }
  const modelPath = chooseModel(args.text("model"), install);
  const binary = chooseServer(args.text("server"), context);
  chooseBenchGpu(args, binary);
  if (binary === undefined) {
    throw new UsageError("There is no llama-server to compare with: run `npm run build:native -- --server`.");
  }
  const [first = { activeRatio: RIVAL_SHARE }] = [args.text("active")]
    .filter((list) => list !== undefined)
    .flatMap(parseConfigurations);
  const glob = args.text("files");
  const files = glob === undefined ? heldOutFiles(install.root) : matchingFiles(glob);
  const report = await compareWithServer(
    {
      ...{ modelPath, binary, threads: chooseThreads(args), share: first.activeRatio },
      contextSize: contextSizeOf(modelPath, 2_048),
      experiments: chooseAmong(
        args,
        "measure",
        RIVAL_EXPERIMENTS,
        "completions,prefill",
      ) as readonly RivalExperiment[],
      holes: cutHoles(files, {
        ...{ count: args.integer("cases", 12, 1, 10_000), seed: args.integer("seed", 1, 0, 2 ** 31) },
        ...RIVAL_HOLES,
      }),
    },
    context,
  );
  const environment = describeBench(install.root, chooseThreads(args), {});
  const json = `${JSON.stringify({ environment, model: path.basename(modelPath), rival: "llama-server", ...report }, undefined, 1)}\n`;
  const out = args.text("out");
  if (out !== undefined) {
    prepareDirectory(out, "Choose another --out.");
    writeFiles(path.resolve(out), new Map([["rival.json", json]]));
  }
  output(args.flag("json") ? json : formatRival(report));
}

/** Models in turn, made when their turn comes. */
function modelSources(args: Arguments, context: Context): (() => Promise<string>)[] {
  const given = args.text("model");
  if (given !== undefined) {
    const file = path.resolve(given);
    requireModel(file);
    return [() => Promise.resolve(file)];
  }
  const shapes = chooseAmong(args, "shape", Object.keys(SHAPES), "qwen2.5-coder-1.5b");
  const all = QUANTS.filter((quant) => quant !== "F16").join(",");
  const wanted = args.text("quant");
  const quants = chooseAmong(args, "quant", QUANTS, "Q4_K_M", wanted === "all" ? all : wanted);
  return shapes.flatMap((shape) =>
    quants.map((quant) => () => cachedModel(SHAPES[shape]!, quant as Quant, context)),
  );
}

const NAMES: Readonly<Record<string, string>> = {
  shape: "shape",
  quant: "quantisation",
  measure: "experiment",
};

function chooseAmong(
  args: Arguments,
  option: string,
  known: readonly string[],
  fallback: string,
  given = args.text(option),
): readonly string[] {
  const names = given === "all" ? known : (given ?? fallback).split(",").map((name) => name.trim());
  const strange = names.find((name) => !known.includes(name));
  if (strange !== undefined) {
    throw new UsageError(`There is no ${NAMES[option]} "${strange}". Choose from ${known.join(", ")}.`);
  }
  return names;
}
