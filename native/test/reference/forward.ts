import { familyOf, type Yarn } from "../models/families";
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

/** Forward and backward pass of a model in float64, written from its family's paper and the implementation of its makers. */
export function runReference(
  model: TestModel,
  tokens: Int32Array,
  [start, end]: readonly [number, number],
  scaling?: Scaling,
  masking: Masking = {},
  /** `[end - start]` instead of the tokens. */
  labels?: Int32Array,
): Pass {
  const { layers, embedding, ffn, heads, kvHeads, headSize, arch, tied } = model.shape;
  const family = familyOf(arch);
  const { scales = {}, caps = {}, window } = family;
  const tape = new Tape();
  const N = end - 1;
  const first = start - 1;
  const vector = (name: string): Float64Array => model.matrix(name).values;

  const rotated = headSize * (family.rotated ?? 1);
  const factors = [
    "rope_freqs.weight",
    `rope_factors_${model.shape.longContext === true ? "long" : "short"}.weight`,
  ]
    .filter((name) => model.has(name))
    .map(vector)[0];
  const pair = (i: number): [number, number] =>
    family.pairs === "neighbours" ? [2 * i, 2 * i + 1] : [i, i + rotated / 2];

  const linear = (x: Tensor, name: string): Tensor => {
    const y = tape.linear(x, model.matrix(`${name}.weight`));
    return model.has(`${name}.bias`) ? tape.addRow(y, vector(`${name}.bias`)) : y;
  };
  const norm = (x: Tensor, name: string, size = embedding): Tensor => {
    const y =
      family.norm === "rms"
        ? tape.rmsNorm(x, vector(`${name}.weight`), size, EPS)
        : tape.layerNorm(x, vector(`${name}.weight`), size, EPS);
    return model.has(`${name}.bias`) ? tape.addRow(y, vector(`${name}.bias`)) : y;
  };
  const scaled = (x: Tensor, layer: number, unit: Scaling["unit"]): Tensor =>
    scaling?.layer === layer && scaling.unit === unit ? tape.scaleRows(x, scaling.factor, first) : x;
  const times = (x: Tensor, factor: number | undefined): Tensor =>
    factor === undefined ? x : tape.scale(x, factor);
  const capped = (x: Tensor, cap: number | undefined): Tensor => (cap === undefined ? x : tape.cap(x, cap));

  const table = model.matrix("token_embd.weight");
  const x0 = new Float64Array(N * embedding);
  for (let t = 0; t < N; t++) {
    const row = tokens[t]! * embedding;
    x0.set(table.values.subarray(row, row + embedding), t * embedding);
  }

  let x = times(
    tape.constant(N, embedding, x0),
    scales.embedding === "root" ? Math.sqrt(embedding) : scales.embedding,
  );
  const neuronTensors: Tensor[] = [];
  const headTensors: Tensor[] = [];
  for (let il = 0; il < layers; il++) {
    const p = `blk.${il}.`;
    const windowed = window !== undefined && il % window.pattern < window.pattern - 1;
    const base = windowed ? window.base : 10000;
    const rotates = family.unrotated === undefined || (il + 1) % family.unrotated !== 0;
    const angle = (t: number, i: number): number =>
      (t * base ** ((-2 * i) / rotated) * yarnFactor(family.yarn, i, rotated, base)) / (factors?.[i] ?? 1);
    /** What a branch gives to the residual stream. */
    const added = (branch: Tensor, after: string): Tensor =>
      times(family.postNorms === true ? norm(branch, `${p}${after}`) : branch, scales.residual);

    const normed = norm(x, `${p}attn_norm`);
    const [qSize, kvSize] = [heads * headSize, kvHeads * headSize];
    const all = family.qkv === "fused" ? linear(normed, `${p}attn_qkv`) : undefined;
    const projection = (name: string, from: number, size: number): Tensor =>
      all === undefined ? linear(normed, `${p}${name}`) : tape.slice(all, from, size);
    let q = projection("attn_q", 0, qSize);
    let k = projection("attn_k", qSize, kvSize);
    const v = projection("attn_v", qSize + kvSize, kvSize);
    if (family.headNorms !== undefined) {
      q = norm(q, `${p}attn_q_norm`, headSize);
      k = norm(k, `${p}attn_k_norm`, headSize);
    }
    const outputs: Tensor[] = [];
    for (let h = 0; h < heads; h++) {
      const kv = Math.floor((h * kvHeads) / heads);
      const turned = (head: Tensor): Tensor =>
        rotates
          ? tape.rotate(head, rotated / 2, pair, angle, family.yarn?.scale ?? family.rotationScale)
          : head;
      const qh = turned(tape.slice(q, h * headSize, headSize));
      const kh = turned(tape.slice(k, kv * headSize, headSize));
      const scores = tape.scale(tape.matmulT(qh, kh), scales.attention ?? 1 / Math.sqrt(headSize));
      const probabilities = tape.causalSoftmax(
        capped(scores, caps.attention),
        1,
        windowed ? window.size : Infinity,
      );
      const output = tape.matmul(probabilities, tape.slice(v, kv * headSize, headSize));
      outputs.push(tape.scaleRows(output, masking.head?.(il, h) ?? 1, 0));
    }
    const attention = scaled(tape.concat(outputs), il, "heads");
    headTensors.push(attention);
    const fi = tape.add(added(linear(attention, `${p}attn_output`), "post_attention_norm"), x);

    const fn = family.parallel === true ? normed : norm(fi, `${p}ffn_norm`);
    const act = (pre: Tensor): Tensor => (family.activation === "silu" ? tape.silu(pre) : tape.gelu(pre));
    const up = linear(fn, `${p}ffn_up`);
    const gate = act(
      family.gate === "none"
        ? up
        : family.gate === "fused"
          ? tape.slice(up, 0, ffn)
          : linear(fn, `${p}ffn_gate`),
    );
    const product =
      family.gate === "none" ? gate : tape.mul(gate, family.gate === "fused" ? tape.slice(up, ffn, ffn) : up);
    let activation = scaled(product, il, "neurons");
    if (masking.neurons !== undefined) {
      activation = tape.constant(N, activation.cols, masking.neurons(il, activation.values, gate.values));
    }
    neuronTensors.push(activation);
    x = tape.add(added(linear(activation, `${p}ffn_down`), "post_ffw_norm"), fi);
  }

  const head = tied ? "token_embd" : "output";
  let logits = linear(norm(x, "output_norm"), head);
  if (tied && model.has("output.bias")) {
    logits = tape.addRow(logits, vector("output.bias"));
  }
  logits = times(logits, scales.logits === undefined ? undefined : 1 / scales.logits);
  logits = capped(logits, caps.logits);
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

/** What YaRN (Peng et al. 2023, section 3.2) multiplies the `i`th frequency with: between 1 for quick ones and 1 / factor for slow ones. */
function yarnFactor(yarn: Yarn | undefined, i: number, rotated: number, base: number): number {
  if (yarn === undefined) {
    return 1;
  }
  /** The frequency that turns so many times within the context that was trained. */
  const turning = (times: number): number =>
    (rotated * Math.log(yarn.trained / (2 * Math.PI * times))) / (2 * Math.log(base));
  const low = Math.max(0, Math.floor(turning(32)));
  const high = Math.min(rotated - 1, Math.ceil(turning(1)));
  const slow = Math.min(1, Math.max(0, (i - low) / Math.max(0.001, high - low)));
  return slow / yarn.factor + (1 - slow);
}
