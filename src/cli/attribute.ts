import path from "node:path";
import { prepareDirectory, writeFiles } from "../commandLine/atomicFiles";
import { parseCommand, type Arguments, type CommandSpec } from "../commandLine/command";
import type { Context } from "../commandLine/context";
import { CliError, UsageError } from "../commandLine/errors";
import { chooseGpu, GPU_OPTION } from "../commandLine/gpu";
import { chooseModel, chooseThreads } from "../commandLine/install";
import { parseLocation, readSource, splitAt, type SourceText } from "../commandLine/sourceFile";
import { attribute as runAttribution } from "../engine/attribution";
import { EngineFailure } from "../engine/errors";
import { Gate } from "../engine/gate";
import { startLlama } from "../engine/llama";
import type { AttributionResult } from "../engine/native";
import { requireModel, Session } from "../engine/session";
import { DEFAULT_METRIC, METRIC_NAMES, type Metric } from "../sparsity/metrics";
import { chooseWindow } from "../sparsity/window";
import { parseMetric } from "./complete";
import { encodeNpy } from "./npy";

export const ATTRIBUTE: CommandSpec = {
  name: "attribute",
  usage:
    "attribute FILE[:LINE:COLUMN] [--model PATH] [--window N] [--metrics M,...] [--threads N] [--gpu GPU] [--out DIR] [--json]",
  summary: "Scores every FFN neuron and attention head of a model on a window of a file's tokens.",
  details:
    "The window lies round the position, or at the beginning of the file. --out writes one NumPy array per metric,\n" +
    "METRIC.npy [n_layer, n_ff] and METRIC.heads.npy [n_layer, n_head], the neurons' mean activations mean.npy, and\n" +
    "attribution.json: `tokens` as fed to the model, `window` [start, end) with labels tokens[start..end), each\n" +
    "predicted from the position before it, and `F`, the labels' log-likelihood in nats. Scores are means over the\n" +
    "predicting positions.",
  options: {
    model: { value: "PATH", help: "GGUF model file (default: the one that comes with Lacuna)" },
    window: { value: "N", help: "tokens of the window (default 256)" },
    metrics: {
      value: "M,...",
      help: `metrics, or \`all\` (default ${DEFAULT_METRIC}): ${METRIC_NAMES.join(", ")}`,
    },
    threads: { value: "N", help: "CPU threads (default: the machine's cores, at most 8)" },
    ...GPU_OPTION,
    out: { value: "DIR", help: "write the scores to this directory" },
  },
  examples: ["lacuna attribute src/app.ts:12:8", "lacuna attribute src/app.ts --metrics all --out scores/"],
};

/** Text on either side of the position that is tokenised; no token window is longer. */
const CHARS_PER_TOKEN = 16;

interface Window {
  /** As fed to the model: the beginning-of-sequence token, where the model wants it, and the window's. */
  readonly tokens: readonly number[];
  /** `[start, end)` of the labels in `tokens`. */
  readonly labels: readonly [start: number, end: number];
}

export async function attribute(words: readonly string[], context: Context): Promise<void> {
  const args = parseCommand(ATTRIBUTE, words);
  const [word] = args.positionals;
  if (word === undefined || args.positionals.length !== 1) {
    throw new UsageError("Name one file, with or without :LINE:COLUMN. See `lacuna attribute --help`.");
  }
  const size = args.integer("window", 256, 2, 8192);
  const metrics = parseMetrics(args.text("metrics") ?? DEFAULT_METRIC);
  const threads = chooseThreads(args);
  const gpu = chooseGpu(args, "auto");
  const source = readAt(word);
  const modelPath = chooseModel(args.text("model"), context.install);
  const out = args.text("out");
  if (out !== undefined) {
    prepareDirectory(out, "Choose another --out.");
  }

  requireModel(modelPath);

  const { progress, signal } = context;
  const llama = await startLlama({ gpu, threads }, () => undefined);
  try {
    const report = (fraction: number): void => {
      progress.report("Loading the model", fraction);
    };
    const session = await Session.load(llama, { modelPath, contextSize: 512, threads, gpu }, report, signal);
    if (session.info.gpuNote !== undefined) {
      progress.note(session.info.gpuNote);
    }
    if (session.support === undefined) {
      throw new EngineFailure(
        "model-unsupported",
        `${modelPath} cannot be attributed. ${session.info.denseOnly}`,
      );
    }
    const window = chooseTokens(session, source, size);
    const result = await runAttribution(
      session.model,
      Int32Array.from(window.tokens),
      { window: window.labels, metrics, threads },
      new Gate(),
      (fraction) => {
        progress.report("Attributing", fraction);
      },
      signal,
    );
    progress.end();
    const summary = summarise(session, window, metrics, result);
    if (out !== undefined) {
      writeFiles(out, filesOf(metrics, result, summary));
    }
    print(args, context, summary, out);
  } finally {
    await llama.dispose();
  }
}

