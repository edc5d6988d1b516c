import type { LlamaContext } from "node-llama-cpp";
import type { Part } from "../completion/movable";
import { lacunaBindings, nativeContext } from "./native";

/** The typed door to a context's KV cache: `native/addon/lacuna-move` and `lacuna-cache`, and llama.cpp's own files of states. */

interface CacheBindings {
  canMove(context: object): boolean;
  setAside(context: object, position: number, parts: Int32Array): void;
  takeBack(context: object, position: number, index: number): void;
  releaseCache(context: object): void;
  cacheBytes(context: object): number;
}

const bindings = ({ model }: LlamaContext): CacheBindings =>
  lacunaBindings(model.llama) as unknown as CacheBindings;

/** Whether a token's entries in the KV cache can be used at another position of the sequence. */
export function canMove(context: LlamaContext): boolean {
  return bindings(context).canMove(nativeContext(context));
}

/**
 * Sets parts of the sequence aside, to follow other tokens than before, and forgets everything else from `position` on, and what has been set aside
 * before. Nothing may be computed meanwhile.
 */
export function setAside(context: LlamaContext, position: number, parts: readonly Part[]): void {
  const numbers = Int32Array.from(parts.flatMap(({ from, to, at }) => [from, to, at]));
  bindings(context).setAside(nativeContext(context), position, numbers);
}

/** Puts the `index`-th part that was set aside behind the sequence's first `position` tokens, which is where it is to be. Nothing may be computed meanwhile. */
export function takeBack(context: LlamaContext, position: number, index: number): void {
  bindings(context).takeBack(nativeContext(context), position, index);
}

interface WithStateFiles {
  saveSequenceStateToFile(file: string, sequence: number, tokens: Uint32Array): Promise<number>;
  loadSequenceStateFromFile(file: string, sequence: number, maxTokens: number): Promise<Uint32Array>;
}

/** Writes the KV cache of a context's sequence 0 to a file, with the tokens that it stands for. */
export async function saveState(
  context: LlamaContext,
  file: string,
  tokens: readonly number[],
): Promise<void> {
  await (nativeContext(context) as WithStateFiles).saveSequenceStateToFile(file, 0, Uint32Array.from(tokens));
}

/**
 * Fills sequence 0 of a fresh context with what {@link saveState} has written for the same model; resolves to its tokens.
 * Rejects when the file does not fit the context. Its content must be trusted.
 */
export async function loadState(context: LlamaContext, file: string): Promise<number[]> {
  const native = nativeContext(context) as WithStateFiles;
  return [...(await native.loadSequenceStateFromFile(file, 0, context.contextSize))];
}

/** Lets go of the pages of a new context's KV cache, which llama.cpp has cleared: they come back as tokens are written to them. It must hold nothing yet. */
export function releaseCache(context: LlamaContext): void {
  bindings(context).releaseCache(nativeContext(context));
}

/** What of a context's KV cache is resident in this process; all of it where the system does not tell. */
export function cacheBytes(context: LlamaContext): number {
  return bindings(context).cacheBytes(nativeContext(context));
}
