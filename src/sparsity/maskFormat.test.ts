import assert from "node:assert/strict";
import { heatmap, type Mask } from "./mask";
import { decodeMask, encodeMask } from "./maskFormat";
import { topRows } from "./ranking";
import { sketch } from "./similarity";
import { random } from "./testing";

function exampleMask(
  seed: number,
  withMeans: boolean,
  withThresholds = withMeans,
  withWeights = withThresholds,
): Mask {
  const next = random(seed);
  const layers = Array.from({ length: 3 }, (_, layer) => {
    const size = 61 + 32 * layer;
    const rows = topRows(Float32Array.from({ length: size }, next), Math.floor(next() * size));
    // Multiples of 1/8 are exact in binary16.
    const means = Float32Array.from({ length: size }, (_, row) =>
      rows.includes(row) ? 0 : Math.floor(next() * 64) / 8,
    );
    return {
      size,
      rows,
      ...(withMeans ? { means } : {}),
      ...(withThresholds ? { threshold: next() } : {}),
      ...(withWeights ? { weights: means.map((_, row) => (rows.includes(row) ? row / 8 : 0)) } : {}),
    };
  });
  return {
    modelFingerprint: "f00d",
    metric: "corrected-gxo",
    activeRatio: 0.4,
    levels: { staticRatio: 0.7, dynamicRatio: 0.35 },
    sketch: sketch("function add(a, b) { return a + b; }"),
    createdAt: 1_700_000_000_000,
    guard: [{ activeRatio: 0.4, lossIncrease: 0.03, top1Agreement: 0.9 }],
    layers,
  };
}

describe("mask format", () => {
  it("returns what was written, with and without means, thresholds and weights", () => {
    for (const withMeans of [true, false]) {
      for (const [withThresholds, withWeights] of [
        [true, true],
        [true, false],
        [false, false],
      ] as const) {
        for (let seed = 1; seed < 20; seed++) {
          const mask = exampleMask(seed, withMeans, withThresholds, withWeights);
          assert.deepEqual(decodeMask(encodeMask(mask)), { ok: true, mask });
        }
      }
    }
  });

  it("ignores masks of an earlier version, with a warning", () => {
    const bytes = encodeMask(exampleMask(2, true));
    bytes[4] = 2;
    assert.deepEqual(decodeMask(bytes), {
      ok: false,
      warning: "Ignoring a remembered mask: it has format version 2, this build reads 3.",
    });
  });

  it("is compact: a bit per neuron", () => {
    const rows = topRows(Float32Array.from({ length: 8960 }, random(1)), 3584);
    const mask = {
      ...exampleMask(1, false),
      layers: Array.from({ length: 28 }, () => ({ size: 8960, rows })),
    };
    assert.ok(encodeMask(mask).length < (28 * 8960) / 8 + 2048);
  });

  it("reads from a view into a larger buffer", () => {
    const bytes = encodeMask(exampleMask(4, true));
    const larger = new Uint8Array(bytes.length + 10);
    larger.set(bytes, 5);
    assert.ok(decodeMask(larger.subarray(5, 5 + bytes.length)).ok);
  });

  it("refuses every truncation and every flipped bit with a warning", () => {
    const bytes = encodeMask(exampleMask(2, true));
    for (let length = 0; length < bytes.length; length++) {
      const decoded = decodeMask(bytes.subarray(0, length));
      assert.ok(!decoded.ok && decoded.warning.startsWith("Ignoring a remembered mask: "));
    }
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const damaged = bytes.slice();
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      assert.equal(decodeMask(damaged).ok, false, `bit ${bit}`);
    }
  });

  it("refuses a later version by name", () => {
    const bytes = encodeMask(exampleMask(2, false));
    bytes[4] = 9;
    const decoded = decodeMask(bytes);
    assert.ok(!decoded.ok && decoded.warning.includes("version 9"));
  });
});

describe("mask", () => {
  const layers = [
    { size: 8, rows: Int32Array.of(0, 1, 2, 3) },
    { size: 8, rows: Int32Array.of(7) },
  ];

  it("maps activity by slices", () => {
    assert.deepEqual([...heatmap(layers, 4)], [1, 1, 0, 0, 0, 0, 0, 0.5]);
  });

  it("copes with more bins than neurons", () => {
    assert.equal(heatmap(layers, 16).length, 32);
  });
});
