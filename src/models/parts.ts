import { existsSync } from "node:fs";
import path from "node:path";
import { GgufError, readGguf, type GgufHeader, type GgufTensor } from "./gguf";

/** One file of a model. */
export interface ModelPart {
  readonly path: string;
  readonly header: GgufHeader;
}

/** A model's header; of one whose file is split, that of the whole. */
export interface ModelHeader extends GgufHeader {
  /** Of all parts together. */
  readonly fileBytes: number;
  /** Those of all parts; an offset is one in the part that has the tensor. */
  readonly tensors: readonly GgufTensor[];
  /** In order; one for a model in one file. llama.cpp loads the first and finds the others by its name. */
  readonly parts: readonly ModelPart[];
}

/** A file that is named as a part of a split model. */
export interface PartName {
  /** From 1. */
  readonly part: number;
  /** The files of all parts, in order. */
  readonly files: readonly string[];
}

const MAX_PARTS = 1_000;

/** What the name of a file says of the model that it is a part of; undefined for a model in one file. */
export function partName(file: string): PartName | undefined {
  const match = /^(.*)-(\d{5})(-of-)(\d{5})(\.gguf)$/is.exec(file);
  const [part, count] = [Number(match?.[2]), Number(match?.[4])];
  if (match === null || count < 2 || count > MAX_PARTS || part < 1 || part > count) {
    return undefined;
  }
  const [, stem, , of, total, extension] = match;
  const files = Array.from(
    { length: count },
    (_, index) => `${stem!}-${String(index + 1).padStart(5, "0")}${of!}${total!}${extension!}`,
  );
  return { part, files };
}

/** The files of a model, as far as the name of one of them tells: itself, or all parts. */
export const filesOf = (file: string): readonly string[] => partName(file)?.files ?? [file];

/**
 * Reads and checks the headers of a model's files.
 * @param file of the model, or of any part of one that is split
 * @throws GgufError or the file system's own error
 */
export function readModel(file: string): ModelHeader {
  const named = partName(file);
  requireParts(file, named);
  const header = readGguf(file);
  const { no, count } = splitOf(header);
  if (count < 2) {
    return { ...header, parts: [{ path: file, header }] };
  }
  // llama.cpp finds the others by this name alone, in small letters.
  if (named?.files.length !== count || named.part !== no + 1 || !/-of-\d{5}\.gguf$/.test(file)) {
    const right = `-${String(no + 1).padStart(5, "0")}-of-${String(count).padStart(5, "0")}.gguf`;
    throw new GgufError(
      "part",
      `is part ${no + 1} of a model in ${count} parts, but its name does not say so. Let it end in ${right}, and its other parts likewise`,
    );
  }
  const parts = named.files.map((path, index) =>
    partOf(path, index === no ? header : undefined, index, count),
  );
  return whole(parts);
}

/** Of a part that is missing, also when it is the one that was asked for. */
function requireParts(file: string, named: PartName | undefined): void {
  const missing = (named?.files ?? []).flatMap((path, index) => (existsSync(path) ? [] : [index + 1]));
  const count = named?.files.length ?? 0;
  // A file that only happens to have such a name is a model of its own: its header says so.
  if (
    missing.length === 0 ||
    missing.length === count ||
    (existsSync(file) && splitOf(readGguf(file)).count < 2)
  ) {
    return;
  }
  const numbers = `${missing.slice(0, -1).join(", ")}${missing.length > 1 ? " and " : ""}${missing.at(-1)!}`;
  const first = path.basename(named!.files[missing[0]! - 1]!);
  throw new GgufError(
    "part",
    `lacks ${missing.length > 1 ? "parts" : "part"} ${numbers} of ${count}: there is no ${first} in ${path.dirname(file)}. ` +
      "Put all parts of the model into one folder",
  );
}

function partOf(path: string, known: GgufHeader | undefined, index: number, count: number): ModelPart {
  const header = known ?? readPart(path);
  const split = splitOf(header);
  if (split.no !== index || split.count !== count) {
    throw new GgufError(
      "part",
      `goes with ${path}, which is not part ${index + 1} of ${count}. Download it again`,
    );
  }
  return { path, header };
}

/** What is wrong with another part than the one that was asked for is told with its name. */
function readPart(file: string): GgufHeader {
  try {
    return readGguf(file);
  } catch (error) {
    if (error instanceof GgufError) {
      throw new GgufError("part", `goes with ${file}, which ${error.message}. Download it again`);
    }
    throw error;
  }
}

function whole(parts: readonly ModelPart[]): ModelHeader {
  const { header } = parts[0]!;
  const tensors = parts.flatMap((part) => part.header.tensors);
  const expected = Number(header.metadata.get("split.tensors.count") ?? tensors.length);
  if (tensors.length !== expected || new Set(tensors.map(({ name }) => name)).size !== expected) {
    throw new GgufError(
      "part",
      `has ${tensors.length} tensors in its ${parts.length} parts, and should have ${expected}. Download them again`,
    );
  }
  const fileBytes = parts.reduce((sum, part) => sum + part.header.fileBytes, 0);
  return { ...header, tensors, fileBytes, parts };
}

/** Which part of how many a file says that it is, counted from 0; of a model in one file 0 of 1. */
export function splitOf({ metadata }: GgufHeader): { readonly no: number; readonly count: number } {
  const number = (key: string, otherwise: number): number => {
    const value = metadata.get(key);
    return typeof value === "number" ? value : otherwise;
  };
  return { no: number("split.no", 0), count: number("split.count", 1) };
}
