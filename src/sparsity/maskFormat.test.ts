import assert from "node:assert/strict";
import { heatmap, type Mask, type Selection } from "./mask";
import { decodeMask, encodeMask } from "./maskFormat";
import { topRows } from "./ranking";
import { sketch } from "./similarity";
import { random } from "./testing";

const NEURONS = [61, 93, 125];

function exampleRows(seed: number, withMeans: boolean): Selection {
  const next = random(seed);
  const layers = NEURONS.map((size) => {
    const rows = topRows(Float32Array.from({ length: size }, next), Math.floor(next() * size));
    // Multiples of 1/8 are exact in binary16.
    const means = Float32Array.from({ length: size }, (_, row) =>
      rows.includes(row) ? 0 : Math.floor(next() * 64) / 8,
    );
    return { size, rows, ...(withMeans ? { means } : {}) };
  });
  return { kind: "rows", layers };
}

/** The largest weight of a layer is 1, to which the others are stored in relation. */
function exampleChoice(seed: number): Selection {
  const next = random(seed);
  const weights = (size: number): Float32Array =>
    Float32Array.from({ length: size }, (_, row) => (row === 0 ? 1 : Math.floor(next() * 64) / 64));
  const layers = NEURONS.map((size) => ({ gateWeights: weights(size), downWeights: weights(size) }));
  return { kind: "choice", layers };
}

const maskOf = (selection: Selection): Mask => ({
  modelFingerprint: "f00d",
  metric: "corrected-gxo",
  activeRatio: 0.4,
  sketch: sketch("function add(a, b) { return a + b; }"),
  createdAt: 1_700_000_000_000,
  guard: [{ activeRatio: 0.4, lossIncrease: 0.03, top1Agreement: 0.9 }],
  selection,
});

const exampleMask = (seed: number, withMeans: boolean): Mask => maskOf(exampleRows(seed, withMeans));

describe("mask format", () => {
  it("returns what was written: rows with and without means, and what tokens choose by", () => {
    for (let seed = 1; seed < 20; seed++) {
      for (const selection of [exampleRows(seed, true), exampleRows(seed, false), exampleChoice(seed)]) {
        const mask = maskOf(selection);
        assert.deepEqual(decodeMask(encodeMask(mask)), { ok: true, mask });
      }
    }
  });

  it("keeps what weights decide, however large they are", () => {
    const weights = Float32Array.of(3e6, 1e6, 0, 2e6);
    const mask = maskOf({ kind: "choice", layers: [{ gateWeights: weights, downWeights: weights }] });
    const decoded = decodeMask(encodeMask(mask));
    assert.ok(decoded.ok && decoded.mask.selection.kind === "choice");
    const [one] = decoded.mask.selection.layers;
    assert.deepEqual([...topRows(one!.gateWeights, 2)], [0, 3]);
    assert.equal(one!.downWeights[2], 0);
  });

  it("ignores masks of an earlier version, with a warning", () => {
    const bytes = encodeMask(exampleMask(2, true));
    bytes[4] = 3;
    assert.deepEqual(decodeMask(bytes), {
      ok: false,
      warning: "Ignoring a remembered mask: it has format version 3, this build reads 4.",
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
  const rows: Selection = {
    kind: "rows",
    layers: [
      { size: 8, rows: Int32Array.of(0, 1, 2, 3) },
      { size: 8, rows: Int32Array.of(7) },
    ],
  };

  it("maps activity by slices", () => {
    assert.deepEqual([...heatmap(rows, 4)], [1, 1, 0, 0, 0, 0, 0, 0.5]);
  });

  it("maps weights in relation to each layer's largest", () => {
    const weights = Float32Array.of(2, 2, 1, 1, 0, 0, 4, 0);
    const layer = { gateWeights: weights, downWeights: weights };
    assert.deepEqual([...heatmap({ kind: "choice", layers: [layer] }, 4)], [1, 0.5, 0, 1]);
  });

  it("copes with more bins than neurons", () => {
    assert.equal(heatmap(rows, 16).length, 32);
  });
});
