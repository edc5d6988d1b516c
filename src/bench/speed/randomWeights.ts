import type { GgmlType } from "../../models/ggmlTypes";
import type { TensorSpec } from "../../models/ggufWriter";
import { toHalf } from "../../sparsity/half";

/** Standard deviation of the weights: activations neither vanish nor overflow over tens of layers. */
const STD = 0.02;

/** Blocks made per type, in bytes; larger tensors repeat them from another start each time. */
const POOL_BYTES = 8 << 20;

/**
 * Random weights directly in the types' block formats: random quants under constant scales, so that gigabytes are
 * written at the speed of the disk. Deterministic for a seed.
 */
export class RandomWeights {
  private readonly pools = new Map<string, Buffer>();
  private state: number;

  constructor(
    seed: number,
    private readonly poolBytes = POOL_BYTES,
  ) {
    this.state = seed >>> 0 || 1;
  }

  *fill({ name, type }: TensorSpec, bytes: number): Generator<Uint8Array> {
    if (name.endsWith("norm.weight")) {
      yield new Uint8Array(new Float32Array(bytes / 4).fill(1).buffer);
      return;
    }
    const pool = this.pool(type);
    const blocks = pool.length / type.blockBytes;
    let at = (this.next() % blocks) * type.blockBytes;
    for (let left = bytes; left > 0; at = 0) {
      const piece = pool.subarray(at, Math.min(pool.length, at + left));
      left -= piece.length;
      yield piece;
    }
  }

  private pool(type: GgmlType): Buffer {
    let pool = this.pools.get(type.name);
    if (pool === undefined) {
      pool = Buffer.alloc(Math.floor(this.poolBytes / type.blockBytes) * type.blockBytes);
      const words = new Uint32Array(pool.buffer, pool.byteOffset, pool.length >>> 2);
      for (let i = 0; i < words.length; i++) {
        words[i] = this.next();
      }
      for (let at = 0; at < pool.length; at += type.blockBytes) {
        this.setScales(type, pool, at);
      }
      this.pools.set(type.name, pool);
    }
    return pool;
  }

  /** Turns a block of random bytes into one of weights with standard deviation {@link STD} and mean near zero. */
  private setScales(type: GgmlType, block: Buffer, at: number): void {
    const half = (offset: number, value: number): void => {
      block.writeUInt16LE(toHalf(value), at + offset);
    };
    // Quants from -8 to 7 have mean -0.5: scales of both signs make the weights' mean zero.
    const sign = block[at + type.blockBytes - 1]! & 1 ? 1 : -1;
    switch (type.name) {
      case "F32":
        block.writeFloatLE((this.next() / 2 ** 32 - 0.5) * Math.sqrt(12) * STD, at);
        return;
      case "F16":
        // Random sign and mantissa, exponents of 2^-6 and 2^-7.
        block.writeUInt16LE((block.readUInt16LE(at) & 0x87ff) | 0x2000, at);
        return;
      case "Q4_0":
        half(0, (sign * STD) / 4.61); // quants 0..15 less 8
        return;
      case "Q5_0":
        half(0, (sign * STD) / 9.23); // 0..31 less 16
        return;
      case "Q8_0":
        half(0, (sign * STD) / 73.9); // -128..127
        return;
      case "Q4_K": {
        // All eight sub-blocks with scale and minimum 32: d·32·q - dmin·32, q in 0..15 with mean 7.5.
        const d = STD / (32 * 4.61);
        half(0, d);
        half(2, 7.5 * d);
        block.fill(0xa0, at + 4, at + 12);
        block.fill(0, at + 12, at + 16);
        return;
      }
      case "Q6_K":
        block.fill(32, at + 192, at + 208); // sixteen sub-block scales
        half(208, STD / (32 * 18.47)); // 0..63 less 32
        return;
      default:
        throw new RangeError(`random weights of type ${type.name} are not known`);
    }
  }

  /** xorshift32. */
  private next(): number {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    this.state >>>= 0;
    return this.state;
  }
}
