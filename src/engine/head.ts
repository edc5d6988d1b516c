import type { LlamaContext, LlamaModel } from "node-llama-cpp";
import { lacunaBindings, nativeContext, nativeModel } from "./native";

/**
 * The typed door to `native/addon/lacuna-head`: the output head, screened. A rotated low-bit copy scores all rows, and only the best of
 * them, with those of the text's own tokens, are computed exactly.
 */

export interface HeadSupport {
  /** Why the model keeps its full head; absent: it can be screened. */
  readonly reason?: string;
  /** Size of the vocabulary. */
  readonly rows: number;
  /** Of the full head: what a token reads of it. */
  readonly bytes: number;
}

export interface HeadCopyOptions {
  /** Tells the model from every other one; at most 64 bytes count. */
  readonly identity: string;
}

/** What the screened head of a context has read since it was set. */
export interface HeadCounters {
  readonly tokens: number;
  /** Rows that were computed exactly. */
  readonly rows: number;
  /** Read of the copy and of the head. */
  readonly bytes: number;
}

/** Choices that were compared with those of the full head. */
export interface HeadChecked {
  readonly checked: number;
  readonly missed: number;
}

/** See `lacuna-head.h`; all `[n]`. */
export interface HeadStudy {
  /** The full head's choice. */
  readonly best: Int32Array;
  /** Rank of that row among the copy's scores: it is computed exactly if this is below the number of rows. */
  readonly rank: Int32Array;
  /** ln p of it, */
  readonly logLikelihood: Float32Array;
  /** and the same from the best rows exactly and the copy's scores of the others. */
  readonly estimated: Float32Array;
}

/** The making of a copy. Steps take some ten milliseconds each and run on a worker thread, one at a time. */
export interface HeadMaker {
  /** Resolves to the share that is done; 1: the file is whole. Rejects when it cannot be written, or the head is not made of numbers. */
  step(): Promise<number>;
  /** Removes the file if it is not whole. */
  dispose(): void;
}

interface HeadBindings {
  headSupport(model: object): HeadSupport;
  headKernels(): string[];
  checkHeadCopy(model: object, file: string, options: HeadCopyOptions): void;
  setHead(
    context: object,
    file: string | null,
    options: HeadCopyOptions & { readonly kernels?: string },
  ): void;
  setHeadRows(context: object, rows: number): void;
  holdTokens(context: object, tokens: Int32Array): void;
  captureHeadInputs(
    context: object,
    tokens: Int32Array,
    options: { readonly position: number; readonly outputs: number },
  ): Promise<Float32Array>;
  headCounters(context: object): HeadCounters;
  checkHead(context: object): Promise<HeadChecked>;
  studyHead(context: object, inputs: Float32Array, threads: number): Promise<HeadStudy>;
  createHeadMaker(
    model: object,
    inputs: Float32Array,
    options: HeadCopyOptions & { readonly file: string; readonly threads: number },
  ): HeadMaker;
}

const bindings = (model: LlamaModel): HeadBindings => lacunaBindings(model.llama) as unknown as HeadBindings;

/** See {@link HeadSupport}. */
export function headSupport(model: LlamaModel): HeadSupport {
  return bindings(model).headSupport(nativeModel(model));
}

/** The kernels for the copy that this processor can run, from the fastest to `scalar`. */
export function headKernels(model: LlamaModel): string[] {
  return bindings(model).headKernels();
}

/** Throws, with a sentence, when a file is not a copy of the model's head that is whole and of this version. */
export function checkHeadCopy(model: LlamaModel, file: string, options: HeadCopyOptions): void {
  bindings(model).checkHeadCopy(nativeModel(model), file, options);
}

/**
 * From here on the context chooses from its screened head where it has to choose after a few tokens only. All contexts of a model share the copy.
 * Throws when the file is damaged, cut short, of another version or of another model.
 * @param kernels one of {@link headKernels}; default: the first
 */
export function setHead(
  context: LlamaContext,
  file: string,
  options: HeadCopyOptions & { readonly kernels?: string },
): void {
  bindings(context.model).setHead(nativeContext(context), file, options);
}

/** Back to the full head. */
export function clearHead(context: LlamaContext): void {
  bindings(context.model).setHead(nativeContext(context), null, { identity: "" });
}

/** How many of the best rows are computed exactly (default 3072); more for texts of many scripts. */
export function setHeadRows(context: LlamaContext, rows: number): void {
  bindings(context.model).setHeadRows(nativeContext(context), rows);
}

/** Says what a sequence holds that was not evaluated here: the rows of its tokens are always computed. */
export function holdTokens(context: LlamaContext, tokens: readonly number[]): void {
  bindings(context.model).holdTokens(nativeContext(context), Int32Array.from(tokens));
}

/** Evaluates tokens as `decode` does, but computes no logits: resolves to the inputs of the head `[outputs, embedding]` of the last ones. */
export function captureHeadInputs(
  context: LlamaContext,
  tokens: readonly number[],
  options: { readonly position: number; readonly outputs: number },
): Promise<Float32Array> {
  return bindings(context.model).captureHeadInputs(nativeContext(context), Int32Array.from(tokens), options);
}

/** See {@link HeadCounters}. */
export function headCounters(context: LlamaContext): HeadCounters {
  return bindings(context.model).headCounters(nativeContext(context));
}

/** Compares those of the last choices that were remembered, one in 200, with the full head's, and forgets them. For idle time. */
export function checkHead(context: LlamaContext): Promise<HeadChecked> {
  return bindings(context.model).checkHead(nativeContext(context));
}

/** How the screened head of a context does on inputs `[n, embedding]` of {@link captureHeadInputs}; takes a full head's time for each. */
export function studyHead(context: LlamaContext, inputs: Float32Array, threads: number): Promise<HeadStudy> {
  return bindings(context.model).studyHead(nativeContext(context), inputs, threads);
}

/**
 * Makes the copy of a model's head; nothing is computed until `step()`.
 * @param inputs of the head on text like that of later, `[n, embedding]`; some hundred
 */
export function createHeadMaker(
  model: LlamaModel,
  inputs: Float32Array,
  options: HeadCopyOptions & { readonly file: string; readonly threads: number },
): HeadMaker {
  return bindings(model).createHeadMaker(nativeModel(model), inputs, options);
}
