/**
 * Messages between the engine client (extension host, CLI) and the engine process.
 * Everything here survives structured clone; errors travel as values.
 */

export type EngineState =
  | { readonly kind: "starting" }
  | { readonly kind: "idle"; readonly why: string }
  | { readonly kind: "loading"; readonly fraction: number }
  | { readonly kind: "dense"; readonly why?: string }
  | { readonly kind: "attributing"; readonly fraction: number; readonly path: string }
  | { readonly kind: "sparse"; readonly activeRatio: number; readonly path: string }
  | { readonly kind: "failed"; readonly why: string };

export type ErrorCode =
  | "model-missing"
  | "model-unreadable"
  | "model-unsupported"
  | "out-of-memory"
  | "context-overflow"
  | "bad-request"
  | "cancelled"
  | "deadline"
  | "engine-crashed"
  /** A server does not answer, or not yet: it may later. */
  | "server-away"
  /** A server answers, and refuses: a person has to do something. */
  | "server-refused"
  | "internal";

/** One clear sentence that says what to do; never a stack trace. */
export interface EngineError {
  readonly code: ErrorCode;
  readonly message: string;
}

export interface Timing {
  readonly tokens: number;
  readonly ms: number;
}

/** Prompt tokens that were evaluated. */
export interface Prefill extends Timing {
  /** Those of them whose text had been evaluated before for this document: something in front of it has changed. */
  readonly again: number;
}

export interface MemoryStats {
  readonly residentBytes: number;
  readonly mappedBytes: number;
  readonly packedBytes: number;
  /** KV caches of the documents that are kept, what of them is resident. */
  readonly cacheBytes: number;
  /** What is resident of files, which are the weights and the program, and of weights in large pages; absent: the system does not tell. */
  readonly weightBytes?: number;
  /** JavaScript's heap. */
  readonly heapBytes: number;
}

export interface LoadModel {
  readonly modelPath: string;
  readonly contextSize: number;
  readonly threads: number;
  readonly gpu: "auto" | false | "cuda" | "metal" | "vulkan";
  /**
   * When sparse decoding lets the pages of the dense FFN leave memory: milliseconds after the last completion (default
   * 2000), or 0: as soon as a prompt has been evaluated.
   */
  readonly evictAfterMs?: number;
  /**
   * Whether weights may be repacked into anonymous memory for speed (default false: they stay mapped, so that what is
   * not needed can leave memory).
   */
  readonly repack?: boolean;
  /** Bytes that the KV caches and packed rows of all documents together may occupy (default 512 MiB). */
  readonly documentBytes?: number;
  /**
   * Folder for the KV caches of the last documents, so that they need not be evaluated again after a restart; whoever may
   * read it can read from it what was in the files. Absent: nothing is kept.
   */
  readonly stateDirectory?: string;
  /**
   * Folder for low-bit copies of output heads, with which only the rows that may be chosen are read (`headScreen.ts`); a copy is made in
   * idle time. Absent: the full head.
   */
  readonly headDirectory?: string;
  /** File that remembers which shares of the FFN have turned out to be faster here than all of it. Absent: asked anew after every start. */
  readonly paceFile?: string;
  /** Tokens drafted at a time by looking up the last ones in the prompt (default: see `session`); 0: none. */
  readonly draftTokens?: number;
  /** Whole lines before the cursor's that prompts have after the middle token (default: see `completion/leadLines`). */
  readonly leadLines?: number;
  /** What has been read for another place is used where reading it again would take longer than this (default: see `document`); Infinity: never. */
  readonly moveFromMs?: number;
}

export interface ModelInfo {
  readonly path: string;
  readonly name: string;
  readonly architecture: string;
  readonly parameters: number;
  readonly fileBytes: number;
  readonly contextSize: number;
  readonly layerCount: number;
  readonly ffnSize: readonly number[];
  /** Of the weights of all FFNs: what a token reads of them when it runs dense. */
  readonly ffnBytes: number;
  readonly hasFim: boolean;
  /** The family whose fill-in-the-middle format is used; absent: the model sees only what is before the cursor. */
  readonly fim?: string;
  /** The model can be shown recent edits. */
  readonly hasEdits?: boolean;
  readonly gpu: string;
  /** A sentence for the user, where a GPU is there and not all of the model runs on it. */
  readonly gpuNote?: string;
  /** CPU threads that it uses. */
  readonly threads: number;
  /** Absent when sparse activation is supported. */
  readonly denseOnly?: string;
}

