import {
  catalogue,
  fileSize,
  runsSparse,
  weightsIn,
  type CatalogueEntry,
  type CatalogueFile,
  type FileSize,
} from "./catalogue";
import type { Machine } from "./machine";

/** What a model is expected to do on a machine. */
export interface Estimate {
  /** At `auto` sparsity, which reads less where that is faster: what a model can be counted on is what it does dense. */
  readonly tokensPerSecond: number;
  /** At `auto` sparsity; as dense where the model runs dense. */
  readonly residentBytes: number;
  /** From a key to a line of {@link LINE_TOKENS}, in a file that has been read before: what was typed is read, too. */
  readonly secondsPerLine: number;
  readonly dense: { readonly tokensPerSecond: number; readonly residentBytes: number };
}

export interface Recommendation {
  readonly entry: CatalogueEntry;
  readonly file: CatalogueFile;
  readonly size: FileSize;
  readonly runs: "sparse" | "dense";
  readonly estimate: Estimate;
  /**
   * `good`: a line within a second; `large`: so, too, but in memory that other programs want; `slow`: it runs, but one waits; `too-large`: not in this
   * machine's memory.
   */
  readonly fits: "good" | "large" | "slow" | "too-large";
}

/** A speed that a model had on this machine: better than any guess. */
export interface Measured {
  /** Bytes that a token reads, dense. */
  readonly bytesPerToken: number;
  readonly layers: number;
  /** Dense. */
  readonly tokensPerSecond: number;
}

/**
 * What a token takes, by Qwen2.5-Coder in Q4_K_M on two cores of an Intel Xeon that read 28 GB/s together, a token alone: 980 MB and 28 layers took 49 ms,
 * 392 MB and 24 layers 27 ms; on a day when it read 22 GB/s 75 and 40 ms. So weights come at a good part of what the machine reads, and each layer costs something besides:
 * threads that wait for each other, attention, small operations. Other types and processors are taken to be alike until a model has been measured on them.
 */
const OF_BANDWIDTH = 0.8;
const LAYER_SECONDS = 0.6e-3;
/** Bytes of weights that one core works through in a second where memory is faster: the same machine's kernels on one thread, from large pages. */
const PER_CORE = 13e9;

/** Share of the FFN that a token may be left at `auto`: it is packed once more. */
const AUTO_SHARE = 0.7;
/** Context that the editor's setting asks for, two bytes for each element of the cache. */
const CONTEXT_TOKENS = 2_048;
/** Tokens that are computed at once, as `engine/document.ts` has it: their logits and activations have room, four bytes each. */
const BATCH_TOKENS = 64;
/** Node, the engine's code, the vocabulary, the copy that screens the output head, buffers: Qwen2.5-Coder 0.5B and 1.5B, on an Intel Xeon. */
const PROCESS_BYTES = 140e6;
/** Left for the system and the editor. */
const RESERVED_BYTES = 3e9;
/** Of the machine's memory, what a model may take that is recommended: what is written here is compiled and run here, beside a browser. */
const GOOD_SHARE = 1 / 3;

/** A line of code, and the longest that one should wait for it. */
export const LINE_TOKENS = 12;
const GOOD_SECONDS = 1;
/** Tokens that are read before a line is written: what was typed since the last one, as `bench latency` counts it for each key. */
const TYPED_TOKENS = 8;
/**
 * Seconds that one core works on a weight and a token of those that are read together: Qwen2.5-Coder 0.5B and 1.5B took 2.6 and 7.7 ms for a
 * token of a prompt, on two cores.
 */
const TOGETHER_SECONDS = 10e-12;

/** Bytes that one token reads when the model runs dense. */
export function bytesPerToken(entry: CatalogueEntry, file: CatalogueFile): number {
  const { bytes } = fileSize(entry, file);
  if (entry.activeParameters !== undefined) {
    return bytes * (entry.activeParameters / entry.parameters);
  }
  return bytes - embeddingBytes(entry, file);
}

/** Part of a model's weights that some tokens read together: of experts, each token chooses its own. */
const shareRead = ({ parameters, activeParameters = parameters }: CatalogueEntry, tokens: number): number =>
  1 - (1 - activeParameters / parameters) ** tokens;

/** Seconds to read what was typed: all that it needs comes from memory once, and is worked through for each token. */
function secondsTyped(entry: CatalogueEntry, file: CatalogueFile, cores: number, pace: Pace): number {
  const bytes = bytesPerToken(entry, file) * (shareRead(entry, TYPED_TOKENS) / shareRead(entry, 1));
  const { parameters, activeParameters = parameters, shape } = entry;
  // The pace is what was measured here over what is expected of such a machine.
  const work =
    (TYPED_TOKENS * activeParameters * TOGETHER_SECONDS * pace.layerSeconds) / LAYER_SECONDS / cores;
  return Math.max(bytes / pace.bytesPerSecond, work) + shape.layers * pace.layerSeconds;
}

/** Bytes of the input embedding, which is looked up, not read, and leaves memory; none where it is the output head, too. */
const embeddingBytes = (entry: CatalogueEntry, file: CatalogueFile): number =>
  file.embeddingApart === true
    ? fileSize(entry, file).bytes * ((entry.shape.width * entry.shape.vocabulary) / weightsIn(entry, file))
    : 0;

