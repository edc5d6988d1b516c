import type { LlamaContext, LlamaModel } from "node-llama-cpp";

/**
 * The typed door to `native/addon`. Nothing else in the project may touch node-llama-cpp's private
 * `_bindings`, `_model` or `_ctx`; they are pinned together with the exact version in package.json.
 */

/** Metrics computed natively; definitions in `src/sparsity/metrics.ts`. */
export type NativeMetric =
  | "corrected-gxo"
  | "corrected-gxo-weighted"
  | "gxo"
  | "snip"
  | "gradient"
  | "magnitude"
  | "griffin"
  | "wanda"
  | "flap"
  | "random"
  | "ig";

/** What attribution and packing can do with a loaded model. */
export interface SparsitySupport {
  /** False: the model runs dense; `reason` is one sentence for the user. */
  readonly supported: boolean;
  readonly reason?: string;
  readonly architecture: string;
  readonly layerCount: number;
  readonly headCount: number;
  readonly embeddingSize: number;
  /** Neurons of each layer's FFN, `[layerCount]`. */
  readonly ffnSize: readonly number[];
  /** Packed row counts are padded to a multiple of this (block size of the packed down projection's type, at least 32). */
  readonly rowMultiple: number;
  /** Of each layer, what a token's own choice reads; absent: a token cannot choose with this model. */
  readonly planes?: readonly PlaneSizes[];
  /** Why a token cannot, where it cannot. */
  readonly choiceReason?: string;
}

/** Bytes of one layer's FFN, by plane (`native/addon/lacuna-planes.h`). */
export interface PlaneSizes {
  /** As the file has it: what a dense token reads. */
  readonly file: number;
  /** Upper planes of all rows of up, of all rows of gate, of all columns of down. */
  readonly up: number;
  readonly gate: number;
  readonly down: number;
  /** Scales of down, which every token reads. */
  readonly shared: number;
  /** What reading all neurons in full adds. */
  readonly rest: number;
}

export interface AttributionOptions {
  /**
   * `[start, end)`: the labels are `tokens[start..end)`, each predicted from the position before it.
   * `start >= 1`. Tokens from `end` on are not evaluated.
   */
  readonly window: readonly [start: number, end: number];
  readonly metrics: readonly NativeMetric[];
  /** Steps of integrated gradients (default 20). */
  readonly igSteps?: number;
  /** Seed of the `random` baseline (default 1). */
  readonly seed?: number;
  readonly threads: number;
  /** Bytes that kept activations may use before layers are recomputed (default 192 MiB). */
  readonly keepBytes?: number;
  /** Of the context that will decode: the RoPE of some models (longrope) depends on it. Default: what they were first trained on. */
  readonly contextSize?: number;
  /** Keep {@link AttributionResult.sizes} (default false). */
  readonly sizes?: boolean;
  /** For studies. `[end - start]` labels instead of the tokens themselves, which the model still reads. */
  readonly labels?: Int32Array;
  /** For studies: how per-token values of metrics that need gradients become scores; default `mean`. */
  readonly aggregation?: Aggregation;
  /** For studies: of each position only the gradient of its own term of F, as if it were attributed alone. */
  readonly ownTerm?: boolean;
  /** For studies: integrated gradients of neurons only, in half the time. */
  readonly neuronsOnly?: boolean;
  /** For studies: keep {@link AttributionResult.tokens}. */
  readonly tokenScores?: boolean;
}

/**
 * `mean` of the per-token values; `of-mean`: the metric of the mean activation and the mean gradient; `norm`: L2 norm over
 * the tokens of the values over their norm in the layer, as GRIFFIN does with activations.
 */
export type Aggregation = "mean" | "of-mean" | "norm";

export interface AttributionProgress {
  readonly phase: "forward" | "output" | "backward" | "ig" | "done";
  readonly layer: number;
  /** Work done so far as a share of the whole, 0..1. */
  readonly fraction: number;
}

export interface AttributionResult {
  /** Log-likelihood of the labels in nats, summed over the window. */
  readonly F: number;
  /** Metric → `[layerCount]` arrays of `n_ff` scores. */
  readonly neurons: Readonly<Partial<Record<NativeMetric, readonly Float32Array[]>>>;
  /** Metric → `[layerCount]` arrays of `n_head` scores. */
  readonly heads: Readonly<Partial<Record<NativeMetric, readonly Float32Array[]>>>;
  /** With `tokenScores`: metric that needs gradients → `[layerCount]` arrays of `[end - start, n_ff]`. */
  readonly tokens: Readonly<Partial<Record<NativeMetric, readonly Float32Array[]>>>;
  /** Mean activation of every neuron over the predicting positions, `[layerCount]` arrays of `n_ff`. */
  readonly means: readonly Float32Array[];
  /** With `sizes`: how large the parts of each neuron were over the predicting positions, `[layerCount]`. */
  readonly sizes?: readonly NeuronSizes[];
  /** Peak bytes of compute buffers and kept activations (weights excluded). */
  readonly peakBytes: number;
  /** Milliseconds spent computing, by phase. */
  readonly ms: { readonly forward: number; readonly backward: number };
}