/** A document of the editor. */
export interface DocumentName {
  /** What the model is told; several documents may have the same. */
  readonly path: string;
  /** Tells the document from every other one: KV cache and mask are its own. Absent: its path does. */
  readonly document?: string;
}

export interface CompleteRequest extends DocumentName {
  readonly prefix: string;
  readonly suffix: string;
  /** Names the project; models that know such are shown it before other files. */
  readonly repository?: string;
  readonly language: string;
  readonly maxTokens: number;
  /** Stop after this many lines; absent: no line limit. */
  readonly maxLines?: number;
  /** Files that the model should know about, most important last; already filtered for secrets. */
  readonly context?: readonly { readonly path: string; readonly text: string }[];
  /** Recent edits as a unified diff, the latest last; only models that know such are shown them. */
  readonly edits?: string;
}

/** A place where a completion is likely to be asked for. */
export type WarmRequest = Omit<CompleteRequest, "maxTokens" | "maxLines">;

/** What was evaluated; less than the prompt when a completion or another document's work came between. */
export interface WarmResult {
  readonly prefill: Prefill;
}

export type StopReason = "eos" | "max-tokens" | "max-lines" | "stop-rule" | "cancelled" | "deadline";

/** Whether there would have been more: it ended by itself, was cut off by a limit, ran out of time, or was stopped from outside. */
export const ENDING: Readonly<Record<StopReason, "finished" | "cut" | "expired" | "stopped">> = {
  eos: "finished",
  "stop-rule": "finished",
  "max-lines": "finished",
  "max-tokens": "cut",
  deadline: "expired",
  cancelled: "stopped",
};

/** When a completion's stages began, milliseconds on the machine's monotonic clock (`clock.now`), which processes share. */
export interface CompleteTimes {
  /** The request was there. */
  readonly arrived: number;
  /** Its turn had come: nothing else was using the model any more. */
  readonly turn: number;
  /** Its prompt was made. */
  readonly prompt: number;
  /** The first token was chosen; absent: stopped before. */
  readonly firstToken?: number;
}

export interface CompleteResult {
  readonly text: string;
  readonly stopReason: StopReason;
  /** The share of the output head's bytes that tokens have read since it is screened; absent: all. */
  readonly headRatio?: number;
  /** The share of the FFN's weights that generated tokens were to read; 1: the dense FFN was used. */
  readonly activeRatio: number;
  /** The share that they did read: in whole neurons, and with all scales; absent for dense. */
  readonly readRatio?: number;
  /** Prompt tokens evaluated (the others were in the KV cache), until the first token was chosen. */
  readonly prefill: Prefill;
  readonly decode: Timing & { readonly tokensPerSecond: number };
  /** Tokens drafted from the file itself, and those that the model wrote, too; absent: none. */
  readonly drafts?: { readonly proposed: number; readonly accepted: number };
  readonly times: CompleteTimes;
  /** Why the prompt was built anew; absent: it only grew by what has been typed since. */
  readonly anchored?: "first" | "jump" | "suffix" | "typed";
}

/** A number is the share of the FFN's weights that a token reads. */
export type Sparsity = "dense" | "auto" | number;

/** One mask per document. */
export interface SparsifyRequest extends DocumentName {
  readonly prefix: string;
  readonly suffix: string;
  readonly sparsity: Sparsity;
  readonly metric: string;
  readonly windowTokens: number;
  /** Where a mask keeps the same rows for all tokens, how they are shared out between layers (default `error`): see `sparsity/selection`. */
  readonly budget?: "error" | "uniform" | "score-mass";
  /** False: do not measure what a fixed ratio costs; the result's `guard` is empty. */
  readonly measure?: boolean;
  /** Tolerated relative rise of the loss on the file's own tokens, for `auto`. */
  readonly maxQualityLoss: number;
  /** For `auto`: stay dense unless a token takes less time on this machine, which is measured. */
  readonly faster?: boolean;
  /** A mask remembered for this file: serialised by `sparsity/maskFormat`, used instead of attribution. */
  readonly mask?: Uint8Array;
}

