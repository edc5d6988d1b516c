import { writeFileSync } from "node:fs";

/** The few kinds of GGUF metadata that test models need. */
export type GgufValue =
  | { readonly u32: number }
  | { readonly f32: number }
  | { readonly bool: boolean }
  | { readonly str: string }
  | { readonly strs: readonly string[] }
  | { readonly f32s: readonly number[] }
  | { readonly i32s: readonly number[] };

export interface GgufTensor {
  readonly name: string;
  /** ggml order: the first dimension is contiguous. */
  readonly shape: readonly number[];
  readonly typeId: number;
  readonly data: Uint8Array;
}

const ALIGNMENT = 32;

class Writer {
  private readonly chunks: Buffer[] = [];
  length = 0;

  push(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.length += chunk.length;
  }
  u32(value: number): void {
    const b = Buffer.alloc(4);
    b.writeUInt32LE(value >>> 0);
    this.push(b);
  }
  i32(value: number): void {
    this.u32(value);
  }
  u64(value: number): void {
    const b = Buffer.alloc(8);
    b.writeBigUInt64LE(BigInt(value));
    this.push(b);
  }
  f32(value: number): void {
    const b = Buffer.alloc(4);
    b.writeFloatLE(value);
    this.push(b);
  }
  str(value: string): void {
    const b = Buffer.from(value, "utf8");
    this.u64(b.length);
    this.push(b);
  }
  pad(): void {
    this.push(Buffer.alloc((ALIGNMENT - (this.length % ALIGNMENT)) % ALIGNMENT));
  }
  bytes(): Buffer {
    return Buffer.concat(this.chunks);
  }
}

const TYPE = { u32: 4, i32: 5, f32: 6, bool: 7, str: 8, array: 9 } as const;

function writeArray<T>(out: Writer, type: number, values: readonly T[], write: (value: T) => void): void {
  out.u32(TYPE.array);
  out.u32(type);
  out.u64(values.length);
  values.forEach(write);
}

function writeValue(out: Writer, value: GgufValue): void {
  if ("u32" in value) {
    out.u32(TYPE.u32);
    out.u32(value.u32);
  } else if ("f32" in value) {
    out.u32(TYPE.f32);
    out.f32(value.f32);
  } else if ("bool" in value) {
    out.u32(TYPE.bool);
    out.push(Buffer.from([value.bool ? 1 : 0]));
  } else if ("str" in value) {
    out.u32(TYPE.str);
    out.str(value.str);
  } else if ("strs" in value) {
    writeArray(out, TYPE.str, value.strs, (v) => out.str(v));
  } else if ("f32s" in value) {
    writeArray(out, TYPE.f32, value.f32s, (v) => out.f32(v));
  } else {
    writeArray(out, TYPE.i32, value.i32s, (v) => out.i32(v));
  }
}

/** Writes a whole file in memory: test models are small. */
export function writeGguf(
  path: string,
  metadata: Readonly<Record<string, GgufValue>>,
  tensors: readonly GgufTensor[],
): void {
  const out = new Writer();
  out.push(Buffer.from("GGUF"));
  out.u32(3);
  out.u64(tensors.length);
  out.u64(Object.keys(metadata).length);
  for (const [key, value] of Object.entries(metadata)) {
    out.str(key);
    writeValue(out, value);
  }
  let offset = 0;
  for (const tensor of tensors) {
    out.str(tensor.name);
    out.u32(tensor.shape.length);
    tensor.shape.forEach((n) => out.u64(n));
    out.u32(tensor.typeId);
    out.u64(offset);
    offset += Math.ceil(tensor.data.length / ALIGNMENT) * ALIGNMENT;
  }
  out.pad();
  for (const tensor of tensors) {
    out.push(Buffer.from(tensor.data));
    out.pad();
  }
  writeFileSync(path, out.bytes());
}
