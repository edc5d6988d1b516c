import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { readGguf } from "./gguf";
import { ggmlType } from "./ggmlTypes";
import { writeGguf, type GgufEntry, type TensorSpec } from "./ggufWriter";

/** A GGUF file with zeros for weights, for tests of what reads files. */
export async function writeTestGguf(
  file: string,
  metadata: readonly GgufEntry[],
  tensors: readonly (readonly [name: string, dimensions: readonly number[], type: string])[],
): Promise<void> {
  const specs: TensorSpec[] = tensors.map(([name, dimensions, type]) => ({
    name,
    dimensions,
    type: ggmlType(type),
  }));
  const zeros = function* (_: TensorSpec, bytes: number): Generator<Uint8Array> {
    yield new Uint8Array(bytes);
  };
  await writeGguf(file, metadata, specs, zeros, () => undefined);
}

/**
 * Splits a model as llama.cpp's gguf-split does: the first part has the metadata, the others only their number.
 * @param counts of tensors in each part; 0 is allowed
 * @returns the files of the parts
 */
export function splitGguf(source: string, folder: string, name: string, counts: readonly number[]): string[] {
  const bytes = readFileSync(source);
  const { metadata, tensors } = readGguf(source);
  // Behind the metadata stand the tensors, each with the length of its name first.
  const infos = bytes.indexOf(Buffer.concat([u64(tensors[0]!.name.length), Buffer.from(tensors[0]!.name)]));
  const keys = bytes.subarray(24, infos);
  let first = 0;
  return counts.map((count, index) => {
    const own = tensors.slice(first, (first += count));
    const split = Buffer.concat([
      entry("split.no", 2, u16(index)),
      entry("split.count", 2, u16(counts.length)),
      entry("split.tensors.count", 5, u32(tensors.length)),
    ]);
    let offset = 0;
    const places = own.map(({ name: tensor, dimensions, type, bytes: size }) => {
      const info = Buffer.concat([
        text(tensor),
        u32(dimensions.length),
        ...dimensions.map(u64),
        u32(type.id),
        u64(offset),
      ]);
      offset += Math.ceil(size / 32) * 32;
      return info;
    });
    const header = Buffer.concat([
      bytes.subarray(0, 8),
      u64(own.length),
      u64((index === 0 ? metadata.size : 0) + 3),
      ...(index === 0 ? [keys] : []),
      split,
      ...places,
    ]);
    const data = own.map((tensor) => padded(bytes.subarray(tensor.offset, tensor.offset + tensor.bytes)));
    const file = path.join(folder, `${name}-${number(index + 1)}-of-${number(counts.length)}.gguf`);
    writeFileSync(file, Buffer.concat([padded(header), ...data]));
    return file;
  });
}

const number = (part: number): string => String(part).padStart(5, "0");

const padded = (bytes: Uint8Array): Buffer =>
  Buffer.concat([bytes, Buffer.alloc(Math.ceil(bytes.length / 32) * 32 - bytes.length)]);

const entry = (key: string, type: number, value: Buffer): Buffer =>
  Buffer.concat([text(key), u32(type), value]);

const text = (value: string): Buffer => Buffer.concat([u64(Buffer.byteLength(value)), Buffer.from(value)]);

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}
