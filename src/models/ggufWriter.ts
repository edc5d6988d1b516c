import { closeSync, fstatSync, openSync, writeSync } from "node:fs";
import { tensorBytes, type GgmlType } from "./ggmlTypes";

/** Metadata of a GGUF file to be written, in order. */
export type GgufEntry =
  | readonly [key: string, kind: "u32" | "i32" | "f32", value: number]
  | readonly [key: string, kind: "bool", value: boolean]
  | readonly [key: string, kind: "string", value: string]
  | readonly [key: string, kind: "strings", value: readonly string[]]
  | readonly [key: string, kind: "i32s", value: Int32Array];

export interface TensorSpec {
  readonly name: string;
  /** The first runs along the blocks. */
  readonly dimensions: readonly number[];
  readonly type: GgmlType;
}

const ALIGNMENT = 32;

/** Value type ids of the specification. */
const KINDS = { u32: 4, i32: 5, f32: 6, bool: 7, string: 8, array: 9 } as const;

/**
 * Writes a GGUF file (version 3) piece by piece, so that it may be larger than memory.
 *
 * @param fill yields a tensor's bytes, in pieces, in all exactly as many as its type and dimensions need
 */
export async function writeGguf(
  path: string,
  metadata: readonly GgufEntry[],
  tensors: readonly TensorSpec[],
  fill: (tensor: TensorSpec, bytes: number) => Iterable<Uint8Array>,
  onProgress: (fraction: number) => void,
  signal?: AbortSignal,
): Promise<void> {
  const file = openSync(path, "wx");
  try {
    const header = encodeHeader(metadata, tensors);
    const total = tensors.reduce(
      (sum, { type, dimensions }) => sum + padded(tensorBytes(type, dimensions)),
      0,
    );
    let written = 0;
    write(file, header);
    for (const tensor of tensors) {
      const bytes = tensorBytes(tensor.type, tensor.dimensions);
      let ofTensor = 0;
      for (const piece of fill(tensor, bytes)) {
        write(file, piece);
        ofTensor += piece.length;
        onProgress((written + ofTensor) / total);
        await new Promise(setImmediate); // lets Ctrl-C in
        signal?.throwIfAborted();
      }
      if (ofTensor !== bytes) {
        throw new RangeError(`${tensor.name} needs ${bytes} bytes and got ${ofTensor}`);
      }
      write(file, new Uint8Array(padded(bytes) - bytes));
      written += padded(bytes);
    }
    if (fstatSync(file).size !== header.length + total) {
      throw new Error("the file is not as long as what was written to it");
    }
  } finally {
    closeSync(file);
  }
}

/** Bytes of the file that {@link writeGguf} would write, without its header's few megabytes. */
export function dataBytes(tensors: readonly TensorSpec[]): number {
  return tensors.reduce((sum, { type, dimensions }) => sum + padded(tensorBytes(type, dimensions)), 0);
}

function encodeHeader(metadata: readonly GgufEntry[], tensors: readonly TensorSpec[]): Uint8Array {
  const parts: Uint8Array[] = [Buffer.from("GGUF"), u32(3), u64(tensors.length), u64(metadata.length)];
  for (const entry of metadata) {
    parts.push(string(entry[0]), ...encodeValue(entry));
  }
  let offset = 0;
  for (const { name, dimensions, type } of tensors) {
    parts.push(string(name), u32(dimensions.length), ...dimensions.map(u64), u32(type.id), u64(offset));
    offset += padded(tensorBytes(type, dimensions));
  }
  const header = Buffer.concat(parts);
  return Buffer.concat([header, Buffer.alloc(padded(header.length) - header.length)]);
}

function encodeValue(entry: GgufEntry): Uint8Array[] {
  switch (entry[1]) {
    case "u32":
      return [u32(KINDS.u32), u32(entry[2])];
    case "i32":
      return [u32(KINDS.i32), Buffer.from(Int32Array.of(entry[2]).buffer)];
    case "f32":
      return [u32(KINDS.f32), Buffer.from(Float32Array.of(entry[2]).buffer)];
    case "bool":
      return [u32(KINDS.bool), Uint8Array.of(entry[2] ? 1 : 0)];
    case "string":
      return [u32(KINDS.string), string(entry[2])];
    case "strings":
      return [u32(KINDS.array), u32(KINDS.string), u64(entry[2].length), Buffer.concat(entry[2].map(string))];
    case "i32s":
      return [u32(KINDS.array), u32(KINDS.i32), u64(entry[2].length), new Uint8Array(entry[2].buffer)];
  }
}

const padded = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

function u32(value: number): Uint8Array {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(value);
  return buffer;
}

function u64(value: number): Uint8Array {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64LE(BigInt(value));
  return buffer;
}

function string(value: string): Uint8Array {
  const bytes = Buffer.from(value, "utf8");
  return Buffer.concat([u64(bytes.length), bytes]);
}

function write(file: number, bytes: Uint8Array): void {
  let at = 0;
  while (at < bytes.length) {
    at += writeSync(file, bytes, at);
  }
}
