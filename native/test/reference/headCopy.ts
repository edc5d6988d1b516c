import { readFileSync } from "node:fs";

const ROWS = 16;
const GROUP = 32;

/** The copy of an output head as its file has it, read by the description in `lacuna-head-kernels.h` and computed in float64. */
export class HeadCopy {
  readonly vocabulary: number;
  readonly embedding: number;
  /** Dimensions and bits of the two segments. */
  readonly segments: readonly { readonly dims: number; readonly bits: number }[];
  /** `[dims + 1, embedding]`; the last row is the mean of the head's rows. */
  readonly rotation: Float32Array;
  private readonly blocks: Buffer;

  constructor(file: string) {
    const data = readFileSync(file);
    const u32 = (at: number): number => data.readUInt32LE(at);
    const size = u32(12);
    const [vocabulary, embedding, groups0, groups1, bits0, bits1] = [0, 1, 2, 3, 4, 5].map((i) =>
      u32(80 + 4 * i),
    ) as [number, number, number, number, number, number];
    this.vocabulary = vocabulary;
    this.embedding = embedding;
    this.segments = [
      { dims: groups0 * GROUP, bits: bits0 },
      { dims: groups1 * GROUP, bits: bits1 },
    ];
    const rotationAt = padded(size);
    const numbers = (this.dims + 1) * embedding;
    this.rotation = new Float32Array(
      data.buffer.slice(data.byteOffset + rotationAt, data.byteOffset + rotationAt + 4 * numbers),
    );
    this.blocks = data.subarray(padded(rotationAt + 4 * numbers));
  }

  get dims(): number {
    return this.segments[0]!.dims + this.segments[1]!.dims;
  }

  /** What is stored of a row, `[dims]`. */
  row(row: number): Float64Array {
    const values = new Float64Array(this.dims);
    const codeBytes = this.segments.map(({ dims, bits }) => (dims / GROUP) * bits * 64);
    const blockBytes = codeBytes[0]! + codeBytes[1]! + 4 * ROWS;
    const block = this.blocks.subarray(Math.floor(row / ROWS) * blockBytes);
    const lane = row % ROWS;
    let first = 0;
    for (const [index, { dims, bits }] of this.segments.entries()) {
      const codes = block.subarray(index === 0 ? 0 : codeBytes[0]);
      const scale = half(block.readUInt16LE(codeBytes[0]! + codeBytes[1]! + 2 * (index * ROWS + lane)));
      for (let i = 0; i < dims; i++) {
        const four = Math.floor((i % GROUP) / 4);
        const piece = Math.floor(i / GROUP) * bits + Math.floor((four * bits) / 8);
        const code = (codes[64 * piece + 4 * lane + (i % 4)]! >> ((four * bits) % 8)) & (2 ** bits - 1);
        values[first + i] = scale * (code - (2 ** bits - 1) / 2);
      }
      first += dims;
    }
    return values;
  }

  /** Scores of all rows for an input of the head. */
  scores(input: ArrayLike<number>): Float64Array {
    const z = Array.from({ length: this.dims + 1 }, (_, i) => {
      let sum = 0;
      for (let j = 0; j < this.embedding; j++) {
        sum += this.rotation[i * this.embedding + j]! * input[j]!;
      }
      return sum;
    });
    return Float64Array.from({ length: this.vocabulary }, (_, row) =>
      this.row(row).reduce((sum, value, i) => sum + value * z[i]!, z[this.dims]!),
    );
  }
}

const padded = (size: number): number => Math.ceil(size / 64) * 64;

function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
