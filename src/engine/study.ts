import type { LlamaModel } from "node-llama-cpp";
import { lacunaBindings, nativeModel } from "./native";

/** The typed door to `native/addon/lacuna-study`: forward passes of a model with any neurons left out. */

export interface StudyOptions {
  /** Positions `[from, tokens.length - 1)` are evaluated; each predicts the next token. */
  readonly from: number;
  /** Keep the dense pass's activations for {@link Study.activations}. */
  readonly keepActivations?: boolean;
  readonly threads: number;
}

/** A token's own choice among the neurons that are kept for it. */
export interface TokenChoice {
  /** `gate`: by |silu(gate)|; `x`: by |silu(gate)·up|. */
  readonly by: "gate" | "x";
  /** `[n_ff]`: what the value is multiplied with. */
  readonly weights?: Float32Array;
  /** The least value that is kept (default 0), */
  readonly threshold?: number;
  /** or how many of the largest (and those equal to the least of them). */
  readonly top?: number;
}

/** What one layer leaves out; everything absent is kept. */
export interface StudyMask {
  /** `[n_ff]`, 0 or 1. */
  readonly keep?: Uint8Array;
  /** `[n_ff]`: what neurons outside of `keep` leave behind (default 0). */
  readonly means?: Float32Array;
  /** `[positions, n_ff]`, 0 or 1, of the evaluated positions. */
  readonly tokenKeep?: Uint8Array;
  /** `[n_head]`, 0 or 1. */
  readonly heads?: Uint8Array;
  readonly choice?: TokenChoice;
}

export interface StudyVariant {
  /** `[n_layer]` */
  readonly layers: readonly StudyMask[];
  /** Positions before `from` are dense (default); otherwise they are masked, too. */
  readonly densePrefix?: boolean;
  readonly logits?: boolean;
}

export interface StudyResult {
  /** ln p of the next token, nats, for each evaluated position. */
  readonly logLikelihood: Float32Array;
  readonly top1: Int32Array;
  /** KL(dense ‖ masked) over the whole vocabulary, nats. */
  readonly kl: Float32Array;
  /** `[n_layer]`: active neurons per evaluated position. */
  readonly active: Float64Array;
  /** `[positions, n_vocab]` if asked for. */
  readonly logits?: Float32Array;
}

/** One text, evaluated densely once and masked as often as you like. One `run` at a time. */
export interface Study {
  readonly dense: StudyResult;
  run(variant: StudyVariant): Promise<StudyResult>;
  /** `[tokens - 1, n_ff]` each: silu(gate)·up and silu(gate) of the dense pass. */
  activations(layer: number): { readonly x: Float32Array; readonly gate: Float32Array };
  dispose(): void;
}

interface StudyBindings {
  createStudy(model: object, tokens: Int32Array, options: StudyOptions): Promise<Study>;
  downNorms(model: object, layer: number): Float32Array;
  quantize(source: string, target: string, type: string, threads: number): Promise<void>;
}

const bindings = (llama: object): StudyBindings => lacunaBindings(llama) as unknown as StudyBindings;

/** Throws when the architecture is not supported, or the tokens cannot be evaluated. */
export function createStudy(model: LlamaModel, tokens: Int32Array, options: StudyOptions): Promise<Study> {
  return bindings(model.llama).createStudy(nativeModel(model), tokens, options);
}

/** L2 norms of the columns of a layer's `ffn_down`, `[n_ff]`: the neurons' outgoing weights. */
export function downNorms(model: LlamaModel, layer: number): Float32Array {
  return bindings(model.llama).downNorms(nativeModel(model), layer);
}

/** Types that {@link quantize} writes, as llama.cpp names its mixes. */
export const QUANTISATIONS = ["Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "Q4_0", "Q3_K_M", "Q2_K"] as const;

export type Quantisation = (typeof QUANTISATIONS)[number];

/** Writes the model file `source` to `target`, quantised anew. Rejects when llama.cpp cannot. */
export function quantize(
  llama: object,
  source: string,
  target: string,
  type: Quantisation,
  threads: number,
): Promise<void> {
  return bindings(llama).quantize(source, target, type, threads);
}