function readAt(word: string): SourceText {
  const location = parseLocation(word);
  return location === undefined
    ? { path: word, prefix: "", suffix: readSource(word) }
    : splitAt(readSource(location.path), location);
}

function chooseTokens(
  { tokenizer, model }: Session,
  { prefix, suffix, path }: SourceText,
  size: number,
): Window {
  const bos = tokenizer.bos === undefined ? [] : [tokenizer.bos];
  if (size + bos.length > model.trainContextSize) {
    throw new UsageError(
      `The model's context has ${model.trainContextSize} tokens; choose a smaller --window.`,
    );
  }
  const chars = size * CHARS_PER_TOKEN;
  const before = tokenizer.tokenize(prefix.slice(-chars));
  const after = tokenizer.tokenize(suffix.slice(0, chars));
  const [from, to] = chooseWindow(before.length + after.length, before.length, size);
  const tokens = [...bos, ...[...before, ...after].slice(from, to)];
  if (tokens.length < 2) {
    throw new CliError(`${path} has too few tokens to attribute; choose a longer file.`);
  }
  return { tokens, labels: [1, tokens.length] };
}

interface Summary {
  readonly model: string;
  readonly fingerprint: string;
  readonly tokens: readonly number[];
  readonly window: readonly [start: number, end: number];
  readonly F: number;
  readonly metrics: readonly Metric[];
  readonly layers: number;
  readonly neurons: number;
  readonly heads: number;
  readonly ms: { readonly forward: number; readonly backward: number };
  readonly peakBytes: number;
}

function summarise(
  session: Session,
  window: Window,
  metrics: readonly Metric[],
  result: AttributionResult,
): Summary {
  const { support, info, modelFingerprint } = session;
  const [neurons] = support!.ffnSize;
  if (support!.ffnSize.some((size) => size !== neurons)) {
    throw new CliError(`${info.path} has layers of different sizes, which do not fit one array.`);
  }
  return {
    model: path.basename(info.path),
    fingerprint: modelFingerprint,
    tokens: window.tokens,
    window: window.labels,
    F: result.F,
    metrics,
    layers: support!.layerCount,
    neurons: neurons!,
    heads: support!.headCount,
    ms: result.ms,
    peakBytes: result.peakBytes,
  };
}

function filesOf(
  metrics: readonly Metric[],
  result: AttributionResult,
  summary: Summary,
): ReadonlyMap<string, Uint8Array | string> {
  const files = new Map<string, Uint8Array | string>();
  for (const metric of metrics) {
    files.set(`${metric}.npy`, encodeNpy(result.neurons[metric]!));
    const heads = result.heads[metric];
    if (heads !== undefined) {
      files.set(`${metric}.heads.npy`, encodeNpy(heads));
    }
  }
  files.set("mean.npy", encodeNpy(result.means));
  files.set("attribution.json", `${JSON.stringify(summary, undefined, 2)}\n`);
  return files;
}

function print(args: Arguments, { output }: Context, summary: Summary, out: string | undefined): void {
  if (args.flag("json")) {
    output(`${JSON.stringify({ ...summary, ...(out === undefined ? {} : { out }) }, undefined, 2)}\n`);
    return;
  }
  const [start, end] = summary.window;
  const { forward, backward } = summary.ms;
  output(
    `${end - start} labels, F = ${summary.F.toFixed(4)} nats (${(-summary.F / (end - start)).toFixed(4)} per token)\n`,
  );
  output(
    `forward ${forward.toFixed(0)} ms, backward ${backward.toFixed(0)} ms, peak ${(summary.peakBytes / 2 ** 20).toFixed(0)} MiB\n`,
  );
  output(
    out === undefined
      ? "Use --out DIR to keep the scores.\n"
      : `Scores of ${summary.metrics.join(", ")} are in ${out}.\n`,
  );
}

function parseMetrics(list: string): Metric[] {
  const names = list === "all" ? METRIC_NAMES : list.split(",").map((name) => parseMetric(name.trim()));
  return [...new Set(names)] as Metric[];
}
