import os from "node:os";
import { headsDirectory } from "../../../commandLine/cacheDirectory";
import type { Context } from "../../../commandLine/context";
import { DRAFT_TOKENS } from "../../../engine/session";
import type { Hole } from "../../common/holes";
import { LlamaServer } from "../../common/llamaServer";
import type { Written } from "../messages";
import { medianEstimate, type MedianEstimate } from "../paired";
import { WorkerProcess } from "../workerProcess";
import { askServer } from "./server";

/** Prompts, tokens. */
const PREFILLS = [128, 512, 1536] as const;
const ROUNDS = 3;
/** Measured again, so often at most, while the interval is wider than this share of the median. */
const MORE_ROUNDS = 4;
const SPREAD = 0.15;

const MAX_TOKENS = 64;
/** Fewer tokens say nothing of the speed. */
const FEWEST_TOKENS = 8;

export const RIVAL_EXPERIMENTS = ["completions", "prefill"] as const;
export type RivalExperiment = (typeof RIVAL_EXPERIMENTS)[number];

export interface RivalOptions {
  readonly modelPath: string;
  readonly binary: string;
  readonly threads: number;
  readonly contextSize: number;
  readonly experiments: readonly RivalExperiment[];
  readonly holes: readonly Hole[];
  /** Of the FFN's bytes, for the row `sparse`. */
  readonly share: number;
}

/** Against the server, with the 95 % interval of the median of paired ratios. */
interface Times {
  readonly timesRival: number;
  readonly low: number;
  readonly high: number;
}

export interface CompletionRow extends Times {
  readonly name: "unchanged" | "sparse";
  /** Generated, while generating. */
  readonly tokensPerSecond: number;
  readonly rivalTokensPerSecond: number;
  /** Rise of the loss on what really stands in the holes, as a fraction. */
  readonly loss: number;
  /** Of the FFN's bytes that a token reads. */
  readonly share: number;
  /** Share of the holes whose text is that of dense decoding with the full head and without drafts, token by token. */
  readonly identical: number;
  readonly holes: number;
}

export interface PrefillRow extends Times {
  readonly tokens: number;
  readonly tokensPerSecond: number;
}

export interface RivalReport {
  /** Processes that wanted to run, on average over the last minute, at the end: more than threads and one spoils a measurement. */
  readonly load: number;
  readonly completions?: readonly CompletionRow[];
  readonly prefill?: readonly PrefillRow[];
}

/** Lacuna's engine beside stock llama-server, in turn on the same prompts. */
export async function compareWithServer(options: RivalOptions, context: Context): Promise<RivalReport> {
  const { modelPath, binary, threads, contextSize, experiments } = options;
  const { signal, progress } = context;
  const worker = new WorkerProcess("Lacuna", signal);
  let server: LlamaServer | undefined;
  try {
    await worker.request("start", {
      configuration: { name: "Lacuna", stock: false, activeRatio: 1 },
      ...{ modelPath, threads, gpu: false as const, headDirectory: headsDirectory(process.env) },
      ...{ promptTokens: contextSize - MAX_TOKENS - 8, decodeTokens: MAX_TOKENS },
    });
    server = await LlamaServer.start({ binary, modelPath, contextSize, threads }, signal);
    const pair: Pair = { worker, server, options, context };
    const prefill = experiments.includes("prefill") ? await comparePrefill(pair) : undefined;
    const completions = experiments.includes("completions") ? await compareCompletions(pair) : undefined;
    progress.end();
    return {
      load: os.loadavg()[0]!,
      ...(completions === undefined ? {} : { completions }),
      ...(prefill === undefined ? {} : { prefill }),
    };
  } finally {
    worker.dispose();
    await server?.dispose();
  }
}

interface Pair {
  readonly worker: WorkerProcess;
  readonly server: LlamaServer;
  readonly options: RivalOptions;
  readonly context: Context;
}

