import { kvBytesPerToken } from "../../engine/kvSize";
import { readGguf } from "../../models/gguf";
import type { TokenBytes } from "./messages";

/** What of the FFN a sparse document reads. */
export interface SparseFfn {
  /** The share of the file's bytes. */
  readonly readRatio: number;
  /** Where rows are packed in other types than the file's: their bytes, all of which are read. */
  readonly packedBytes: number;
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
  return {
    attention: bytesOf(isAttention),
    output: bytesOf((name) => !isFfn(name) && !isAttention(name) && !isEmbedding(name)),
    ffn:
      sparse !== undefined && sparse.packedBytes > 0
        ? sparse.packedBytes
        : (sparse?.readRatio ?? 1) * bytesOf(isFfn),
    cache: position * kvBytesPerToken(header),
  };
}

export const totalBytes = ({ attention, output, ffn, cache }: TokenBytes): number =>
  attention + output + ffn + cache;
