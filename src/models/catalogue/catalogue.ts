import data from "./catalogue.json" with { type: "json" };

/** One quantisation of a model. */
export interface CatalogueFile {
  readonly quantization: string;
  /** See `download/address.ts`. */
  readonly address: string;
  /** Bytes; or as the hub's page rounds it, such as `1.93 GB`; absent when no source tells it. */
  readonly size?: number | string;
  readonly sha256?: string;
  /** The file holds the input embedding beside the output head; otherwise a token reads both as one. */
  readonly embeddingApart?: true;
  /** Page that states size and hash. */
  readonly source: string;
}

export interface CatalogueShape {
  readonly layers: number;
  readonly width: number;
  readonly ffn: number;
  readonly kvHeads: number;
  readonly headSize: number;
  readonly vocabulary: number;
}

export interface CatalogueEntry {
  /** For the command line. */
  readonly name: string;
  readonly title: string;
  /** The model card: parameters, licence, context and fill-in-the-middle are from there. */
  readonly card: string;
  readonly license: string;
  /** Year and month. */
  readonly released: string;
  readonly parameters: number;
  /** Of a mixture of experts: those that one token uses. */
  readonly activeParameters?: number;
  /** Tokens. */
  readonly context: number;
  /** Made for text of all kinds, and completes in the middle besides. */
  readonly general?: true;
  /** Family of its fill-in-the-middle prompt, see `completion/fim.ts`. */
  readonly fim: string;
  /** As in GGUF. */
  readonly architecture: string;
  readonly shape: CatalogueShape;
  /** The one to take first. */
  readonly files: readonly CatalogueFile[];
}

/** Every model that Lacuna can fetch by name. */
export const catalogue: readonly CatalogueEntry[] = data.models as readonly CatalogueEntry[];

/** Architectures that run sparse, as `native/addon/lacuna-family.cpp` decides; all others run dense. */
const SPARSE: ReadonlySet<string> = new Set([
  ...["llama", "qwen2", "qwen3"],
  ...["gemma", "gemma2", "gemma3"],
  ...["phi2", "phi3", "starcoder2", "codeshell", "stablelm"],
  ...["granite", "deepseek", "internlm2", "mistral3", "smollm3"],
]);

export const runsSparse = (architecture: string): boolean => SPARSE.has(architecture);

/** Bits for each weight, on average over a file: of a format with blocks of one kind exactly, of a mixture roughly. */
const BITS: Readonly<Record<string, number>> = {
  Q3_K_M: 3.9,
  Q4_0: 4.6,
  Q4_K_M: 4.85,
  Q5_K_M: 5.7,
  Q6_K: 6.56,
  Q8_0: 8.5,
};

export interface FileSize {
  readonly bytes: number;
  /** `exact`; `rounded` as the hub's page shows it; `estimated` from the number of parameters. */
  readonly known: "exact" | "rounded" | "estimated";
}

/** A file's size as well as it is known. */
export function fileSize(entry: CatalogueEntry, file: CatalogueFile): FileSize {
  if (typeof file.size === "number") {
    return { bytes: file.size, known: "exact" };
  }
  const match = /^([\d.]+) (GB|MB)$/.exec(file.size ?? "");
  if (match !== null) {
    return { bytes: Math.round(Number(match[1]) * (match[2] === "GB" ? 1e9 : 1e6)), known: "rounded" };
  }
  const doubled =
    file.embeddingApart === true && isTied(entry) ? entry.shape.width * entry.shape.vocabulary : 0;
  const bits = BITS[file.quantization] ?? 5;
  return { bytes: Math.round(((entry.parameters + doubled) * bits) / 8), known: "estimated" };
}

/** Whether head and embedding are one matrix of the model, which its parameters count once though some files hold it twice. */
const isTied = ({ architecture, parameters }: CatalogueEntry): boolean =>
  architecture === "qwen2" && parameters < 4e9;

/** Weights in the file. */
export function weightsIn(entry: CatalogueEntry, file: CatalogueFile): number {
  const twice =
    file.embeddingApart === true && isTied(entry) ? entry.shape.width * entry.shape.vocabulary : 0;
  return entry.parameters + twice;
}

export interface Choice {
  readonly entry: CatalogueEntry;
  readonly file: CatalogueFile;
}

function splitOnce(name: string): [name: string, quantization: string | undefined] {
  const colon = name.indexOf(":");
  return colon < 0 ? [name, undefined] : [name.slice(0, colon), name.slice(colon + 1)];
}

/** By name, optionally with a quantisation: `qwen2.5-coder-3b-base`, `qwen2.5-coder-3b-base:Q8_0`. Undefined: no such one. */
export function findChoice(name: string): Choice | undefined {
  const [wanted, quantization] = splitOnce(name.toLowerCase());
  const entry = catalogue.find((candidate) => candidate.name === wanted);
  const file =
    quantization === undefined
      ? entry?.files[0]
      : entry?.files.find((candidate) => candidate.quantization.toLowerCase() === quantization);
  return entry === undefined || file === undefined ? undefined : { entry, file };
}