async function comparePrefill({ worker, server, options, context }: Pair): Promise<PrefillRow[]> {
  const { signal, progress } = context;
  const rows: PrefillRow[] = [];
  for (const size of PREFILLS.filter((tokens) => tokens + MAX_TOKENS + 8 <= options.contextSize)) {
    const own: number[] = [];
    const ratios: number[] = [];
    for (let round = 0; round < ROUNDS || (round < ROUNDS + MORE_ROUNDS && isSpread(ratios)); round++) {
      progress.report(`Prompts of ${size} tokens`, Math.min(1, round / ROUNDS));
      const tokens = Array.from({ length: size }, (_, i) => 300 + ((i * 7919 + round * 104_729) % 2_000));
      const { ms } = await worker.request("prefill", { tokens });
      const { promptMs } = await askServer(server, tokens, 1, signal);
      own.push(ms);
      ratios.push(promptMs / ms);
    }
    const { median } = medianEstimate(own);
    rows.push({ tokens: size, tokensPerSecond: (1000 * size) / median, ...times(ratios) });
  }
  return rows;
}

async function compareCompletions({ worker, server, options, context }: Pair): Promise<CompletionRow[]> {
  const { holes, share } = options;
  const { signal, progress } = context;
  const sums = { unchanged: new Sum(), sparse: new Sum() };
  const nats = { dense: 0, drafted: 0, sparse: 0 };
  let readRatio = 1;
  for (const [index, { file, prefix, middle, suffix }] of holes.entries()) {
    progress.report("Completions", index / holes.length);
    const { prompt } = await worker.request("hole", { path: file.path, prefix, middle, suffix });
    const write = (): Promise<Written> =>
      worker.request("write", { maxTokens: MAX_TOKENS, draftTokens: DRAFT_TOKENS, head: "screened" });
    const plain = await worker.request("write", { maxTokens: MAX_TOKENS, draftTokens: 0, head: "full" });
    const unchanged = await write();
    const before = await askServer(server, prompt, MAX_TOKENS, signal);
    const chosen = await worker.request("choose", { share });
    const sparse = await write();
    const after = await askServer(server, prompt, MAX_TOKENS, signal);
    nats.dense += chosen.dense;
    nats.drafted += chosen.drafted;
    nats.sparse += chosen.sparse;
    ({ readRatio } = chosen);
    sums.unchanged.add(unchanged, before, plain);
    sums.sparse.add(sparse, after, plain);
  }
  const row = (name: CompletionRow["name"], loss: number, read: number): CompletionRow => ({
    ...{ name, loss, share: read },
    ...sums[name].result(),
  });
  return [
    row("unchanged", nats.drafted / nats.dense - 1, 1),
    row("sparse", nats.sparse / nats.dense - 1, readRatio),
  ];
}

/** Of one way to complete, over holes. */
class Sum {
  private readonly own = { tokens: 0, ms: 0 };
  private readonly rival = { tokens: 0, ms: 0 };
  private readonly ratios: number[] = [];
  private same = 0;
  private holes = 0;

  add(own: Written, rival: Written, plain: Written): void {
    this.holes++;
    this.same +=
      own.tokens.length === plain.tokens.length && own.tokens.every((t, i) => t === plain.tokens[i]) ? 1 : 0;
    if (own.tokens.length < FEWEST_TOKENS || rival.tokens.length < FEWEST_TOKENS) {
      return;
    }
    for (const [sum, { tokens, ms }] of [
      [this.own, own],
      [this.rival, rival],
    ] as const) {
      sum.tokens += tokens.length - 1;
      sum.ms += ms;
    }
    this.ratios.push(rival.ms / (rival.tokens.length - 1) / (own.ms / (own.tokens.length - 1)));
  }

  result(): Omit<CompletionRow, "name" | "loss" | "share"> {
    const perSecond = ({ tokens, ms }: { readonly tokens: number; readonly ms: number }): number =>
      (1000 * tokens) / ms;
    return {
      tokensPerSecond: perSecond(this.own),
      rivalTokensPerSecond: perSecond(this.rival),
      ...times(this.ratios),
      identical: this.same / this.holes,
      holes: this.ratios.length,
    };
  }
}

function times(ratios: readonly number[]): Times {
  const { median, low, high }: MedianEstimate = medianEstimate(ratios);
  return { timesRival: median, low, high };
}

/** Whether something else has disturbed one of them. */
function isSpread(ratios: readonly number[]): boolean {
  const { median, low, high } = medianEstimate(ratios);
  return high - low > SPREAD * median;
}
