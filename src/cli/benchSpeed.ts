import path from "node:path";
import { requireModel } from "../engine/session";
import { ffnShare } from "../sparsity/levels";
import { cachedModel } from "./bench/cachedModel";
import type { Attributed, Configuration, Round, Started } from "./bench/messages";
import { formatReport, rowsOf, type Measured, type Report } from "./bench/report";
import { QUANTS, SHAPES, type Quant } from "./bench/shapes";
import { WorkerProcess } from "./bench/workerProcess";
import { parseCommand, type Arguments, type CommandSpec } from "./commandLine";
import type { Context } from "./context";
import { UsageError } from "./errors";
import { chooseThreads } from "./install";
import { parseRatios } from "./ratios";

export const BENCH_SPEED: CommandSpec = {
  name: "bench speed",
  usage: `bench speed --shape ${Object.keys(SHAPES).join("|")} --quant ${QUANTS.join("|")} [--active R|S:D,...] [--json]`,
  summary: "Measures sparse decoding against stock decoding of the same model, on this machine.",
  details:
    "Makes a model with random weights in the shape of a real one, kept in the user's cache directory (LACUNA_CACHE\n" +
    "overrides it). Every configuration has a process of its own; they are measured in turn, round after round.\n" +
    "`stock`: as node-llama-cpp loads the model. 1: all neurons, mapped weights. Others: that share of FFN neurons,\n" +
    "chosen at random. S:D: the share S, of which a threshold lets D pass for each token; the threshold comes from an attribution\n" +
    "of random tokens. `limit` is stock's weight bytes per token over the configuration's own, as counted.",
  options: {
    shape: { value: "SHAPE", help: "model shape (default qwen2.5-coder-1.5b)" },
    quant: { value: "TYPE", help: "quantisation (default Q4_K_M)" },
    model: { value: "PATH", help: "measure this GGUF file instead of a generated one" },
    active: { value: "R,...", help: "shares of active neurons (default 1,0.5,0.4,0.3,0.2)" },
    rounds: { value: "N", help: "rounds (default 5)" },
    "prompt-tokens": { value: "N", help: "tokens of the prompt (default 64)" },
    "decode-tokens": { value: "N", help: "tokens decoded per round (default 24)" },
    window: { value: "N", help: "tokens of the attribution that is timed; 0: none (default 256)" },
    threads: { value: "N", help: "CPU threads (default: the machine's cores, at most 8)" },
  },
  examples: [
    "lacuna bench speed --shape qwen2.5-coder-0.5b --quant Q8_0 --active 0.4",
    "lacuna bench speed --shape qwen2.5-coder-1.5b --quant Q4_K_M --active 1,0.5,0.4,0.3,0.2 --json",
  ],
};

const STOCK: Configuration = {
  name: "stock",
  stock: true,
  activeRatio: 1,
  levels: { staticRatio: 1, dynamicRatio: 1 },
};

interface Running {
  readonly configuration: Configuration;
  readonly worker: WorkerProcess;
  readonly started: Started;
  readonly coldStartMs: number;
  readonly rounds: Round[];
}

export async function benchSpeed(words: readonly string[], context: Context): Promise<void> {
  const args = parseCommand(BENCH_SPEED, words);
  const configurations = [STOCK, ...parseConfigurations(args.text("active") ?? "1,0.5,0.4,0.3,0.2")];
  const threads = chooseThreads(args);
  const promptTokens = args.integer("prompt-tokens", 64, 2, 4096);
  const decodeTokens = args.integer("decode-tokens", 24, 2, 4096);
  const rounds = args.integer("rounds", 5, 1, 100);
  const window = args.integer("window", 256, 0, 4096);
  const modelPath = await chooseBenchModel(args, context);

  const { progress, signal, output } = context;
  const running: Running[] = [];
  try {
    for (const [index, configuration] of configurations.entries()) {
      progress.report("Starting", index / configurations.length);
      running.push(
        await startWorker(configuration, { modelPath, threads, promptTokens, decodeTokens }, signal),
      );
    }
    for (let round = 0; round < rounds; round++) {
      for (const [index, { worker, rounds: results }] of running.entries()) {
        progress.report("Measuring", (round * running.length + index) / (rounds * running.length));
        results.push(await worker.request("round", { seed: round + 2 }));
      }
    }
    const attribution = window === 0 ? undefined : await timeAttribution(running, window, context);
    progress.end();
    const rows = rowsOf(running satisfies readonly Measured[], promptTokens);
    const model = path.basename(modelPath);
    const report: Report = { model, threads, promptTokens, decodeTokens, rounds, rows, attribution };
    output(args.flag("json") ? `${JSON.stringify(report, undefined, 2)}\n` : formatReport(report));
  } finally {
    for (const { worker } of running) {
      worker.dispose();
    }
  }
}

async function startWorker(
  configuration: Configuration,
  setup: {
    readonly modelPath: string;
    readonly threads: number;
    readonly promptTokens: number;
    readonly decodeTokens: number;
  },
  signal: AbortSignal,
): Promise<Running> {
  const begun = performance.now();
  const worker = new WorkerProcess(configuration.name, signal);
  try {
    const started = await worker.request("start", { configuration, ...setup });
    const beforeFirst = performance.now();
    // Also warms up: the first round of a process brings its pages and buffers in.
    const first = await worker.request("round", { seed: 1 });
    const coldStartMs = beforeFirst - begun + first.prefillMs;
    return { configuration, worker, started, coldStartMs, rounds: [] };
  } catch (error) {
    worker.dispose();
    throw error;
  }
}

/** Last of all, on a process whose weights are mapped: it brings all of them into memory. */
function timeAttribution(
  running: readonly Running[],
  window: number,
  { progress }: Context,
): Promise<Attributed> {
  progress.report("Attributing", 0);
  const chosen = running.find(({ configuration }) => !configuration.stock)!;
  return chosen.worker.request("attribute", { window });
}

function chooseBenchModel(args: Arguments, context: Context): Promise<string> {
  const given = args.text("model");
  if (given !== undefined) {
    requireModel(path.resolve(given));
    return Promise.resolve(path.resolve(given));
  }
  const shape = SHAPES[args.text("shape") ?? "qwen2.5-coder-1.5b"];
  if (shape === undefined) {
    throw new UsageError(
      `There is no shape "${args.text("shape")}". Choose from ${Object.keys(SHAPES).join(", ")}.`,
    );
  }
  const quant = args.text("quant") ?? "Q4_K_M";
  if (!(QUANTS as readonly string[]).includes(quant)) {
    throw new UsageError(`There is no quantisation "${quant}" here. Choose from ${QUANTS.join(", ")}.`);
  }
  return cachedModel(shape, quant as Quant, context);
}

function parseConfigurations(list: string): Configuration[] {
  return [...new Set(list.split(","))].map((word) => {
    const ratios = parseRatios(word);
    if (ratios === undefined) {
      throw new UsageError(
        `--active needs ratios above 0 and at most 1, or pairs as 0.7:0.35, separated by commas, not ${list}.`,
      );
    }
    const levels = typeof ratios === "number" ? { staticRatio: ratios, dynamicRatio: 1 } : ratios;
    return { name: word.trim(), stock: false, activeRatio: ffnShare(levels), levels };
  });
}
