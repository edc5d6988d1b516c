import type { Device } from "../common/device";
import type { Metric } from "../../sparsity/metrics";
import { SLICE_TOKENS, type Configuration, type Round, type Slice, type Started } from "./messages";
import { medianEstimate, pairedRatios } from "./paired";
import { median } from "./statistics";
import { totalBytes } from "./tokenBytes";
import { WorkerProcess } from "./workerProcess";

export interface MeasureSetup {
  readonly modelPath: string;
  readonly threads: number;
  readonly gpu: Device["gpu"];
  readonly promptTokens: number;
  readonly decodeTokens: number;
  /** Time for the slices of one configuration; at least {@link MIN_PAIRS} are measured. */
  readonly seconds: number;
}

/** A configuration that is loaded and has answered one prompt. */
export interface Running {
  readonly configuration: Configuration;
  readonly worker: WorkerProcess;
  readonly started: Started;
  /** From the start of the process to the first token. */
  readonly coldStartMs: number;
  readonly first: Round;
}

/** Everything about one configuration as numbers, so that it can be kept. Times in ms, sizes in bytes. */
export type SpeedRow = Readonly<
  Record<
    | "decode"
    | "stockDecode"
    | "speedup"
    | "speedupLow"
    | "speedupHigh"
    | "pairs"
    | "prefill"
    | "prefillRatio"
    | "attention"
    | "output"
    | "ffn"
    | "cache"
    | "bytes"
    | "limit"
    | "resident"
    | "packed"
    | "loadMs"
    | "packingMs"
    | "coldStartMs"
    | "coldTotalMs",
    number
  >
>;

const MIN_PAIRS = 5;
const MAX_PAIRS = 400;
const PREFILLS = 2;

export async function start(
  configuration: Configuration,
  { modelPath, threads, gpu, promptTokens, decodeTokens }: MeasureSetup,
  signal: AbortSignal,
): Promise<Running> {
  const begun = performance.now();
  const worker = new WorkerProcess(configuration.name, signal);
  try {
    const setup = { configuration, modelPath, threads, gpu, promptTokens, decodeTokens };
    const started = await worker.request("start", setup);
    const beforeFirst = performance.now();
    const first = await worker.request("round", { seed: 1 });
    return { configuration, worker, started, coldStartMs: beforeFirst - begun + first.prefillMs, first };
  } catch (error) {
    worker.dispose();
    throw error;
  }
}

/** @param own absent: stock itself */
export async function measureRow(
  stock: Running,
  own: Running | undefined,
  { seconds, promptTokens }: MeasureSetup,
  onProgress: (fraction: number) => void,
): Promise<SpeedRow> {
  const slice = ({ worker }: Running): Promise<Slice> => worker.request("slice", { tokens: SLICE_TOKENS });
  const begun = performance.now();
  const stockSlices = [await slice(stock)];
  const ownSlices: Slice[] = [];
  for (;;) {
    const pairs = ownSlices.length;
    const elapsed = (performance.now() - begun) / 1000;
    onProgress(Math.min(1, elapsed / seconds));
    if (pairs >= MAX_PAIRS || (elapsed >= seconds && pairs >= MIN_PAIRS)) {
      break;
    }
    ownSlices.push(await slice(own ?? stock));
    stockSlices.push(await slice(stock));
  }
  const prefills = await measurePrefill(stock, own);
  const tokens = ({ tokenMs }: Slice): readonly number[] => tokenMs;
  const ratios = pairedRatios(stockSlices.map(tokens), ownSlices.map(tokens));
  const { started, coldStartMs, first } = own ?? stock;
  const speedup = own === undefined ? { median: 1, low: 1, high: 1 } : medianEstimate(ratios);
  const { bytes } = ownSlices.at(-1)!;
  return {
    decode: 1000 / median(ownSlices.map(({ tokenMs }) => median(tokenMs))),
    stockDecode: 1000 / median(stockSlices.map(({ tokenMs }) => median(tokenMs))),
    speedup: speedup.median,
    speedupLow: speedup.low,
    speedupHigh: speedup.high,
    pairs: ratios.length,
    prefill: (1000 * promptTokens) / median(prefills.map((pair) => pair.own)),
    prefillRatio: median(prefills.map((pair) => pair.stock / pair.own)),
    ...bytes,
    bytes: totalBytes(bytes),
    limit: totalBytes(stockSlices.at(-1)!.bytes) / totalBytes(bytes),
    resident: first.memory.residentBytes,
    packed: first.memory.packedBytes,
    loadMs: started.loadMs,
    packingMs: started.packingMs,
    coldStartMs,
    coldTotalMs: coldStartMs + first.tokenMs.reduce((sum, ms) => sum + ms, 0),
  };
}

async function measurePrefill(
  stock: Running,
  own: Running | undefined,
): Promise<readonly { readonly stock: number; readonly own: number }[]> {
  const found: { readonly stock: number; readonly own: number }[] = [];
  for (let round = 0; round < PREFILLS; round++) {
    const seed = 2 + round;
    const { prefillMs } = await stock.worker.request("round", { seed });
    const other = own === undefined ? prefillMs : (await own.worker.request("round", { seed })).prefillMs;
    found.push({ stock: prefillMs, own: other });
  }
  return found;
}

/** What an attribution costs, and after how many decoded tokens it and the packing have been paid for. */
export type AttributionRow = Readonly<
  Record<"window" | "forwardMs" | "backwardMs" | "peak" | "packingMs" | "savedMs" | "tokensUntilPaid", number>
>;

/** @param row of the same running configuration */
export async function measureAttribution(
  { worker, started }: Running,
  row: SpeedRow,
  metric: Metric,
  window: number,
): Promise<AttributionRow> {
  const { forwardMs, backwardMs, peakBytes } = await worker.request("attribute", { window, metric });
  const ownMs = 1000 / row.decode;
  const savedMs = ownMs * (row.speedup - 1);
  const { packingMs } = started;
  return {
    window,
    forwardMs,
    backwardMs,
    peak: peakBytes,
    packingMs,
    savedMs,
    // Never, where nothing is saved.
    tokensUntilPaid: savedMs > 0 ? (forwardMs + backwardMs + packingMs) / savedMs : -1,
  };
}