/** See `sparsity/choice`, which reads it. */
export interface NeuronSizes {
  /** RMS of up, `[n_ff]`. */
  readonly up: Float32Array;
  /** RMS of the activation, silu(gate)·up or as the model has it, `[n_ff]`. */
  readonly x: Float32Array;
  /** L2 norm of the neuron's column of down, `[n_ff]`. */
  readonly down: Float32Array;
}

/** One attribution in progress. Steps run on a worker thread, one layer each, one at a time. */
export interface AttributionJob {
  step(): Promise<AttributionProgress>;
  result(): AttributionResult;
  dispose(): void;
}

export type DownType = "Q8_0" | "Q4_0" | "Q4_K" | "Q5_K" | "Q6_K" | "F16" | "F32" | "same";

export interface FfnRowsOptions {
  /** Type of the packed down projection; default `Q8_0` for quantised models, `same` for F32/F16/BF16. */
  readonly downType?: DownType;
  /** Mean activations `[n_ff]`: the dropped neurons' mean output becomes a bias. */
  readonly means?: Float32Array;
  readonly threads: number;
}

/** What every token reads of a layer, in three stages (`native/addon/lacuna-choice.h`). */
export interface FfnChoiceOptions {
  /** What |up| is multiplied with, `[n_ff]`: the gates of the neurons with the largest products are read. */
  readonly gateWeights: Float32Array;
  /** What the activation, |silu(gate)·up| or as the model has it, is multiplied with, `[n_ff]`: likewise the columns of down. */
  readonly downWeights: Float32Array;
  /** Neurons whose gate is read (it is ignored where the FFN has none), of these those whose down is, and of these those of which every bit is. */
  readonly gate: number;
  readonly down: number;
  readonly full: number;
  /** One of {@link choiceKernels}; default: the first. */
  readonly kernels?: string;
}

export interface EvaluateOptions {
  /** Positions `[from, tokens.length - 1)` predict `tokens[from + 1 ..]`; default 0. */
  readonly from?: number;
  /** Tokens before this position are evaluated with the dense FFN (default 0: everything as set). */
  readonly denseUntil?: number;
  /** Return the logits `[n, n_vocab]` of the predicting positions and of the last one. */
  readonly logits?: boolean;
}

export interface EvaluateResult {
  /** ln p(tokens[i + 1]) for each predicting position i. */
  readonly logLikelihood: Float32Array;
  /** Most likely token at each predicting position. */
  readonly top1: Int32Array;
  readonly logits?: Float32Array;
}

export interface DecodeOptions {
  /** Position of the first token; what the sequence holds from there on is forgotten. */
  readonly position: number;
  /** How many of the last tokens to predict from. */
  readonly outputs: number;
  /** The only tokens to choose from; absent or empty: all. */
  readonly allowed?: Int32Array;
  /** `[outputs]`: the token that really comes after each of the last ones. */
  readonly labels?: Int32Array;
  /** Compute every row of the output head, even if the context has a screened one (`head.ts`). */
  readonly fullHead?: boolean;
}

export interface DecodeResult {
  /** `[outputs]`: the likeliest token after each of the last ones; of equals the first. */
  readonly next: Int32Array;
  /** `[outputs]`: ln p(label); empty without labels. */
  readonly logLikelihood: Float32Array;
}

export interface MemoryUse {
  /** Resident set of this process, bytes. */
  readonly residentBytes: number;
  /** Of those, anonymous (not backed by a file), bytes; 0 where the system does not tell. */
  readonly anonymousBytes: number;
  /** Bytes of the model's weights as its file has them: mapped, or in large pages. */
  readonly mappedBytes: number;
  /** Bytes of the packed FFN tensors of the contexts asked about. */
  readonly packedBytes: number;
}

