import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { ggmlTypeById, tensorBytes, type GgmlType } from "./ggmlTypes";

/** GGUF as specified in ggml's `docs/gguf.md`, versions 2 and 3, little-endian. */

export type GgufScalar = number | bigint | boolean | string;

export interface GgufArray {
  /** Number of elements in the file. */
  readonly length: number;
  /** The elements of a short array; empty for a long one, such as a vocabulary. */
  readonly values: readonly GgufScalar[];
}

export type GgufValue = GgufScalar | GgufArray;

export interface GgufTensor {
  readonly name: string;
  readonly dimensions: readonly number[];
  readonly type: GgmlType;
  /** From the beginning of the file. */
  readonly offset: number;
  readonly bytes: number;
}

export interface GgufHeader {
  readonly version: number;
  readonly metadata: ReadonlyMap<string, GgufValue>;
  readonly tensors: readonly GgufTensor[];
  /** Where tensor data begins. */
  readonly dataOffset: number;
  readonly fileBytes: number;
}

/** The file is not a GGUF file that may be handed to native code; the message ends a sentence about the file. That of a `part` also says what to do. */
export class GgufError extends Error {
  constructor(
    readonly kind: "not-gguf" | "damaged" | "truncated" | "part",
    message: string,
  ) {
    super(message);
  }
}

const MAX_KEYS = 1 << 16;
const MAX_TENSORS = 1 << 16;
const MAX_STRING = 1 << 24;
const MAX_DIMENSIONS = 4;
const KEPT_ELEMENTS = 1024;
const CHUNK = 1 << 20;

/**
 * Reads and checks the header of a file: every length against the file's size, every tensor's place within the file.
 * Throws {@link GgufError}, or the file system's own error.
 */
export function readGguf(path: string): GgufHeader {
  const file = openSync(path, "r");
  try {
    return parse(new Reader(file, fstatSync(file).size));
  } finally {
    closeSync(file);
  }
}

function parse(reader: Reader): GgufHeader {
  if (reader.fileBytes < 4 || reader.u32() !== 0x46554747) {
    throw new GgufError("not-gguf", "is not a GGUF file");
  }
  const version = reader.u32();
  if (version !== 2 && version !== 3) {
    throw new GgufError("not-gguf", `is GGUF version ${version}; versions 2 and 3 are supported`);
  }
  const tensorCount = reader.count("tensors", MAX_TENSORS);
  const keyCount = reader.count("metadata keys", MAX_KEYS);

  const metadata = new Map<string, GgufValue>();
  for (let i = 0; i < keyCount; i++) {
    const key = reader.string();
    if (metadata.has(key)) {
      throw new GgufError("damaged", `has the metadata key ${key} twice`);
    }
    metadata.set(key, reader.value(reader.u32()));
  }

  const infos = Array.from({ length: tensorCount }, () => tensorInfo(reader));
  const alignment = metadata.get("general.alignment") ?? 32;
  if (
    typeof alignment !== "number" ||
    !Number.isInteger(alignment) ||
    alignment < 1 ||
    alignment > 65536 ||
    (alignment & (alignment - 1)) !== 0
  ) {
    throw new GgufError("damaged", "has an absurd alignment");
  }
  const dataOffset = Math.ceil(reader.position / alignment) * alignment;
  const names = new Set<string>();
  const tensors = infos.map((info): GgufTensor => {
    const bytes = tensorBytes(info.type, info.dimensions);
    const offset = dataOffset + info.offset;
    if (names.has(info.name) || info.offset % alignment !== 0) {
      throw new GgufError("damaged", `has a misplaced tensor ${info.name}`);
    }
    names.add(info.name);
    return { ...info, offset, bytes };
  });
  const end = tensors.reduce((latest, { offset, bytes }) => Math.max(latest, offset + bytes), 0);
  if (end > reader.fileBytes) {
    const missing = end - reader.fileBytes;
    const how = missing < 1e5 ? `${missing} bytes` : `${(missing / 2 ** 20).toFixed(1)} MiB`;
    throw new GgufError("truncated", `ends ${how} too early`);
  }
  return { version, metadata, tensors, dataOffset, fileBytes: reader.fileBytes };
}

type TensorInfo = Omit<GgufTensor, "bytes">;

