import { attribute } from "../../engine/attribution";
import { DocumentContext } from "../../engine/document";
import { toEngineError } from "../../engine/errors";
import { Gate } from "../../engine/gate";
import { startLlama } from "../../engine/llama";
import { memoryStats } from "../../engine/memory";
import { setRepackFfn } from "../../engine/native";
import { anySelection } from "../../engine/pace";
import { applySelection } from "../../engine/packing";
import { Session } from "../../engine/session";
import {
  SLICE_TOKENS,
  type Attributed,
  type Round,
  type Slice,
  type Started,
  type WorkerAnswer,
  type WorkerMethods,
  type WorkerRequest,
  type WorkerSetup,
} from "./messages";
import { HoleWriter } from "./rival/holeWriter";
import { tokenBytes } from "./tokenBytes";

/** Where every slice begins; which token it is does not matter. */
const FIRST_TOKEN = 300;

/** One configuration of `lacuna bench speed`, measured in a process of its own: see `benchSpeed`. */
export class BenchWorker {
  private setup: WorkerSetup | undefined;
  private session: Session | undefined;
  private document: DocumentContext | undefined;
  private writer: HoleWriter | undefined;

  async answer({ method, params }: WorkerRequest): Promise<WorkerAnswer> {
    try {
      switch (method) {
        case "start":
          return { ok: true, value: await this.start(params as WorkerSetup) };
        case "round":
          return { ok: true, value: await this.round((params as { readonly seed: number }).seed) };
        case "attribute":
          return {
            ok: true,
            value: await this.attribute(params as WorkerMethods["attribute"][0]),
          };
        case "slice":
          return { ok: true, value: await this.slice((params as { readonly tokens: number }).tokens) };
        case "prefill":
          return { ok: true, value: await this.prefill(params as WorkerMethods["prefill"][0]) };
        case "hole":
          return { ok: true, value: await this.holes.open(params as WorkerMethods["hole"][0]) };
        case "write":
          return { ok: true, value: await this.holes.write(params as WorkerMethods["write"][0]) };
        case "choose":
          return { ok: true, value: await this.holes.choose(params as WorkerMethods["choose"][0]) };
      }
    } catch (error) {
      return { ok: false, message: toEngineError(error).message };
    }
  }

  private async start(setup: WorkerSetup): Promise<Started> {
    const { modelPath, threads, gpu, configuration, promptTokens, decodeTokens, headDirectory } = setup;
    const begun = performance.now();
    const llama = await startLlama({ gpu, threads }, () => undefined);
    setRepackFfn(llama, configuration.stock);
    const contextSize = promptTokens + Math.max(decodeTokens, SLICE_TOKENS) + 8;
    const load = {
      ...{ modelPath, contextSize, threads, gpu },
      ...(headDirectory === undefined ? {} : { headDirectory }),
    };
    const session = await Session.load(llama, load, () => undefined, undefined);
    const document = await DocumentContext.create(session.model, contextSize, threads, {
      stock: configuration.stock,
    });
    if (!configuration.stock) {
      await session.largePages.settle(new Gate());
    }
    const loaded = performance.now();
    let maskedAt = loaded;
    if (configuration.activeRatio < 1) {
      const selection = anySelection(session, configuration.activeRatio);
      maskedAt = performance.now();
      const turns = { gate: new Gate(), signal: new AbortController().signal };
      await applySelection(session, document, selection, configuration.activeRatio, turns);
    }
    const packed = performance.now();
    this.setup = setup;
    this.session = session;
    this.document = document;
    return { loadMs: loaded - begun, packingMs: packed - maskedAt };
  }

  private get holes(): HoleWriter {
    return (this.writer ??= new HoleWriter(this.session!, this.document!));
  }

  private async prefill({ tokens }: WorkerMethods["prefill"][0]): Promise<{ readonly ms: number }> {
    const document = this.document!;
    document.rewind(0);
    const begun = performance.now();
    const pending = await document.approach(tokens, new AbortController().signal);
    await document.next(pending, [], true);
    return { ms: performance.now() - begun };
  }

  /** A new prompt, and what is decoded after it. */
  private async round(seed: number): Promise<Round> {
    const { promptTokens, decodeTokens } = this.setup!;
    const document = this.document!;
    const prompt = randomTokens(promptTokens, seed);
    const prefill = await document.prefill(prompt, new AbortController().signal);
    const begun = performance.now();
    let [token] = (await document.next([prompt.at(-1)!], [], true)) as [number];
    const firstMs = performance.now() - begun;
    this.session!.evictDense([document]); // the prompt was evaluated densely
    const tokenMs: number[] = [];
    while (tokenMs.length < decodeTokens) {
      const start = performance.now();
      [token] = (await document.next([token])) as [number];
      tokenMs.push(performance.now() - start);
    }
    const stats = memoryStats(this.session);
    // The first token comes out of the prompt's last position, which is evaluated densely.
    const memory = { ...stats, packedBytes: document.packedBytes };
    return { prefillMs: prefill.ms + firstMs, tokenMs, memory };
  }

  /** Tokens after the last prompt, always the same positions; the first one wakes threads and is not counted. */
  private async slice(tokens: number): Promise<Slice> {
    const { promptTokens, modelPath, configuration } = this.setup!;
    const document = this.document!;
    document.rewind(promptTokens);
    const tokenMs: number[] = [];
    let token = FIRST_TOKEN;
    for (let i = 0; i <= tokens; i++) {
      const start = performance.now();
      [token] = (await document.next([token])) as [number];
      if (i > 0) {
        tokenMs.push(performance.now() - start);
      }
    }
    const ffn = configuration.activeRatio === 1 ? undefined : document;
    return { tokenMs, bytes: tokenBytes(modelPath, promptTokens + tokens / 2, ffn) };
  }

  private async attribute({ window, metric }: WorkerMethods["attribute"][0]): Promise<Attributed> {
    const session = this.session!;
    const result = await attribute(
      session.model,
      Int32Array.from(randomTokens(window, 1)),
      { window: [1, window], metrics: [metric], threads: session.threads },
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
