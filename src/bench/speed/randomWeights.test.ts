import assert from "node:assert/strict";
import { ggmlType, tensorBytes } from "../../models/ggmlTypes";
import { fromHalf } from "../../sparsity/half";
import { RandomWeights } from "./randomWeights";

/** ggml's `dequantize_row_*`, written again for a block. */
const DEQUANTISE: Readonly<Record<string, (block: Buffer) => number[]>> = {
  F32: (block) => [block.readFloatLE()],
  F16: (block) => [fromHalf(block.readUInt16LE())],
  Q4_0: (block) => nibbles(block.subarray(2)).map((q) => fromHalf(block.readUInt16LE()) * (q - 8)),
  Q5_0: (block) => {
    const high = block.readUInt32LE(2);
    const low = block.subarray(6);
    const quants = Array.from(
      { length: 32 },
      (_, i) => (i < 16 ? low[i]! & 15 : low[i - 16]! >> 4) | (((high >>> i) & 1) << 4),
    );
    return quants.map((q) => fromHalf(block.readUInt16LE()) * (q - 16));
  },
  Q8_0: (block) =>
    Array.from({ length: 32 }, (_, i) => fromHalf(block.readUInt16LE()) * block.readInt8(2 + i)),
  Q4_K: (block) => {
    const scales = block.subarray(4, 16);
    const scaleOf = (j: number): [number, number] =>
      j < 4
        ? [scales[j]! & 63, scales[j + 4]! & 63]
        : [
            (scales[j + 4]! & 15) | ((scales[j - 4]! >> 6) << 4),
            (scales[j + 4]! >> 4) | ((scales[j]! >> 6) << 4),
          ];
    return Array.from({ length: 256 }, (_, i) => {
      const byte = block[16 + 32 * Math.floor(i / 64) + (i % 32)]!;
      const [scale, min] = scaleOf(Math.floor(i / 32));
      const q = i % 64 < 32 ? byte & 15 : byte >> 4;
      return fromHalf(block.readUInt16LE()) * scale * q - fromHalf(block.readUInt16LE(2)) * min;
    });
  },
  Q6_K: (block) =>
    Array.from({ length: 256 }, (_, i) => {
      const half = Math.floor(i / 128);
      const place = i % 128;
      const low = block[64 * half + (place % 64)]!;
      const high = block[128 + 32 * half + (place % 32)]! >> (2 * Math.floor(place / 32));
      const q = ((place < 64 ? low & 15 : low >> 4) | ((high & 3) << 4)) - 32;
      return fromHalf(block.readUInt16LE(208)) * block.readInt8(192 + Math.floor(i / 16)) * q;
    }),
};

/** Enough blocks for stable statistics. */
const POOL = 1 << 16;

function nibbles(bytes: Buffer): number[] {
  return [...[...bytes].map((byte) => byte & 15), ...[...bytes].map((byte) => byte >> 4)];
}

function fill(type: string, elements: number, seed = 1, name = "a.weight"): Buffer {
  const spec = { name, dimensions: [elements], type: ggmlType(type) };
  return Buffer.concat([
    ...new RandomWeights(seed, POOL).fill(spec, tensorBytes(spec.type, spec.dimensions)),
  ]);
}

describe("RandomWeights", () => {
  for (const [type, dequantise] of Object.entries(DEQUANTISE)) {
    it(`makes ${type} weights with mean 0 and standard deviation 0.02`, () => {
      const { blockBytes } = ggmlType(type);
      const bytes = fill(type, 64 * 256);
      const blocks = Array.from({ length: bytes.length / blockBytes }, (_, i) =>
        bytes.subarray(i * blockBytes, (i + 1) * blockBytes),
      );
      const values = blocks.flatMap(dequantise);
      assert.equal(values.length, 64 * 256);
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const deviation = Math.sqrt(
        values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length,
      );
      assert.ok(Math.abs(mean) < 0.001, `mean ${mean}`);
      assert.ok(Math.abs(deviation - 0.02) < 0.0015, `deviation ${deviation}`);
    });
  }

  it("repeats itself for a seed and differs between tensors", () => {
    assert.deepEqual(fill("Q8_0", 1024, 3), fill("Q8_0", 1024, 3));
    assert.notDeepEqual(fill("Q8_0", 1024, 3), fill("Q8_0", 1024, 4));
    const weights = new RandomWeights(1, POOL);
    const spec = { name: "a.weight", dimensions: [1024], type: ggmlType("Q8_0") };
    assert.notDeepEqual([...weights.fill(spec, 1088)], [...weights.fill(spec, 1088)]);
  });

  it("makes norms one", () => {
    assert.equal(fill("F32", 4, 1, "blk.0.attn_norm.weight").readFloatLE(12), 1);
  });
});
