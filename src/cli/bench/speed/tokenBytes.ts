import { kvBytesPerToken } from "../../../engine/kvSize";
import { readGguf } from "../../../models/gguf";
import type { TokenBytes } from "./messages";

/** What of the FFN a sparse document reads. */
export interface SparseFfn {
  readonly staticRatio: number;
  readonly document: { readonly readRatio: number; readonly packedBytes: number };
}

/**
 * What has to come out of memory for one token: every weight but the embedding's (one row of it) once (a tied embedding is the output,
 * too), and the cache of the positions before it.
 * @param position tokens before it
 * @param sparse absent: the whole FFN
 */
export function tokenBytes(modelPath: string, position: number, sparse?: SparseFfn): TokenBytes {
  const header = readGguf(modelPath);
  const hasOutput = header.tensors.some(({ name }) => name === "output.weight");
  const bytesOf = (wanted: (name: string) => boolean): number =>
    header.tensors.reduce((sum, { name, bytes }) => sum + (wanted(name) ? bytes : 0), 0);
  const isFfn = (name: string): boolean => /\.ffn_(gate|up|down)\.weight$/.test(name);
  const isAttention = (name: string): boolean => name.includes(".attn_");
  const isEmbedding = (name: string): boolean => hasOutput && name === "token_embd.weight";
  const gates =
    sparse === undefined ? 0 : sparse.staticRatio * bytesOf((name) => name.endsWith(".ffn_gate.weight"));
  return {
    attention: bytesOf(isAttention),
    output: bytesOf((name) => !isFfn(name) && !isAttention(name) && !isEmbedding(name)),
    ffn: sparse === undefined ? bytesOf(isFfn) : ffnBytes(sparse, gates),
    cache: position * kvBytesPerToken(header),
  };
}

/** Gates are read whole, of the rest what thresholds let pass. */
function ffnBytes({ staticRatio, document }: SparseFfn, gates: number): number {
  const passing = ((3 * document.readRatio) / staticRatio - 1) / 2;
  return gates + passing * (document.packedBytes - gates);
}

export const totalBytes = ({ attention, output, ffn, cache }: TokenBytes): number =>
  attention + output + ffn + cache;