interface LacunaBindings {
  sparsitySupport(model: object): SparsitySupport;
  createAttribution(model: object, tokens: Int32Array, options: AttributionOptions): AttributionJob;
  setFfnRows(
    context: object,
    layer: number,
    rows: Int32Array | null,
    options: FfnRowsOptions,
  ): Promise<number>;
  freeFfn(context: object): void;
  makePlanes(model: object, layer: number, threads: number): Promise<number>;
  planeBytes(model: object): number;
  dropPlanes(model: object): void;
  setFfnChoice(context: object, layer: number, options: FfnChoiceOptions): void;
  chosenTokens(context: object): number;
  choiceKernels(): string[];
  setFfnActive(context: object, active: boolean): void;
  keepThreads(context: object): void;
  evaluate(context: object, tokens: Int32Array, options: EvaluateOptions): Promise<EvaluateResult>;
  decode(context: object, tokens: Int32Array, options: DecodeOptions): Promise<DecodeResult>;
  moveToLargePages(
    model: object,
    part: WeightPart,
    options: { readonly maxBytes: number; readonly threads: number },
  ): Promise<number>;
  leaveLargePages(model: object, part: WeightPart): void;
  largePageBytes(model: object): number;
  evictDense(model: object): number;
  trimMemory(model: object): void;
  packedBytes(context: object): number;
  memory(model: object): Omit<MemoryUse, "packedBytes">;
  setRepackFfn(use: boolean): void;
}

interface WithBindings {
  readonly _llama: { readonly _bindings: { readonly lacuna?: LacunaBindings } };
}

function bindingsOf(model: LlamaModel): LacunaBindings {
  return lacunaBindings((model as unknown as WithBindings)._llama);
}

/** What the addon exports under `lacuna`; throws with a stock binary. For the doors of our other native parts. */
export function lacunaBindings(llama: object): LacunaBindings {
  const { lacuna } = (llama as WithBindings["_llama"])._bindings;
  if (lacuna === undefined) {
    throw new Error(
      "The native engine is node-llama-cpp's stock build, without Lacuna's patches. Run `npm run build:native`.",
    );
  }
  return lacuna;
}

/** What the addon knows a model as. */
export const nativeModel = (model: LlamaModel): object => (model as unknown as { _model: object })._model;
/** And a context. */
export const nativeContext = (context: LlamaContext): object => (context as unknown as { _ctx: object })._ctx;

/** See {@link SparsitySupport}. */
export function sparsitySupport(model: LlamaModel): SparsitySupport {
  return bindingsOf(model).sparsitySupport(nativeModel(model));
}

/**
 * Starts an attribution over `tokens`; nothing is computed until `step()`.
 * Throws when the architecture is not supported or the window is outside the tokens.
 */
export function createAttribution(
  model: LlamaModel,
  tokens: Int32Array,
  options: AttributionOptions,
): AttributionJob {
  return bindingsOf(model).createAttribution(nativeModel(model), tokens, options);
}

/**
 * Keeps only the FFN neurons `rows` (ascending, unique) of `layer` in this context, or restores the dense layer
 * (`null`). Row counts that are not a multiple of the block size are padded with zero columns natively.
 * Resolves to the packed bytes of this layer. The KV cache is untouched.
 */
export function setFfnRows(
  context: LlamaContext,
  layer: number,
  rows: Int32Array | null,
  options: FfnRowsOptions,
): Promise<number> {
  return bindingsOf(context.model).setFfnRows(nativeContext(context), layer, rows, options);
}

/** Frees what a context that has been disposed of had packed, and lets go of planes: else they stay until JavaScript's garbage is collected. */
export function freeFfn(context: LlamaContext): void {
  bindingsOf(context.model).freeFfn(nativeContext(context));
}

/**
 * Divides a layer's FFN into planes, which the contexts of the model share; does nothing where it is. Resolves to its bytes.
 * Throws where a token cannot choose.
 */
export function makePlanes(model: LlamaModel, layer: number, threads: number): Promise<number> {
  return bindingsOf(model).makePlanes(nativeModel(model), layer, threads);
}

/** Bytes of the layers that {@link makePlanes} has made. */
export function planeBytes(model: LlamaModel): number {
  return bindingsOf(model).planeBytes(nativeModel(model));
}

/** Frees the planes of a model that no context chooses by. */
export function dropPlanes(model: LlamaModel): void {
  bindingsOf(model).dropPlanes(nativeModel(model));
}

/** Every token chooses for itself in this layer and context, until {@link setFfnRows}. Throws where the layer is not in planes. */
export function setFfnChoice(context: LlamaContext, layer: number, options: FfnChoiceOptions): void {
  bindingsOf(context.model).setFfnChoice(nativeContext(context), layer, options);
}

/** Tokens that chose in this context, counted once for each layer. */
export function chosenTokens(context: LlamaContext): number {
  return bindingsOf(context.model).chosenTokens(nativeContext(context));
}