/** One point of the guard's curve. */
export interface GuardPoint {
  readonly activeRatio: number;
  /** Relative rise of the loss over dense on tokens of the file outside the window. */
  readonly lossIncrease: number;
  /** Its standard error, which few tokens tell. */
  readonly uncertainty?: number;
  /** Share of positions where the masked model's first choice is the dense model's. */
  readonly top1Agreement: number;
}

export interface SparsifyResult {
  /** The share of the FFN's weights that a token is to read; 1: dense. */
  readonly activeRatio: number;
  /** Neurons in each layer that tokens read, or choose among. */
  readonly rows: readonly number[];
  readonly source: "attributed" | "remembered" | "dense";
  /** Set when `source` is `dense` although sparsity was asked for. */
  readonly why?: string;
  readonly guard: readonly GuardPoint[];
  readonly attribution: Timing;
  readonly packing: { readonly ms: number };
  readonly memory: MemoryStats;
  /** Serialised mask to remember, absent for dense. */
  readonly mask?: Uint8Array;
  /** How much `heatmap.bins` equal slices of each layer count, row-major `[layers, bins]`, 0..1: see `sparsity/mask`. */
  readonly heatmap: { readonly bins: number; readonly values: Float32Array };
}

/** How the output head is computed. */
export interface HeadStats {
  /** Screened by a low-bit copy; otherwise in full, */
  readonly screened: boolean;
  /** and this is why; absent: the copy is not made yet. */
  readonly why?: string;
  /** Choices of the screened head that were compared with the full one's, */
  readonly checked: number;
  /** and those of them that were others. */
  readonly missed: number;
}

export interface EngineStats extends MemoryStats {
  /** Absent: no model is loaded. */
  readonly head?: HeadStats;
  readonly tokensPerSecond: number;
  readonly activeRatio: number;
  readonly versions: Readonly<Record<string, string>>;
}

/** What has been written since the last one; while a prompt is read, how much of it has been (0..1). */
export interface CompleteItem {
  readonly text: string;
  readonly read?: number;
}

/** Requests by name: `[parameters, result, streamed item]`. */
export interface EngineMethods {
  load: [LoadModel, ModelInfo, { readonly fraction: number }];
  complete: [CompleteRequest, CompleteResult, CompleteItem];
  /** Evaluates the prompt of a place in idle time, so that a completion there starts at once; gives way to completions. */
  warm: [WarmRequest, WarmResult, never];
  sparsify: [SparsifyRequest, SparsifyResult, { readonly fraction: number }];
  /** Makes the copy that screens the output head now, rather than in idle time; resolves to what has become of it. */
  prepareHead: [Record<string, never>, HeadStats, { readonly fraction: number }];
  stats: [Record<string, never>, EngineStats, never];
  unload: [Record<string, never>, Record<string, never>, never];
}
export type Method = keyof EngineMethods;

export type ToHost =
  | {
      readonly type: "request";
      readonly id: number;
      readonly method: Method;
      readonly params: unknown;
      /** Milliseconds from arrival after which the answer is worthless; absent: none. */
      readonly deadlineMs?: number;
    }
  | { readonly type: "cancel"; readonly id: number };

export type FromHost =
  | { readonly type: "ready"; readonly pid: number }
  | { readonly type: "item"; readonly id: number; readonly item: unknown }
  | { readonly type: "result"; readonly id: number; readonly result: unknown }
  | { readonly type: "error"; readonly id: number; readonly error: EngineError }
  | { readonly type: "state"; readonly state: EngineState }
  | { readonly type: "log"; readonly level: "debug" | "info" | "warn" | "error"; readonly message: string };
