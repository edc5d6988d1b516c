import { attribute } from "../../engine/attribution";
import { DocumentContext } from "../../engine/document";
import { toEngineError } from "../../engine/errors";
import { Gate } from "../../engine/gate";
import { startLlama } from "../../engine/llama";
import { memoryStats } from "../../engine/memory";
import { setRepackFfn } from "../../engine/native";
import { Session } from "../../engine/session";
import { readGguf } from "../../models/gguf";
import { uniformBudget } from "../../sparsity/budget";
import type { Levels } from "../../sparsity/levels";
import type { LayerMask } from "../../sparsity/mask";
import { DEFAULT_METRIC } from "../../sparsity/metrics";
import { topRows } from "../../sparsity/ranking";
import { thresholdFor } from "../../sparsity/thresholds";
import type {
  Attributed,
  Configuration,
  Round,
  Started,
  WorkerAnswer,
  WorkerRequest,
  WorkerSetup,
} from "./messages";

/** One configuration of `lacuna bench speed`, measured in a process of its own: see `benchSpeed`. */
export class BenchWorker {
  private setup: WorkerSetup | undefined;
  private session: Session | undefined;
  private document: DocumentContext | undefined;

  async answer({ method, params }: WorkerRequest): Promise<WorkerAnswer> {
    try {
      switch (method) {
        case "start":
          return { ok: true, value: await this.start(params as WorkerSetup) };
        case "round":
          return { ok: true, value: await this.round((params as { readonly seed: number }).seed) };
        case "attribute":
          return { ok: true, value: await this.attribute((params as { readonly window: number }).window) };
      }
    } catch (error) {
      return { ok: false, message: toEngineError(error).message };
    }
  }

  private async start(setup: WorkerSetup): Promise<Started> {
    const { modelPath, threads, configuration, promptTokens, decodeTokens } = setup;
    const begun = performance.now();
    const llama = await startLlama({ gpu: false, threads }, () => undefined);
    setRepackFfn(llama, configuration.stock);
    const contextSize = promptTokens + decodeTokens + 8;
    const load = { modelPath, contextSize, threads, gpu: false as const };
    const session = await Session.load(llama, load, () => undefined, undefined);
    const document = await DocumentContext.create(session.model, contextSize, threads);
    const loaded = performance.now();
    let maskedAt = loaded;
    if (configuration.activeRatio < 1) {
      const mask = await randomMask(session, configuration.levels);
      maskedAt = performance.now();
      const packing = document.pack(mask, configuration.activeRatio);
      while ((await packing.next()).done !== true);
    }
    const packed = performance.now();
    this.setup = setup;
    this.session = session;
    this.document = document;
    return { loadMs: loaded - begun, packingMs: packed - maskedAt };
  }

  private async round(seed: number): Promise<Round> {
    const { promptTokens, decodeTokens, modelPath, configuration } = this.setup!;
    const document = this.document!;
    const prompt = randomTokens(promptTokens, seed);
    const prefill = await document.prefill(prompt, new AbortController().signal);
    const tokenMs: number[] = [];
    let token = prompt.at(-1)!;
    for (let last = performance.now(); tokenMs.length <= decodeTokens;) {
      [token] = (await document.next([token], [], tokenMs.length === 0)) as [number];
      tokenMs.push(performance.now() - last);
      if (tokenMs.length === 1) {
        this.session!.evictDense([document]); // the prompt was evaluated densely
      }
      last = performance.now();
    }
    const { residentBytes, mappedBytes } = memoryStats(this.session);
    // The first token comes out of the prompt's last position, which is evaluated densely.
    const memory = { residentBytes, mappedBytes, packedBytes: document.packedBytes };
    const bytesPerToken = decodeBytes(modelPath, configuration, document);
    return { prefillMs: prefill.ms + tokenMs[0]!, tokenMs: tokenMs.slice(1), memory, bytesPerToken };
  }

  private async attribute(window: number): Promise<Attributed> {
    const session = this.session!;
    const result = await attribute(
      session.model,
      Int32Array.from(randomTokens(window, 1)),
      { window: [1, window], metrics: [DEFAULT_METRIC], threads: session.threads },
      new Gate(),
      () => undefined,
      undefined,
    );
    const { ms, peakBytes } = result;
    return { tokens: window, forwardMs: ms.forward, backwardMs: ms.backward, peakBytes };
  }
}

/** Answers the parent's requests in order until the channel closes. */
export function runWorker(): Promise<void> {
  const worker = new BenchWorker();
  let queue = Promise.resolve();
  // Ctrl-C reaches the whole process group; the parent ends its workers itself.
  process.on("SIGINT", () => undefined);
  process.on("message", (request) => {
    queue = queue.then(async () => void process.send?.(await worker.answer(request as WorkerRequest)));
  });
  return new Promise((resolve) => {
    process.on("disconnect", () => {
      resolve();
      process.exit(0);
    });
  });
}

/** Tokens whose gates decide the thresholds; a forward pass only. */
const GATE_TOKENS = 64;

/** Rows chosen at random in every layer: which rows they are does not change the speed. Thresholds are as for a file. */
async function randomMask(session: Session, { staticRatio, dynamicRatio }: Levels): Promise<LayerMask[]> {
  if (session.support === undefined) {
    throw new Error(session.info.denseOnly);
  }
  const { ffnSize, rowMultiple } = session.support;
  const counts = uniformBudget(ffnSize, staticRatio, { multiple: rowMultiple });
  const next = generator(7);
  const layers = ffnSize.map((size, layer) => ({
    size,
    rows: topRows(Float32Array.from({ length: size }, next), counts[layer]!),
  }));
  if (dynamicRatio === 1) {
    return layers;
  }
  const { gates } = await attribute(
    session.model,
    Int32Array.from(randomTokens(GATE_TOKENS, 1)),
    { window: [1, GATE_TOKENS], metrics: ["griffin"], gates: true, threads: session.threads },
    new Gate(),
    () => undefined,
    undefined,
  );
  return layers.map((layer, il) => ({
    ...layer,
    threshold: thresholdFor(gates![il]!, layer.rows, dynamicRatio),
  }));
}

/** Tokens from the part of the vocabulary that every model has: no specials. */
function randomTokens(count: number, seed: number): number[] {
  const next = generator(seed);
  return Array.from({ length: count }, () => 300 + Math.floor(next() * 2000));
}

function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Every weight but the embedding's (one row of it) is read once for a token; a tied embedding is the output, too. */
function decodeBytes(
  modelPath: string,
  { activeRatio, levels }: Configuration,
  document: DocumentContext,
): number {
  const { tensors } = readGguf(modelPath);
  const hasOutput = tensors.some(({ name }) => name === "output.weight");
  const bytesOf = (wanted: (name: string) => boolean): number =>
    tensors.reduce((sum, { name, bytes }) => sum + (wanted(name) ? bytes : 0), 0);
  const isFfn = (name: string): boolean => /\.ffn_(gate|up|down)\.weight$/.test(name);
  const others = bytesOf((name) => !isFfn(name) && !(hasOutput && name === "token_embd.weight"));
  if (activeRatio === 1) {
    return others + bytesOf(isFfn);
  }
  // Gates are read whole, of the rest what thresholds let pass.
  const { staticRatio } = levels;
  const gates = staticRatio * bytesOf((name) => name.endsWith(".ffn_gate.weight"));
  const passing = ((3 * document.readRatio) / staticRatio - 1) / 2;
  return others + gates + passing * (document.packedBytes - gates);
}
