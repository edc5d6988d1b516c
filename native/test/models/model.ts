import { BLOCKS, type StorageType } from "./blocks";
import { familyOf, type Architecture, type Family } from "./families";
import { writeGguf, type GgufTensor, type GgufValue } from "./gguf";
import { Random } from "./random";

export interface Shape {
  readonly arch: Architecture;
  readonly layers: number;
  readonly embedding: number;
  readonly ffn: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headSize: number;
  readonly vocabulary: number;
  readonly tied: boolean;
  /** Biases of the FFN (llama only). */
  readonly ffnBias?: boolean;
  /** The architecture that the file names, if not its own. */
  readonly named?: string;
  /** Attributed for a context longer than what the model was first trained on: another set of factors of the RoPE. */
  readonly longContext?: boolean;
  /** Frequency factors of the RoPE, as Llama 3 has them. */
  readonly ropeFactors?: boolean;
}

export type TypeOf = (tensorName: string) => StorageType;

/** One type for everything. */
export const all =
  (type: StorageType): TypeOf =>
  () =>
    type;

/** What llama.cpp calls Q4_K_M: a mix. */
export const q4km: TypeOf = (name) =>
  /ffn_down|attn_v|token_embd|output\.weight/.test(name) ? "Q6_K" : "Q4_K";

/** A matrix as its rows, decoded. */
export interface Matrix {
  readonly rows: number;
  readonly cols: number;
  readonly values: Float64Array;
}

/** A random model: what is written to the file, and what it decodes to. */
export class TestModel {
  readonly weights = new Map<string, Matrix>();
  private readonly tensors = new Map<string, GgufTensor>();

  constructor(
    readonly shape: Shape,
    readonly typeOf: TypeOf,
    seed = 1,
  ) {
    const random = new Random(seed);
    const { embedding, ffn, heads, kvHeads, headSize, vocabulary, arch } = shape;
    const family = familyOf(arch);
    const biased = (what: NonNullable<Family["biases"]>[number]): boolean =>
      family.biases?.includes(what) ?? false;
    const matrix = (name: string, rows: number, cols: number, std = 1 / Math.sqrt(cols)): void =>
      this.add(name, rows, cols, typeOf(name), std, 0, random);
    const vector = (name: string, size: number, std: number, mean: number): void =>
      this.add(name, 1, size, "F32", std, mean, random);

    matrix("token_embd.weight", vocabulary, embedding, 1);
    const norm = (name: string, size: number): void => {
      vector(`${name}.weight`, size, 0.1, 1);
      if (biased("norm")) {
        vector(`${name}.bias`, size, 0.2, 0);
      }
    };
    norm("output_norm", embedding);
    if (!shape.tied) {
      matrix("output.weight", vocabulary, embedding);
    }
    if (biased("output")) {
      vector("output.bias", vocabulary, 0.3, 0);
    }
    if (shape.ropeFactors) {
      vector("rope_freqs.weight", headSize / 2, 0.3, 1.5);
    }
    if (family.shortFactors === true) {
      vector("rope_factors_short.weight", headSize / 2, 0.3, 1.5);
      vector("rope_factors_long.weight", headSize / 2, 0.3, 9);
    }
    for (let il = 0; il < shape.layers; il++) {
      const p = `blk.${il}.`;
      norm(`${p}attn_norm`, embedding);
      if (family.parallel !== true) {
        norm(`${p}ffn_norm`, embedding);
      }
      const [q, kv] = [heads * headSize, kvHeads * headSize];
      const projections: Readonly<Record<string, number>> =
        family.qkv === "fused" ? { attn_qkv: q + 2 * kv } : { attn_q: q, attn_k: kv, attn_v: kv };
      for (const [name, rows] of Object.entries(projections)) {
        matrix(`${p}${name}.weight`, rows, embedding);
        if (biased("qkv")) {
          vector(`${p}${name}.bias`, rows, 0.3, 0);
        }
      }
      matrix(`${p}attn_output.weight`, embedding, q);
      if (biased("attention")) {
        vector(`${p}attn_output.bias`, embedding, 0.3, 0);
      }
      if (family.headNorms !== undefined) {
        const each = family.headNorms === "each";
        this.add(`${p}attn_q_norm.weight`, each ? heads : 1, headSize, "F32", 0.1, 1, random);
        this.add(`${p}attn_k_norm.weight`, each ? kvHeads : 1, headSize, "F32", 0.1, 1, random);
      }
      if (family.postNorms === true) {
        norm(`${p}post_attention_norm`, embedding);
        norm(`${p}post_ffw_norm`, embedding);
      }
      if (family.gate === "apart") {
        matrix(`${p}ffn_gate.weight`, ffn, embedding);
      }
      matrix(`${p}ffn_up.weight`, family.gate === "fused" ? 2 * ffn : ffn, embedding);
      matrix(`${p}ffn_down.weight`, embedding, ffn);
      if (shape.ffnBias === true || biased("ffn")) {
        if (family.gate === "apart") {
          vector(`${p}ffn_gate.bias`, ffn, 0.2, 0);
        }
        vector(`${p}ffn_up.bias`, ffn, 0.2, 0);
        vector(`${p}ffn_down.bias`, embedding, 0.2, 0);
      }
    }
  }

