import assert from "node:assert/strict";
import { BINS, commonThreshold, thresholdFor } from "./thresholds";

const POSITIONS = 200;

/** Histograms as the native side makes them. */
function histogramOf(values: readonly (readonly number[])[]): Uint16Array {
  const histogram = new Uint16Array(values.length * BINS);
  values.forEach((row, at) => {
    for (const value of row) {
      const bin = Math.max(0, Math.min(BINS - 1, Math.floor(2 * Math.log2(value) + 24)));
      histogram[at * BINS + bin]!++;
    }
  });
  return histogram;
}

/** Neuron i has values round 2^-i, log-normal. */
const values = Array.from({ length: 8 }, (_, row) =>
  Array.from({ length: POSITIONS }, (_, t) => 2 ** (-row + 3 * Math.sin(t * 12.9898 + row))),
);
const gates = { histogram: histogramOf(values) };

describe("thresholds", () => {
  for (const rows of [
    [0, 1, 2, 3, 4, 5, 6, 7],
    [2, 5],
  ]) {
    for (const share of [0.9, 0.5, 0.35, 0.1]) {
      it(`let about ${share} of the values of rows ${rows.join()} pass`, () => {
        const threshold = thresholdFor(gates, Int32Array.from(rows), share);
        const kept = rows.flatMap((row) => values[row]!);
        const passing = kept.filter((value) => value >= threshold).length / kept.length;
        assert.ok(Math.abs(passing - share) < 0.03, `${passing}`);
      });
    }
  }

  it("are common to layers whose neurons weigh differently", () => {
    const weights = [
      Float32Array.from({ length: 8 }, (_, row) => 3 ** row),
      Float32Array.from({ length: 8 }, (_, row) => 0.01 / (row + 1)),
    ];
    const layers = weights.map((own, index) => ({
      gates,
      rows: index === 0 ? Int32Array.of(0, 1, 2, 5) : Int32Array.of(1, 3, 7),
      weights: own,
    }));
    const all = layers.flatMap(({ rows, weights: own }) =>
      [...rows].flatMap((row) => values[row]!.map((value) => value * own[row]!)),
    );
    for (const share of [0.8, 0.4, 0.1]) {
      const threshold = commonThreshold(layers, share);
      const passing = all.filter((value) => value >= threshold).length / all.length;
      assert.ok(Math.abs(passing - share) < 0.03, `${passing} instead of ${share}`);
    }
  });

  it("scale with the weights, and let neurons without weight never pass", () => {
    const rows = Int32Array.of(0, 3, 4);
    const of = (factor: number): number =>
      commonThreshold([{ gates, rows, weights: new Float32Array(8).fill(factor) }], 0.3);
    assert.ok(Math.abs(of(8) / of(1) - 8) < 1e-9);
    assert.equal(of(1), thresholdFor(gates, rows, 0.3));
    const silent = { gates, rows: Int32Array.of(1, 2), weights: new Float32Array(8) };
    const loud = { gates, rows: Int32Array.of(1, 2) };
    assert.ok(Math.abs(commonThreshold([silent, loud], 0.25) / commonThreshold([loud], 0.5) - 1) < 1e-9);
  });

  it("are 0 when everything is to pass, or nothing was seen", () => {
    assert.equal(thresholdFor(gates, Int32Array.of(1, 2), 1), 0);
    assert.equal(thresholdFor({ histogram: new Uint16Array(BINS) }, Int32Array.of(0), 0.5), 0);
  });
});
