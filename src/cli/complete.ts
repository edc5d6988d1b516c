import { headsDirectory, pacesFile } from "../commandLine/cacheDirectory";
import { parseCommand, type Arguments, type CommandSpec } from "../commandLine/command";
import type { Context } from "../commandLine/context";
import { UsageError } from "../commandLine/errors";
import { chooseGpu, GPU_OPTION } from "../commandLine/gpu";
import { chooseModel, chooseThreads, engineLadder } from "../commandLine/install";
import { parseActive } from "../commandLine/ratios";
import {
  completeOnServer,
  SERVER_DETAILS,
  SERVER_OPTIONS,
  type ServerCompletion,
} from "../commandLine/server";
import { parseLocation, readSource, splitAt } from "../commandLine/sourceFile";
import { EngineClient, forkEngine, unwrap } from "../engine/client";
import type { CompleteResult, SparsifyResult } from "../engine/protocol";
import { DEFAULT_METRIC, isMetric, METRIC_NAMES } from "../sparsity/metrics";

export const COMPLETE: CommandSpec = {
  name: "complete",
  usage:
    "complete FILE:LINE:COLUMN [--model PATH|--server URL] [--active RATIO|dense|auto] [--metric M] [--window N] [--max-tokens N] [--head full|screened] [--threads N] [--gpu GPU] [--json]",
  summary: "Completes the code at a position of a file.",
  details:
    "Lines and columns are counted from 1, columns in UTF-16 units, as editors do.\n" +
    "A file that is larger than the model's context is cut round the position.\n" +
    SERVER_DETAILS,
  options: {
    model: { value: "PATH", help: "GGUF model file (default: the one that comes with Lacuna)" },
    active: {
      value: "RATIO",
      help: "share of the FFN's weights that a token reads, above 0 and up to 1; `auto`: what keeps the loss within 5 %; default `dense`",
    },
    metric: {
      value: "M",
      help: `how neurons are scored (default ${DEFAULT_METRIC}): ${METRIC_NAMES.join(", ")}`,
    },
    window: { value: "N", help: "tokens round the position that are attributed (default 256)" },
    "max-tokens": { value: "N", help: "stop after N tokens (default 128)" },
    head: {
      value: "HOW",
      help: "`screened`: read only the rows of the output head that a low-bit copy of it finds, which is made first and kept in the cache directory; default `full`",
    },
    threads: { value: "N", help: "CPU threads (default: the machine's cores, at most 8)" },
    ...GPU_OPTION,
    ...SERVER_OPTIONS,
  },
  examples: [
    "lacuna complete src/app.ts:12:8",
    "lacuna complete src/app.ts:12:8 --active 0.4 --json",
    "lacuna complete src/app.ts:12:8 --server http://127.0.0.1:8080",
  ],
};

const CONTEXT_SIZE = 4096;
const MAX_QUALITY_LOSS = 0.05;

export async function complete(words: readonly string[], context: Context): Promise<void> {
  const args = parseCommand(COMPLETE, words);
  const location = parseLocation(args.positionals[0] ?? "");
  if (location === undefined || args.positionals.length !== 1) {
    throw new UsageError("Name one position as FILE:LINE:COLUMN. See `lacuna complete --help`.");
  }
  const sparsity = parseActive(args.text("active") ?? "dense");
  const metric = parseMetric(args.text("metric") ?? DEFAULT_METRIC);
  const windowTokens = args.integer("window", 256, 2, 8192);
  const maxTokens = args.integer("max-tokens", 128, 1, 4096);
  const threads = chooseThreads(args);
  const gpu = chooseGpu(args, "auto");
  const { path: file, prefix, suffix } = splitAt(readSource(location.path), location);
  const request = { prefix, suffix, path: file, language: "", maxTokens };
  const address = args.text("server");
  if (address !== undefined) {
    refuseLocalOptions(args);
    printServed(args, context, await completeOnServer(address, args, CONTEXT_SIZE, request, context));
    return;
  }
  const head = parseHead(args.text("head") ?? "full");
  const modelPath = chooseModel(args.text("model"), context.install);

  const client = startClient(context);
  const { signal, progress } = context;
  try {
    const load = {
      modelPath,
      contextSize: CONTEXT_SIZE,
      threads,
      gpu,
      evictAfterMs: 0,
      paceFile: pacesFile(process.env),
      ...(head === "full" ? {} : { headDirectory: headsDirectory(process.env) }),
    };
    const onLoad = ({ fraction }: { readonly fraction: number }): void => {
      progress.report("Loading the model", fraction);
    };
    const { gpuNote } = unwrap(await client.load(load, { signal, onItem: onLoad }));
    if (gpuNote !== undefined) {
      progress.note(gpuNote);
    }
    if (head === "screened") {
      const onItem = ({ fraction }: { readonly fraction: number }): void => {
        progress.report("Copying the output head", fraction);
      };
      const { why } = unwrap(await client.prepareHead({ signal, onItem }));
      if (why !== undefined) {
        progress.note(`Completing with the full output head: ${why}`);
      }
    }
    const sparse =
      sparsity === "dense"
        ? undefined
        : unwrap(
            await client.sparsify(
              {
                path: file,
                prefix,
                suffix,
                sparsity,
                metric,
                windowTokens,
                maxQualityLoss: MAX_QUALITY_LOSS,
                faster: true,
                measure: false,
              },
              {
                signal,
                onItem: ({ fraction }) => {
                  progress.report("Attributing", fraction);
                },
              },
            ),
          );
    if (sparse?.why !== undefined) {
      progress.note(`Completing with all neurons: ${sparse.why}`);
    }
    progress.end();
    const result = unwrap(await client.complete(request, { signal }));
    const memory = unwrap(await client.stats());
    print(args, context, result, sparse, memory);
  } finally {
    client.dispose();
  }
}