/** Architectures whose FFN has no gate. */
const UNGATED: ReadonlySet<string> = new Set(["phi2", "starcoder2", "codeshell"]);

const ffnWeights = ({ architecture, shape: { layers, width, ffn } }: CatalogueEntry): number =>
  (UNGATED.has(architecture) ? 2 : 3) * layers * width * ffn;

interface Pace {
  readonly bytesPerSecond: number;
  readonly layerSeconds: number;
}

/** What was measured here is that much quicker or slower than what is expected, in both its parts. */
function paceOf({ bandwidth, cores }: Machine, measured: Measured | undefined): Pace {
  const bytesPerSecond = Math.min(OF_BANDWIDTH * bandwidth, PER_CORE * cores);
  if (measured === undefined) {
    return { bytesPerSecond, layerSeconds: LAYER_SECONDS };
  }
  const expected = measured.bytesPerToken / bytesPerSecond + measured.layers * LAYER_SECONDS;
  const quicker = expected * measured.tokensPerSecond;
  return { bytesPerSecond: bytesPerSecond * quicker, layerSeconds: LAYER_SECONDS / quicker };
}

/** @param measured what a model did here: it corrects the guess for all */
export function estimate(
  entry: CatalogueEntry,
  file: CatalogueFile,
  machine: Machine,
  measured?: Measured,
): Estimate {
  const read = bytesPerToken(entry, file);
  const { layers, kvHeads, headSize } = entry.shape;
  const pace = paceOf(machine, measured);
  const tokensPerSecond = 1 / (read / pace.bytesPerSecond + layers * pace.layerSeconds);
  const secondsPerLine = secondsTyped(entry, file, machine.cores, pace) + LINE_TOKENS / tokensPerSecond;
  const cache = 2 * 2 * layers * kvHeads * headSize * Math.min(CONTEXT_TOKENS, entry.context);
  const { bytes } = fileSize(entry, file);
  const { width, ffn: inner, vocabulary } = entry.shape;
  const computing = 4 * BATCH_TOKENS * (vocabulary + 8 * width + 2 * inner);
  const residentBytes = bytes - embeddingBytes(entry, file) + cache + computing + PROCESS_BYTES;
  const dense = { tokensPerSecond, residentBytes };
  if (!runsSparse(entry.architecture)) {
    return { ...dense, secondsPerLine, dense };
  }
  const ffn = Math.min(1, ffnWeights(entry) / weightsIn(entry, file)) * bytes;
  return {
    tokensPerSecond,
    residentBytes: dense.residentBytes + AUTO_SHARE * ffn,
    secondsPerLine,
    dense,
  };
}

/**
 * The catalogue for this machine, one file of each model, the best first: what answers a line within a second, by what it is worth, and first what leaves most
 * of the memory to others; then what is slower, by its speed, then what does not fit into memory.
 */
export function recommend(machine: Machine, measured?: Measured): Recommendation[] {
  return catalogue.map((entry) => best(entry, machine, measured)).sort(compare);
}

function best(entry: CatalogueEntry, machine: Machine, measured?: Measured): Recommendation {
  const choices = entry.files.map((file): Recommendation => {
    const size = fileSize(entry, file);
    const expected = estimate(entry, file, machine, measured);
    const runs = runsSparse(entry.architecture) ? "sparse" : "dense";
    return { entry, file, size, runs, estimate: expected, fits: fitsOf(expected, machine) };
  });
  return choices.reduce((one, other) => (ORDER[other.fits] < ORDER[one.fits] ? other : one));
}

function fitsOf({ residentBytes, secondsPerLine }: Estimate, { memory }: Machine): Recommendation["fits"] {
  if (residentBytes > memory - RESERVED_BYTES) {
    return "too-large";
  }
  if (secondsPerLine > GOOD_SECONDS) {
    return "slow";
  }
  return residentBytes > GOOD_SHARE * memory ? "large" : "good";
}

const ORDER = { good: 0, large: 1, slow: 2, "too-large": 3 } as const;

function compare(a: Recommendation, b: Recommendation): number {
  if (a.fits !== b.fits) {
    return ORDER[a.fits] - ORDER[b.fits];
  }
  return a.fits === "good" || a.fits === "large"
    ? quality(b.entry) - quality(a.entry)
    : a.estimate.secondsPerLine - b.estimate.secondsPerLine;
}

/**
 * An order by what a model is worth, as far as its card tells: its size, taken to be worth twice as much in a model that is eighteen
 * months younger; of an expert mixture something between all its parameters and those that a token uses. A general model counts a quarter of one for code. Of two
 * that are equal, the one that was not trained to answer in a chat.
 */
function quality({
  parameters,
  activeParameters = parameters,
  released,
  name,
  general,
}: CatalogueEntry): number {
  const size = Math.sqrt(parameters * activeParameters) * (general === true ? 0.25 : 1);
  const years = Number(released.slice(0, 4)) + Number(released.slice(5, 7)) / 12 - 2023;
  return size * 2 ** (years / 1.5) * (name.endsWith("-base") ? 1 : 0.98);
}