function tensorInfo(reader: Reader): TensorInfo {
  const name = reader.string();
  const rank = reader.u32();
  if (rank < 1 || rank > MAX_DIMENSIONS) {
    throw new GgufError("damaged", `has a tensor with ${rank} dimensions`);
  }
  const dimensions = Array.from({ length: rank }, () => reader.count("elements", 2 ** 40));
  const id = reader.u32();
  const type = ggmlTypeById(id);
  if (type === undefined) {
    throw new GgufError("damaged", `has tensor ${name} of unknown type ${id}`);
  }
  const elements = dimensions.reduce((product, size) => product * size, 1);
  if (elements === 0 || elements > 2 ** 48 || dimensions[0]! % type.blockSize !== 0) {
    throw new GgufError("damaged", `has tensor ${name} of an absurd shape`);
  }
  return { name, dimensions, type, offset: reader.count("bytes", Number.MAX_SAFE_INTEGER) };
}

/** Bytes of the scalar value types, by GGUF's type id; 8 is a string, 9 an array. */
const SCALAR_BYTES: Readonly<Record<number, number>> = {
  0: 1,
  1: 1,
  2: 2,
  3: 2,
  4: 4,
  5: 4,
  6: 4,
  7: 1,
  10: 8,
  11: 8,
  12: 8,
};
const STRING = 8;
const ARRAY = 9;

class Reader {
  position = 0;
  private chunk = Buffer.alloc(0);
  private chunkStart = 0;

  constructor(
    private readonly file: number,
    readonly fileBytes: number,
  ) {}

  u32(): number {
    return this.take(4).readUInt32LE();
  }

  /** A 64-bit count that must be plausible before anything is allocated for it. */
  count(what: string, limit: number): number {
    const value = this.take(8).readBigUInt64LE();
    if (value > BigInt(limit)) {
      throw new GgufError("damaged", `claims ${value} ${what}`);
    }
    return Number(value);
  }

  string(): string {
    return this.take(this.count("bytes in a string", MAX_STRING)).toString("utf8");
  }

  value(type: number, nested = false): GgufValue {
    if (type === STRING) {
      return this.string();
    }
    if (type !== ARRAY) {
      return this.scalar(type);
    }
    if (nested) {
      throw new GgufError("damaged", "has nested arrays in its metadata");
    }
    const elementType = this.u32();
    const length = this.count("array elements", this.fileBytes);
    const bytes = elementType === STRING ? 8 : scalarBytes(elementType);
    this.require(length * bytes);
    const values: GgufScalar[] = [];
    for (let i = 0; i < length; i++) {
      if (i < KEPT_ELEMENTS) {
        values.push(this.value(elementType, true) as GgufScalar);
      } else if (elementType === STRING) {
        this.skip(this.count("bytes in a string", MAX_STRING));
      } else {
        this.skip((length - i) * bytes);
        break;
      }
    }
    return { length, values: length <= KEPT_ELEMENTS ? values : [] };
  }

  private scalar(type: number): GgufScalar {
    const bytes = this.take(scalarBytes(type));
    switch (type) {
      case 0:
        return bytes.readUInt8();
      case 1:
        return bytes.readInt8();
      case 2:
        return bytes.readUInt16LE();
      case 3:
        return bytes.readInt16LE();
      case 4:
        return bytes.readUInt32LE();
      case 5:
        return bytes.readInt32LE();
      case 6:
        return bytes.readFloatLE();
      case 7:
        return bytes.readUInt8() !== 0;
      case 10:
        return bytes.readBigUInt64LE();
      case 11:
        return bytes.readBigInt64LE();
      default:
        return bytes.readDoubleLE();
    }
  }

  private require(length: number): void {
    if (this.position + length > this.fileBytes) {
      throw new GgufError("truncated", "ends within its header");
    }
  }

  private skip(length: number): void {
    this.require(length);
    this.position += length;
  }

  /** A view, valid until the next read. */
  private take(length: number): Buffer {
    this.require(length);
    const start = this.position - this.chunkStart;
    this.position += length;
    if (start >= 0 && start + length <= this.chunk.length) {
      return this.chunk.subarray(start, start + length);
    }
    this.chunkStart = this.position - length;
    const size = Math.min(Math.max(CHUNK, length), this.fileBytes - this.chunkStart);
    const chunk = Buffer.allocUnsafe(size);
    let read = 0;
    while (read < size) {
      const got = readSync(this.file, chunk, read, size - read, this.chunkStart + read);
      if (got === 0) {
        throw new GgufError("truncated", "became shorter while it was read");
      }
      read += got;
    }
    this.chunk = chunk;
    return chunk.subarray(0, length);
  }
}

function scalarBytes(type: number): number {
  const bytes = SCALAR_BYTES[type];
  if (bytes === undefined) {
    throw new GgufError("damaged", `has metadata of unknown type ${type}`);
  }
  return bytes;
}
