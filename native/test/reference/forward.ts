import type { TestModel } from "../models/model";
import { Tape, type Tensor } from "./tape";

const EPS = Math.fround(1e-5);

export interface Scaling {
  readonly layer: number;
  readonly unit: "neurons" | "heads";
  readonly factor: number;
}

/** Leaves out parts of a forward pass; without gradients below what it changes. */
export interface Masking {
  /** The layer's activations `[N, n_ff]` instead of `x`; `gate` is silu(gate). */
  neurons?(layer: number, x: Float64Array, gate: Float64Array): Float64Array;
  /** Factor of a head's output. */
  head?(layer: number, head: number): number;
}

export interface Pass {
  /** Sum of ln p over the window's labels. */
  readonly F: number;
  /** Per layer: FFN activations `[N, n_ff]` with dF/dx in `grad`. */
  readonly neurons: readonly Tensor[];
  /** Per layer: attention output before `attn_output`, `[N, heads · headSize]`. */
  readonly heads: readonly Tensor[];
  /** `[N, vocabulary]`. */
  readonly logits: Tensor;
}

/** Forward and backward pass of a llama, qwen2 or qwen3 model in float64, written from the papers. */
export function runReference(
  model: TestModel,
  tokens: Int32Array,
  [start, end]: readonly [number, number],
  scaling?: Scaling,
  masking: Masking = {},
  /** `[end - start]` instead of the tokens. */
  labels?: Int32Array,
): Pass {
  const { layers, embedding, heads, kvHeads, headSize, arch, tied } = model.shape;
  const tape = new Tape();
  const N = end - 1;
  const first = start - 1;
  const vector = (name: string): Float64Array => model.matrix(name).values;

  const factors = model.has("rope_freqs.weight") ? vector("rope_freqs.weight") : undefined;
  const angle = (t: number, i: number): number => (t * 10000 ** ((-2 * i) / headSize)) / (factors?.[i] ?? 1);
  const pair = (i: number): [number, number] =>
    arch === "llama" ? [2 * i, 2 * i + 1] : [i, i + headSize / 2];

  const linear = (x: Tensor, name: string): Tensor => {
    const y = tape.linear(x, model.matrix(`${name}.weight`));
    return model.has(`${name}.bias`) ? tape.addRow(y, vector(`${name}.bias`)) : y;
  };
  const scaled = (x: Tensor, layer: number, unit: Scaling["unit"]): Tensor =>
    scaling?.layer === layer && scaling.unit === unit ? tape.scaleRows(x, scaling.factor, first) : x;

  const table = model.matrix("token_embd.weight");
  const x0 = new Float64Array(N * embedding);
  for (let t = 0; t < N; t++) {
    const row = tokens[t]! * embedding;
    x0.set(table.values.subarray(row, row + embedding), t * embedding);
  }

  let x = tape.constant(N, embedding, x0);
  const neuronTensors: Tensor[] = [];
  const headTensors: Tensor[] = [];
  for (let il = 0; il < layers; il++) {
    const p = `blk.${il}.`;
    const normed = tape.rmsNorm(x, vector(`${p}attn_norm.weight`), EPS);
    let q = linear(normed, `${p}attn_q`);
    let k = linear(normed, `${p}attn_k`);
    const v = linear(normed, `${p}attn_v`);
    if (arch === "qwen3") {
      q = tape.rmsNorm(q, vector(`${p}attn_q_norm.weight`), EPS);
      k = tape.rmsNorm(k, vector(`${p}attn_k_norm.weight`), EPS);
    }
    const outputs: Tensor[] = [];
    for (let h = 0; h < heads; h++) {
      const kv = Math.floor((h * kvHeads) / heads);
      const qh = tape.rotate(tape.slice(q, h * headSize, headSize), pair, angle);
      const kh = tape.rotate(tape.slice(k, kv * headSize, headSize), pair, angle);
      const probabilities = tape.causalSoftmax(tape.matmulT(qh, kh), 1 / Math.sqrt(headSize));
      const output = tape.matmul(probabilities, tape.slice(v, kv * headSize, headSize));
      outputs.push(tape.scaleRows(output, masking.head?.(il, h) ?? 1, 0));
    }
    const attention = scaled(tape.concat(outputs), il, "heads");
    headTensors.push(attention);
    const fi = tape.add(linear(attention, `${p}attn_output`), x);

    const fn = tape.rmsNorm(fi, vector(`${p}ffn_norm.weight`), EPS);
    const gate = tape.silu(linear(fn, `${p}ffn_gate`));
    let activation = scaled(tape.mul(gate, linear(fn, `${p}ffn_up`)), il, "neurons");
    if (masking.neurons !== undefined) {
      activation = tape.constant(N, activation.cols, masking.neurons(il, activation.values, gate.values));
    }
    neuronTensors.push(activation);
    x = tape.add(linear(activation, `${p}ffn_down`), fi);
  }

  const output = tied ? "token_embd" : "output";
  const logits = linear(tape.rmsNorm(x, vector("output_norm.weight"), EPS), output);
  const wanted = labels ?? tokens.slice(start, end);
  const terms = Array.from({ length: N }, (_, t) => (t >= first ? wanted[t - first]! : undefined));
  const likelihood = tape.logLikelihood(logits, terms);
  tape.backward(likelihood, new Float64Array(N).fill(1));

  return {
    F: likelihood.values.reduce((sum, l) => sum + l, 0),
    neurons: neuronTensors,
    heads: headTensors,
    logits,
  };
}
