import type { Random } from "./random";

/**
 * Random values in ggml's storage types, and what they decode to.
 * Written from the format's description, not with ggml's code: this is one side of a comparison.
 */
export type StorageType =
  "F32" | "F16" | "BF16" | "Q8_0" | "Q4_0" | "Q4_1" | "Q5_0" | "Q5_1" | "Q4_K" | "Q5_K" | "Q6_K";

export interface Block {
  readonly id: number;
  readonly size: number;
  readonly bytes: number;
  /** Fills `bytes` bytes with `size` random values of about the given standard deviation. */
  fill(view: DataView, std: number, random: Random): void;
  decode(view: DataView, out: Float64Array): void;
}

export function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) {
    return sign * fraction * 2 ** -24;
  }
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Rounds towards zero: any half will do for random weights. Positive and negative normal numbers only. */
export function numberToHalf(value: number): number {
  const sign = value < 0 ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (magnitude < 2 ** -14) {
    return sign | Math.floor(magnitude * 2 ** 24);
  }
  const exponent = Math.floor(Math.log2(magnitude));
  return sign | ((exponent + 15) << 10) | Math.floor((magnitude / 2 ** exponent - 1) * 1024);
}

const F32: Block = {
  id: 0,
  size: 1,
  bytes: 4,
  fill: (view, std, random) => view.setFloat32(0, std * random.normal(), true),
  decode: (view, out) => void (out[0] = view.getFloat32(0, true)),
};

const F16: Block = {
  id: 1,
  size: 1,
  bytes: 2,
  fill: (view, std, random) => view.setUint16(0, numberToHalf(std * random.normal()), true),
  decode: (view, out) => void (out[0] = halfToNumber(view.getUint16(0, true))),
};

const BF16: Block = {
  id: 30,
  size: 1,
  bytes: 2,
  fill(view, std, random) {
    const single = new DataView(new ArrayBuffer(4));
    single.setFloat32(0, std * random.normal(), true);
    view.setUint16(0, single.getUint16(2, true), true);
  },
  decode(view, out) {
    const single = new DataView(new ArrayBuffer(4));
    single.setUint16(2, view.getUint16(0, true), true);
    out[0] = single.getFloat32(0, true);
  },
};

/** d · q with q in -127..127. */
const Q8_0: Block = {
  id: 8,
  size: 32,
  bytes: 34,
  fill(view, std, random) {
    view.setUint16(0, numberToHalf((std / 40) * (0.5 + random.uniform())), true);
    for (let i = 0; i < 32; i++) {
      view.setInt8(2 + i, Math.max(-127, Math.min(127, Math.round(40 * random.normal()))));
    }
  },
  decode(view, out) {
    const d = halfToNumber(view.getUint16(0, true));
    for (let i = 0; i < 32; i++) {
      out[i] = d * view.getInt8(2 + i);
    }
  },
};

/** d · (q - 8); the low nibbles are the first half. */
const Q4_0: Block = {
  id: 2,
  size: 32,
  bytes: 18,
  fill(view, std, random) {
    view.setUint16(0, numberToHalf((std / 4.6) * (0.5 + random.uniform())), true);
    for (let i = 0; i < 16; i++) {
      view.setUint8(2 + i, random.integer(256));
    }
  },
  decode(view, out) {
    const d = halfToNumber(view.getUint16(0, true));
    for (let i = 0; i < 16; i++) {
      const byte = view.getUint8(2 + i);
      out[i] = d * ((byte & 15) - 8);
      out[i + 16] = d * ((byte >> 4) - 8);
    }
  },
};

/** d · q + m, nibbles as Q4_0's. */
const Q4_1: Block = {
  id: 3,
  size: 32,
  bytes: 20,
  fill(view, std, random) {
    const d = (std / 4.6) * (0.5 + random.uniform());
    view.setUint16(0, numberToHalf(d), true);
    view.setUint16(2, numberToHalf(-7.5 * d), true);
    for (let i = 0; i < 16; i++) {
      view.setUint8(4 + i, random.integer(256));
    }
  },
  decode(view, out) {
    const d = halfToNumber(view.getUint16(0, true));
    const m = halfToNumber(view.getUint16(2, true));
    for (let i = 0; i < 16; i++) {
      const byte = view.getUint8(4 + i);
      out[i] = d * (byte & 15) + m;
      out[i + 16] = d * (byte >> 4) + m;
    }
  },
};

/** d · (q - 16), nibbles as Q4_0's; the fifth bit of element i is bit i of a word. */
const Q5_0: Block = {
  id: 6,
  size: 32,
  bytes: 22,
  fill(view, std, random) {
    view.setUint16(0, numberToHalf((std / 9.2) * (0.5 + random.uniform())), true);
    for (let i = 0; i < 20; i++) {
      view.setUint8(2 + i, random.integer(256));
    }
  },
  decode(view, out) {
    const d = halfToNumber(view.getUint16(0, true));
    const fifth = view.getUint32(2, true);
    for (let i = 0; i < 16; i++) {
      const byte = view.getUint8(6 + i);
      out[i] = d * ((byte & 15) + 16 * ((fifth >>> i) & 1) - 16);
      out[i + 16] = d * ((byte >> 4) + 16 * ((fifth >>> (i + 16)) & 1) - 16);
    }
  },
};

