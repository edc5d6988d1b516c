import { CliError } from "../../commandLine/errors";
import type { Gpu } from "../../engine/gpu";
import { startLlama } from "../../engine/llama";
import { createAttribution, type AttributionOptions, type AttributionResult } from "../../engine/native";
import { Session } from "../../engine/session";
import { downNorms } from "../../engine/study";

/** Tokens before a hole that the model sees, and tokens from the hole on that it has to predict. */
export const PREFIX_TOKENS = 256;
export const MEASURED_TOKENS = 64;

/** Prompt and completion fit in it, and so do prefix and measured tokens. */
export const CONTEXT_TOKENS = 512;

/** A loaded model to try masks on. */
export class Lab {
  private readonly norms = new Map<number, Float32Array>();

  private constructor(
    readonly session: Session,
    private readonly signal: AbortSignal,
  ) {}

  /** Throws a {@link CliError} for a model that cannot run sparse. */
  static async load(
    modelPath: string,
    threads: number,
    gpu: Gpu,
    signal: AbortSignal,
    onProgress: (fraction: number) => void,
  ): Promise<Lab> {
    const llama = await startLlama({ gpu, threads }, () => undefined);
    const load = { modelPath, contextSize: CONTEXT_TOKENS, threads, gpu };
    const session = await Session.load(llama, load, onProgress, signal);
    if (session.support === undefined) {
      throw new CliError(`${modelPath} cannot be measured sparse. ${session.info.denseOnly}`);
    }
    return new Lab(session, signal);
  }

  get layerCount(): number {
    return this.session.support!.layerCount;
  }

  get headCount(): number {
    return this.session.support!.headCount;
  }

  /** Neurons of each layer. */
  get ffnSize(): readonly number[] {
    return this.session.support!.ffnSize;
  }

  get rowMultiple(): number {
    return this.session.support!.rowMultiple;
  }

  /** Layer indices. */
  get layers(): readonly number[] {
    return Array.from({ length: this.layerCount }, (_, layer) => layer);
  }

  /** Norms of the neurons' outgoing weights, `[n_ff]`. */
  downNorms(layer: number): Float32Array {
    const known = this.norms.get(layer) ?? downNorms(this.session.model, layer);
    this.norms.set(layer, known);
    return known;
  }

  withBos(tokens: readonly number[]): number[] {
    const { bos } = this.session.tokenizer;
    return bos === undefined ? [...tokens] : [bos, ...tokens];
  }

  /** Nothing is attributed at the beginning of sequence, whose activations are like no text's: they would drown the others. */
  firstLabel(tokens: readonly number[]): number {
    return tokens.length > 2 && tokens[0] === this.session.tokenizer.bos ? 2 : 1;
  }

  /** One attribution from beginning to end. */
  async attribute(
    tokens: readonly number[],
    options: Omit<AttributionOptions, "threads" | "window"> & {
      readonly window?: AttributionOptions["window"];
    },
  ): Promise<AttributionResult> {
    const { model, threads } = this.session;
    const job = createAttribution(model, Int32Array.from(tokens), {
      window: [this.firstLabel(tokens), tokens.length],
      ...options,
      threads,
    });
    try {
      for (;;) {
        this.signal.throwIfAborted();
        if ((await job.step()).phase === "done") {
          return job.result();
        }
      }
    } finally {
      job.dispose();
    }
  }

  async dispose(): Promise<void> {
    const { llama } = this.session.model;
    await this.session.dispose();
    await llama.dispose();
  }
}