  matrix(name: string): Matrix {
    const matrix = this.weights.get(name);
    if (matrix === undefined) {
      throw new Error(`no tensor ${name}`);
    }
    return matrix;
  }

  has(name: string): boolean {
    return this.weights.has(name);
  }

  write(path: string): void {
    writeGguf(path, this.metadata(), [...this.tensors.values()]);
  }

  /**
   * The same model (as F32, if it is quantised) with the neurons that are not in `rows[layer]` cut off (their column of down is zero) and
   * `bias[layer]` added to the FFN's output: what a packed FFN must be equal to. Needs `ffnBias` when `bias` is given.
   */
  masked(rows: readonly (Int32Array | null)[], bias?: readonly Float64Array[]): TestModel {
    const res = new TestModel({ ...this.shape, layers: 0 }, this.typeOf);
    (res as { shape: Shape }).shape = this.shape;
    res.weights.clear();
    res.tensors.clear();
    for (const [name, matrix] of this.weights) {
      const type = BLOCKS[this.typeOf(name)].size === 1 && matrix.rows > 1 ? this.typeOf(name) : "F32";
      const values = Float64Array.from(matrix.values);
      const layer = Number(/^blk\.(\d+)\./.exec(name)?.[1] ?? -1);
      const kept = rows[layer];
      if (name.endsWith("ffn_down.weight") && kept) {
        const keep = new Set(kept);
        for (let i = 0; i < values.length; i++) {
          if (!keep.has(i % matrix.cols)) {
            values[i] = 0;
          }
        }
      }
      if (name.endsWith("ffn_down.bias") && bias) {
        bias[layer]!.forEach((b, i) => (values[i]! += b));
      }
      const { id, bytes } = BLOCKS[type];
      const data = new Uint8Array(values.length * bytes);
      if (type === "F32") {
        data.set(new Uint8Array(Float32Array.from(values).buffer));
      } else {
        data.set(this.tensors.get(name)!.data);
        values.forEach((v, i) => v === 0 && data.fill(0, i * bytes, (i + 1) * bytes));
      }
      res.weights.set(name, { ...matrix, values });
      res.tensors.set(name, { ...this.tensors.get(name)!, typeId: id, data });
    }
    return res;
  }

  private add(
    name: string,
    rows: number,
    cols: number,
    type: StorageType,
    std: number,
    mean: number,
    random: Random,
  ): void {
    const block = BLOCKS[type];
    const count = (rows * cols) / block.size;
    const data = new Uint8Array(count * block.bytes);
    const values = new Float64Array(rows * cols);
    for (let i = 0; i < count; i++) {
      const view = new DataView(data.buffer, i * block.bytes, block.bytes);
      block.fill(view, std, random);
      if (mean !== 0) {
        view.setFloat32(0, view.getFloat32(0, true) + mean, true);
      }
      block.decode(view, values.subarray(i * block.size, (i + 1) * block.size));
    }
    this.weights.set(name, { rows, cols, values });
    const shape = rows === 1 ? [cols] : [cols, rows];
    this.tensors.set(name, { name, shape, typeId: block.id, data });
  }

  private metadata(): Record<string, GgufValue> {
    const { layers, embedding, ffn, heads, kvHeads, headSize, vocabulary } = this.shape;
    const family = familyOf(this.shape.arch);
    const arch = this.shape.named ?? family.architecture ?? this.shape.arch;
    const bytes = Array.from(
      { length: 256 },
      (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, "0")}>`,
    );
    const special = ["<unk>", "<s>", "</s>", ...bytes];
    const tokens = Array.from({ length: vocabulary }, (_, i) => special[i] ?? `t${i}`);
    // 1 normal, 2 unknown, 3 control, 6 byte
    const tokenType = (i: number): number => (i === 0 ? 2 : i < 3 ? 3 : i < special.length ? 6 : 1);
    return {
      "general.architecture": { str: arch },
      "general.name": { str: "random test model" },
      [`${arch}.context_length`]: { u32: 512 },
      [`${arch}.embedding_length`]: { u32: embedding },
      [`${arch}.block_count`]: { u32: layers },
      [`${arch}.feed_forward_length`]: { u32: ffn },
      [`${arch}.attention.head_count`]: { u32: heads },
      [`${arch}.attention.head_count_kv`]: { u32: kvHeads },
      [`${arch}.attention.key_length`]: { u32: headSize },
      [`${arch}.attention.value_length`]: { u32: headSize },
      [`${arch}.attention.layer_norm${family.norm === "rms" ? "_rms" : ""}_epsilon`]: { f32: 1e-5 },
      [`${arch}.rope.dimension_count`]: { u32: headSize * (family.rotated ?? 1) },
      [`${arch}.rope.freq_base`]: { f32: 10000 },
      ...Object.fromEntries(
        Object.entries(family.metadata ?? {}).map(([key, value]) => [`${arch}.${key}`, value]),
      ),
      "tokenizer.ggml.model": { str: "llama" },
      "tokenizer.ggml.tokens": { strs: tokens },
      "tokenizer.ggml.scores": { f32s: tokens.map((_, i) => -i) },
      "tokenizer.ggml.token_type": { i32s: tokens.map((_, i) => tokenType(i)) },
      "tokenizer.ggml.bos_token_id": { u32: 1 },
      "tokenizer.ggml.eos_token_id": { u32: 2 },
    };
  }
}