/** d · q + m, codes as Q5_0's. */
const Q5_1: Block = {
  id: 7,
  size: 32,
  bytes: 24,
  fill(view, std, random) {
    const d = (std / 9.2) * (0.5 + random.uniform());
    view.setUint16(0, numberToHalf(d), true);
    view.setUint16(2, numberToHalf(-15.5 * d), true);
    for (let i = 0; i < 20; i++) {
      view.setUint8(4 + i, random.integer(256));
    }
  },
  decode(view, out) {
    const d = halfToNumber(view.getUint16(0, true));
    const m = halfToNumber(view.getUint16(2, true));
    const fifth = view.getUint32(4, true);
    for (let i = 0; i < 16; i++) {
      const byte = view.getUint8(8 + i);
      out[i] = d * ((byte & 15) + 16 * ((fifth >>> i) & 1)) + m;
      out[i + 16] = d * ((byte >> 4) + 16 * ((fifth >>> (i + 16)) & 1)) + m;
    }
  },
};

/** Six-bit scales and minimums of the eight sub-blocks of a K-quant, packed into 12 bytes. */
function writeScales(view: DataView, offset: number, random: Random): void {
  for (let j = 0; j < 4; j++) {
    const low = 20 + random.integer(44);
    const high = 20 + random.integer(44);
    // minimum = scale, so that values centre on zero with dmin = 7.5 d (or 15.5 d)
    view.setUint8(offset + j, low | ((high >> 4) << 6));
    view.setUint8(offset + 4 + j, low | ((high >> 4) << 6));
    view.setUint8(offset + 8 + j, (high & 15) | ((high & 15) << 4));
  }
}

function readScale(view: DataView, offset: number, j: number): { scale: number; min: number } {
  const at = (i: number): number => view.getUint8(offset + i);
  if (j < 4) {
    return { scale: at(j) & 63, min: at(j + 4) & 63 };
  }
  return {
    scale: (at(j + 4) & 15) | ((at(j - 4) >> 6) << 4),
    min: (at(j + 4) >> 4) | ((at(j) >> 6) << 4),
  };
}

/** d · scale · q - dmin · min, eight sub-blocks of 32; pairs of sub-blocks share 32 bytes of nibbles. */
const Q4_K: Block = {
  id: 12,
  size: 256,
  bytes: 144,
  fill(view, std, random) {
    const d = std / (4.6 * 42);
    view.setUint16(0, numberToHalf(d), true);
    view.setUint16(2, numberToHalf(7.5 * d), true);
    writeScales(view, 4, random);
    for (let i = 0; i < 128; i++) {
      view.setUint8(16 + i, random.integer(256));
    }
  },
  decode(view, out) {
    const d = halfToNumber(view.getUint16(0, true));
    const dmin = halfToNumber(view.getUint16(2, true));
    for (let j = 0; j < 8; j++) {
      const { scale, min } = readScale(view, 4, j);
      for (let i = 0; i < 32; i++) {
        const byte = view.getUint8(16 + (j >> 1) * 32 + i);
        out[32 * j + i] = d * scale * (j & 1 ? byte >> 4 : byte & 15) - dmin * min;
      }
    }
  },
};

/** Like Q4_K with a fifth bit; bit j of `qh[i]` belongs to element i of sub-block j. */
const Q5_K: Block = {
  id: 13,
  size: 256,
  bytes: 176,
  fill(view, std, random) {
    const d = std / (9.2 * 42);
    view.setUint16(0, numberToHalf(d), true);
    view.setUint16(2, numberToHalf(15.5 * d), true);
    writeScales(view, 4, random);
    for (let i = 0; i < 160; i++) {
      view.setUint8(16 + i, random.integer(256));
    }
  },
  decode(view, out) {
    const d = halfToNumber(view.getUint16(0, true));
    const dmin = halfToNumber(view.getUint16(2, true));
    for (let j = 0; j < 8; j++) {
      const { scale, min } = readScale(view, 4, j);
      for (let i = 0; i < 32; i++) {
        const byte = view.getUint8(48 + (j >> 1) * 32 + i);
        const fifth = (view.getUint8(16 + i) >> j) & 1;
        out[32 * j + i] = d * scale * ((j & 1 ? byte >> 4 : byte & 15) + 16 * fifth) - dmin * min;
      }
    }
  },
};

/** d · scale · (q - 32), sixteen sub-blocks of 16; two halves of 128 with four quarters each. */
const Q6_K: Block = {
  id: 14,
  size: 256,
  bytes: 210,
  fill(view, std, random) {
    for (let i = 0; i < 192; i++) {
      view.setUint8(i, random.integer(256));
    }
    for (let i = 0; i < 16; i++) {
      view.setInt8(192 + i, (20 + random.integer(21)) * (random.integer(2) ? 1 : -1));
    }
    view.setUint16(208, numberToHalf(std / (18.5 * 30)), true);
  },
  decode(view, out) {
    const d = halfToNumber(view.getUint16(208, true));
    for (let n = 0; n < 256; n++) {
      const half = n >> 7;
      const quarter = (n >> 5) & 3;
      const l = n & 31;
      const low = view.getUint8(64 * half + (quarter & 1) * 32 + l) >> (quarter & 2 ? 4 : 0);
      const high = view.getUint8(128 + 32 * half + l) >> (2 * quarter);
      const scale = view.getInt8(192 + 8 * half + 2 * quarter + (l >> 4));
      out[n] = d * scale * (((low & 15) | ((high & 3) << 4)) - 32);
    }
  },
};

export const BLOCKS: Readonly<Record<StorageType, Block>> = {
  ...{ F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1 },
  ...{ Q4_K, Q5_K, Q6_K },
};
