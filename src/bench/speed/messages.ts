import type { MemoryStats } from "../../engine/protocol";
import type { Metric } from "../../sparsity/metrics";
import type { Device } from "../common/device";

/** One way to run the model: each has a process of its own. */
export interface Configuration {
  readonly name: string;
  /** As stock node-llama-cpp loads it: weights repacked where that is faster, every neuron active. */
  readonly stock: boolean;
  /** The share of the FFN's bytes that a token reads; 1: all, left in the mapped file. */
  readonly activeRatio: number;
}

export interface WorkerSetup {
  readonly configuration: Configuration;
  readonly modelPath: string;
  readonly threads: number;
  readonly gpu: Device["gpu"];
  readonly promptTokens: number;
  readonly decodeTokens: number;
  /** Where copies of output heads are kept, for those that write with a screened one. */
  readonly headDirectory?: string;
}

export interface Started {
  readonly loadMs: number;
  readonly packingMs: number;
}

export interface Round {
  readonly prefillMs: number;
  /** Milliseconds of every decoded token. */
  readonly tokenMs: readonly number[];
  readonly memory: MemoryStats;
}

/** Tokens of a slice: short, so that what disturbs one system disturbs the other. */
export const SLICE_TOKENS = 8;

export interface Slice {
  readonly tokenMs: readonly number[];
  readonly bytes: TokenBytes;
}

/** What one decoded token reads, bytes. */
export interface TokenBytes {
  readonly attention: number;
  /** The output projection, and norms. */
  readonly output: number;
  /** Of the FFN: everything, what tokens choose, or the packed rows in the types that they are packed in. */
  readonly ffn: number;
  /** Keys and values of the positions before it. */
  readonly cache: number;
}

export interface Attributed {
  readonly tokens: number;
  readonly forwardMs: number;
  readonly backwardMs: number;
  readonly peakBytes: number;
}

/** A place in a real file, and what stands there. */
export interface HolePlace {
  readonly path: string;
  readonly prefix: string;
  readonly middle: string;
  readonly suffix: string;
}

/** Greedy tokens, and how long those after the first took: that one comes out of the prompt. */
export interface Written {
  readonly tokens: readonly number[];
  readonly ms: number;
}

/** What the hole's own text costs, nats: dense token by token, dense in batches as drafts are evaluated, and by choice. */
export interface Chosen {
  readonly dense: number;
  readonly drafted: number;
  readonly sparse: number;
  /** Of the FFN's bytes. */
  readonly readRatio: number;
}

/** Requests to a worker: parameters and result. */
export interface WorkerMethods {
  start: [WorkerSetup, Started];
  round: [{ readonly seed: number }, Round];
  slice: [{ readonly tokens: number }, Slice];
  attribute: [{ readonly window: number; readonly metric: Metric }, Attributed];
  /** A prompt of these tokens, evaluated anew. */
  prefill: [{ readonly tokens: readonly number[] }, { readonly ms: number }];
  /** What is written into it from here on, dense; resolves to its prompt. */
  hole: [HolePlace, { readonly prompt: readonly number[] }];
  /** @see {@link HolePlace} */
  write: [
    {
      readonly maxTokens: number;
      readonly draftTokens: number;
      readonly head: "full" | "screened";
    },
    Written,
  ];
  /** Tokens choose by the hole's own attribution from here on. */
  choose: [{ readonly share: number }, Chosen];
}

export interface WorkerRequest {
  readonly method: keyof WorkerMethods;
  readonly params: unknown;
}
export type WorkerAnswer =
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly message: string };
