import { ggmlType } from "../../models/ggmlTypes";
import type { TensorSpec } from "../../models/ggufWriter";

/** Dimensions of a model of the qwen2 architecture. */
export interface Shape {
  readonly name: string;
  readonly layers: number;
  readonly embedding: number;
  readonly ffn: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly vocabulary: number;
  /** The output projection is the token embedding. */
  readonly tied: boolean;
}

/** Qwen2.5-Coder's, from the models' own `config.json`. */
export const SHAPES: Readonly<Record<string, Shape>> = {
  "qwen2.5-coder-0.5b": shape("qwen2.5-coder-0.5b", 24, 896, 4864, 14, 2, 151_936, true),
  "qwen2.5-coder-1.5b": shape("qwen2.5-coder-1.5b", 28, 1536, 8960, 12, 2, 151_936, true),
  "qwen2.5-coder-3b": shape("qwen2.5-coder-3b", 36, 2048, 11_008, 16, 2, 151_936, true),
  "qwen2.5-coder-7b": shape("qwen2.5-coder-7b", 28, 3584, 18_944, 28, 4, 152_064, false),
};

export const QUANTS = ["Q8_0", "Q4_0", "Q4_K_M", "F16"] as const;
export type Quant = (typeof QUANTS)[number];

/** `general.file_type` of llama.cpp. */
export const FILE_TYPES: Readonly<Record<Quant, number>> = { F16: 1, Q4_0: 2, Q8_0: 7, Q4_K_M: 15 };

function shape(
  name: string,
  layers: number,
  embedding: number,
  ffn: number,
  heads: number,
  kvHeads: number,
  vocabulary: number,
  tied: boolean,
): Shape {
  return { name, layers, embedding, ffn, heads, kvHeads, vocabulary, tied };
}

/** All tensors of a model, of the types that llama.cpp's quantiser would choose. */
export function tensorsOf(shape: Shape, quant: Quant): TensorSpec[] {
  const { layers, embedding, ffn, heads, kvHeads, vocabulary, tied } = shape;
  const kv = (embedding / heads) * kvHeads;
  const vector = (name: string, size: number): TensorSpec => ({
    name,
    dimensions: [size],
    type: ggmlType("F32"),
  });
  const matrix = (name: string, columns: number, rows: number, wanted = baseType(quant)): TensorSpec => ({
    name: `${name}.weight`,
    dimensions: [columns, rows],
    type: ggmlType(fallback(wanted, columns)),
  });
  const output = quant === "Q4_0" || quant === "Q4_K_M" ? "Q6_K" : baseType(quant);
  const tensors = [matrix("token_embd", embedding, vocabulary, tied ? output : baseType(quant))];
  for (let layer = 0; layer < layers; layer++) {
    const name = (part: string): string => `blk.${layer}.${part}`;
    const sensitive = quant === "Q4_K_M" && usesMoreBits(layer, layers) ? "Q6_K" : baseType(quant);
    tensors.push(
      vector(name("attn_norm.weight"), embedding),
      matrix(name("attn_q"), embedding, embedding),
      vector(name("attn_q.bias"), embedding),
      matrix(name("attn_k"), embedding, kv),
      vector(name("attn_k.bias"), kv),
      matrix(name("attn_v"), embedding, kv, sensitive),
      vector(name("attn_v.bias"), kv),
      matrix(name("attn_output"), embedding, embedding),
      vector(name("ffn_norm.weight"), embedding),
      matrix(name("ffn_gate"), embedding, ffn),
      matrix(name("ffn_up"), embedding, ffn),
      matrix(name("ffn_down"), ffn, embedding, sensitive),
    );
  }
  tensors.push(vector("output_norm.weight", embedding));
  return tied ? tensors : [...tensors, matrix("output", embedding, vocabulary, output)];
}

const baseType = (quant: Quant): string => (quant === "Q4_K_M" ? "Q4_K" : quant);

/** llama.cpp's `use_more_bits`: the first and last eighth of the layers and every third between. */
function usesMoreBits(layer: number, layers: number): boolean {
  const eighth = Math.floor(layers / 8);
  return layer < eighth || layer >= Math.floor((7 * layers) / 8) || (layer - eighth) % 3 === 2;
}

/** llama.cpp's `tensor_type_fallback` for rows that are no whole number of 256-element blocks. */
function fallback(type: string, columns: number): string {
  if (columns % ggmlType(type).blockSize === 0) {
    return type;
  }
  return type === "Q4_K" ? "Q5_0" : "Q8_0";
}
