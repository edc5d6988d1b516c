import type { GgufValue } from "./gguf";

/** What the blocks of a family are made of, from its paper and the implementation of its makers. */
export interface Family {
  /** As llama.cpp calls it; default: the name that the family has here. */
  readonly architecture?: string;
  readonly norm: "rms" | "layer";
  readonly activation: "silu" | "gelu";
  readonly gate: "apart" | "fused" | "none";
  readonly qkv: "apart" | "fused";
  /** The FFN gets the attention's input, not its output. */
  readonly parallel?: boolean;
  /** Norms after attention and FFN, before their results are added. */
  readonly postNorms?: boolean;
  /** Norms of queries and keys, with weights for all heads together or for each. */
  readonly headNorms?: "shared" | "each";
  readonly biases?: readonly ("norm" | "qkv" | "attention" | "ffn" | "output")[];
  /** Which columns of a head rotate together: neighbours, or those half of the rotated ones apart. */
  readonly pairs: "neighbours" | "halves";
  /** Share of a head that rotates; default 1. */
  readonly rotated?: number;
  /** What rotated columns are multiplied with. */
  readonly rotationScale?: number;
  /** YaRN: for contexts `factor` times as long as the `trained` positions; rotated columns are multiplied with `scale`. */
  readonly yarn?: Yarn;
  /** Every so many layers nothing rotates. */
  readonly unrotated?: number;
  /** RoPE's factors of the size that is tested, for contexts that are no longer than the model was first trained on. */
  readonly shortFactors?: boolean;
  /** All layers but every `pattern`th see `size` positions, and rotate by another base. */
  readonly window?: { readonly size: number; readonly pattern: number; readonly base: number };
  readonly caps?: { readonly attention?: number; readonly logits?: number };
  readonly scales?: {
    readonly embedding?: number | "root";
    readonly attention?: number;
    readonly residual?: number;
    /** What logits are divided by. */
    readonly logits?: number;
  };
  /** Of the file, beyond what all have; the architecture's name is put in front. */
  readonly metadata?: Readonly<Record<string, GgufValue>>;
}

export interface Yarn {
  readonly factor: number;
  readonly trained: number;
  readonly scale: number;
}

const LLAMA: Family = {
  norm: "rms",
  activation: "silu",
  gate: "apart",
  qkv: "apart",
  pairs: "neighbours",
};
const STARCODER2: Family = {
  ...LLAMA,
  norm: "layer",
  activation: "gelu",
  gate: "none",
  pairs: "halves",
  biases: ["norm", "qkv", "attention", "ffn"],
};
const YARN: Readonly<Record<string, GgufValue>> = {
  "rope.scaling.type": { str: "yarn" },
  "rope.scaling.factor": { f32: 4 },
  "rope.scaling.original_context_length": { u32: 64 },
};
const QWEN2: Family = { ...LLAMA, pairs: "halves", biases: ["qkv"] };
const STABLELM: Family = {
  ...LLAMA,
  norm: "layer",
  pairs: "halves",
  rotated: 0.5,
  biases: ["norm", "qkv"],
};
const GEMMA: Family = {
  ...LLAMA,
  activation: "gelu",
  pairs: "halves",
  scales: { embedding: "root" },
};

export const FAMILIES = {
  llama: LLAMA,
  qwen2: QWEN2,
  "qwen2, YaRN": {
    ...QWEN2,
    architecture: "qwen2",
    yarn: { factor: 4, trained: 64, scale: 1 + 0.1 * Math.log(4) },
    metadata: YARN,
  },
  qwen3: { ...LLAMA, pairs: "halves", headNorms: "shared" },
  gemma: GEMMA,
  gemma2: {
    ...GEMMA,
    postNorms: true,
    window: { size: 5, pattern: 2, base: 10000 },
    // Small enough to matter with random weights.
    caps: { attention: 5, logits: 30 },
    metadata: {
      "attention.sliding_window": { u32: 5 },
      attn_logit_softcapping: { f32: 5 },
      final_logit_softcapping: { f32: 30 },
    },
  },
  gemma3: {
    ...GEMMA,
    postNorms: true,
    headNorms: "shared",
    window: { size: 5, pattern: 2, base: 3000 },
    metadata: {
      "attention.sliding_window": { u32: 5 },
      "attention.sliding_window_pattern": { u32: 2 },
      "rope.freq_base_swa": { f32: 3000 },
    },
  },
  phi2: {
    ...STARCODER2,
    qkv: "fused",
    parallel: true,
    rotated: 0.5,
    biases: ["norm", "qkv", "attention", "ffn", "output"],
  },
  phi3: {
    ...LLAMA,
    qkv: "fused",
    gate: "fused",
    pairs: "halves",
    shortFactors: true,
    rotationScale: Math.fround(1.19),
    metadata: { "rope.scaling.type": { str: "longrope" }, "rope.scaling.attn_factor": { f32: 1.19 } },
  },
  starcoder2: STARCODER2,
  codeshell: { ...STARCODER2, qkv: "fused" },
  stablelm: { ...STABLELM, headNorms: "each" },
  "stablelm, side by side": { ...STABLELM, architecture: "stablelm", parallel: true },
  granite: {
    ...LLAMA,
    scales: { embedding: 3, attention: Math.fround(0.2), residual: Math.fround(0.4), logits: 4 },
    metadata: {
      embedding_scale: { f32: 3 },
      "attention.scale": { f32: 0.2 },
      residual_scale: { f32: 0.4 },
      logit_scale: { f32: 4 },
    },
  },
  // Without experts, as its smallest layers are.
  deepseek: {
    ...LLAMA,
    metadata: {
      leading_dense_block_count: { u32: 99 },
      expert_shared_count: { u32: 0 },
      expert_feed_forward_length: { u32: 8 },
    },
  },
  internlm2: LLAMA,
  mistral3: {
    ...LLAMA,
    yarn: { factor: 4, trained: 64, scale: 1 },
    metadata: { ...YARN, "rope.scaling.yarn_log_multiplier": { f32: 1 } },
  },
  smollm3: { ...LLAMA, unrotated: 4 },
} as const satisfies Readonly<Record<string, Family>>;

export type Architecture = keyof typeof FAMILIES;

export const familyOf = (arch: Architecture): Family => FAMILIES[arch];