function startClient({ install, progress, signal }: Context): EngineClient {
  const client = new EngineClient({
    spawn: (env) => forkEngine({ ...install.host, env }),
    ladder: engineLadder(install, progress),
    onLog: (level, message) => {
      if (level === "error") {
        progress.note(message);
      }
    },
    // One command, one try on each rung: a crash is reported, not repeated.
    backOff: () => undefined,
  });
  signal.addEventListener("abort", () => {
    client.dispose();
  });
  return client;
}

function print(
  args: Arguments,
  { output, progress }: Context,
  result: CompleteResult,
  sparse: SparsifyResult | undefined,
  memory: { readonly residentBytes: number; readonly mappedBytes: number; readonly packedBytes: number },
): void {
  const { residentBytes, mappedBytes, packedBytes } = memory;
  if (args.flag("json")) {
    const { text, stopReason, activeRatio, readRatio, headRatio, decode } = result;
    const { tokens, ms } = result.prefill;
    const prefill = { tokens, ms };
    const attribution = sparse?.attribution ?? { tokens: 0, ms: 0 };
    const packing = sparse?.packing ?? { ms: 0 };
    const report = {
      text,
      stopReason,
      activeRatio,
      readRatio,
      headRatio,
      prefill,
      decode,
      attribution,
      packing,
    };
    output(
      `${JSON.stringify({ ...report, memory: { residentBytes, mappedBytes, packedBytes } }, undefined, 2)}\n`,
    );
    return;
  }
  output(`${result.text}\n`);
  const parts = [
    `${((result.readRatio ?? 1) * 100).toFixed(0)} % of the FFN read`,
    ...(result.headRatio === undefined
      ? []
      : [`${(result.headRatio * 100).toFixed(0)} % of the output head`]),
    `prompt ${result.prefill.tokens} tokens in ${result.prefill.ms.toFixed(0)} ms`,
    `${result.decode.tokensPerSecond.toFixed(1)} tokens/s`,
    `${(residentBytes / 2 ** 20).toFixed(0)} MiB resident`,
    `stopped: ${result.stopReason}`,
  ];
  progress.note(parts.join(" · "));
}

function printServed(
  args: Arguments,
  { output, progress }: Context,
  { served, result }: ServerCompletion,
): void {
  const { text, stopReason, decode } = result;
  const { tokens, ms } = result.prefill;
  if (args.flag("json")) {
    const server = { kind: served.kind, model: served.model };
    const report = { text, stopReason, activeRatio: 1, prefill: { tokens, ms }, decode, server };
    output(`${JSON.stringify(report, undefined, 2)}\n`);
    return;
  }
  output(`${text}\n`);
  const parts = [
    `${served.model} on ${served.product}`,
    `prompt ${tokens} tokens in ${ms.toFixed(0)} ms`,
    `${decode.tokensPerSecond.toFixed(1)} tokens/s`,
    `stopped: ${stopReason}`,
  ];
  progress.note(parts.join(" · "));
}

/** @throws {@link UsageError} where an option is for the local engine */
function refuseLocalOptions(args: Arguments): void {
  const local = ["model", "active", "metric", "window", "head", "threads", "gpu"].find(
    (name) => args.text(name) !== undefined,
  );
  if (local !== undefined) {
    throw new UsageError(`--${local} is for a model on this machine: leave it out with --server.`);
  }
}

function parseHead(word: string): "full" | "screened" {
  if (word !== "full" && word !== "screened") {
    throw new UsageError(`--head must be \`full\` or \`screened\`, not ${word}.`);
  }
  return word;
}

export function parseMetric(word: string): string {
  if (!isMetric(word)) {
    throw new UsageError(`There is no metric "${word}". Choose from ${METRIC_NAMES.join(", ")}.`);
  }
  return word;
}