/** The kernels for a token's choice that this processor can run, from the fastest to `scalar`. */
export function choiceKernels(model: LlamaModel): string[] {
  return bindingsOf(model).choiceKernels();
}

/** Switches between the packed FFN and the dense one without dropping what is packed (dense prefill, sparse decode). */
export function setFfnActive(context: LlamaContext, active: boolean): void {
  bindingsOf(context.model).setFfnActive(nativeContext(context), active);
}

/**
 * From here on {@link decode} and {@link evaluate} compute on threads that wait for the next token instead of ending with each,
 * as node-llama-cpp's do; they are shared by the contexts of a model. Do this before the context's first token.
 */
export function keepThreads(context: LlamaContext): void {
  bindingsOf(context.model).keepThreads(nativeContext(context));
}

/**
 * Teacher-forced evaluation on a context of its own (its sequence 0 is cleared first). The packed FFN is active
 * afterwards.
 * Throws when `tokens` do not fit the context.
 */
export function evaluate(
  context: LlamaContext,
  tokens: Int32Array,
  options: EvaluateOptions = {},
): Promise<EvaluateResult> {
  return bindingsOf(context.model).evaluate(nativeContext(context), tokens, options);
}

/**
 * Evaluates tokens, at most a batch of the context, at `position` of its sequence 0, which must not be used through
 * node-llama-cpp at the same time. Rejects when the tokens do not fit; the sequence then ends at `position` at most.
 */
export function decode(
  context: LlamaContext,
  tokens: readonly number[],
  options: DecodeOptions,
): Promise<DecodeResult> {
  return bindingsOf(context.model).decode(nativeContext(context), Int32Array.from(tokens), options);
}

/** Whether `decode` rejected because the model has no state at the position: some can only go back to the beginning. */
export function cannotGoBack(error: unknown): boolean {
  return error instanceof Error && error.message === "the model cannot go back in its sequence";
}

/** The weights of the FFNs, and all others that every token reads. */
export type WeightPart = "ffn" | "others";

/**
 * Copies a part's next `maxBytes` into large pages, where weights replace those of the mapped file once they are whole. Resolves to the
 * bytes copied: 0 when all are there, or when the system has no such pages. Nothing may be computed meanwhile.
 */
export function moveToLargePages(
  model: LlamaModel,
  part: WeightPart,
  options: { readonly maxBytes: number; readonly threads: number },
): Promise<number> {
  return bindingsOf(model).moveToLargePages(nativeModel(model), part, options);
}

/** A part's weights are those of the mapped file again. Nothing may be computed meanwhile. */
export function leaveLargePages(model: LlamaModel, part: WeightPart): void {
  bindingsOf(model).leaveLargePages(nativeModel(model), part);
}

/** Of the weights that are in large pages. */
export function largePageBytes(model: LlamaModel): number {
  return bindingsOf(model).largePageBytes(nativeModel(model));
}

/** Lets the pages of the dense FFN leave memory. Only file-mapped weights; returns the bytes released. */
export function evictDense(model: LlamaModel): number {
  return bindingsOf(model).evictDense(nativeModel(model));
}

/**
 * Gives back what is resident and not needed: mapped embeddings, of which a token reads one row, and what the allocator keeps of freed memory. Takes
 * milliseconds.
 */
export function trimMemory(model: LlamaModel): void {
  bindingsOf(model).trimMemory(nativeModel(model));
}

/** What is resident, mapped and packed; zeros where the system does not tell. */
export function memory(model: LlamaModel, contexts: readonly LlamaContext[] = []): MemoryUse {
  const bindings = bindingsOf(model);
  const packedBytes = contexts.reduce(
    (sum, context) => sum + bindings.packedBytes(nativeContext(context)),
    0,
  );
  return { ...bindings.memory(nativeModel(model)), packedBytes };
}

/**
 * Call before loading a model: whether the dense FFN goes into repacked buffers, which can never leave memory. Other weights do unless the
 * processor decodes as fast without (patch 0013).
 */
export function setRepackFfn(llama: object, use: boolean): void {
  (llama as unknown as { _bindings: { lacuna?: LacunaBindings } })._bindings.lacuna?.setRepackFfn(use);
}

/** Whether the loaded llama.cpp knows a model architecture at all (`general.architecture`). */
export function isArchitectureSupported(llama: object, architecture: string): boolean {
  const { _bindings } = llama as { _bindings: { getIsArchSupported(name: string): boolean } };
  return _bindings.getIsArchSupported(architecture);
}

/** Whether the native build has Lacuna's patches. */
export function hasSparseEngine(llama: object): boolean {
  return (llama as { _bindings: { lacuna?: unknown } })._bindings.lacuna !== undefined;
}
