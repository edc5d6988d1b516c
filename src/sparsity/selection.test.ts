import assert from "node:assert/strict";
import { selectNeurons, type Scored } from "./selection";
import { random } from "./testing";
import { BINS } from "./thresholds";

const SIZE = 128;
const POSITIONS = 100;

interface Example extends Scored {
  /** |silu(gate)| of each neuron at each position. */
  readonly values: readonly (readonly number[][])[];
}

/** Layers of different loudness with log-normal gates. */
function example(loudness: readonly number[]): Example {
  const next = random(9);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  const layers = loudness.map((loud) => {
    const values = Array.from({ length: SIZE }, () => {
      const level = 2 ** (-4 + normal());
      return Array.from({ length: POSITIONS }, () => level * 2 ** (2 * normal()));
    });
    const histogram = new Uint16Array(SIZE * BINS);
    values.forEach((row, at) => {
      for (const value of row) {
        histogram[at * BINS + Math.max(0, Math.min(BINS - 1, Math.floor(2 * Math.log2(value) + 24)))]!++;
      }
    });
    const up = Float32Array.from({ length: SIZE }, () => loud * 2 ** normal());
    const down = Float32Array.from({ length: SIZE }, () => 1 + next());
    const contributions = up.map(
      (u, row) => u * down[row]! * Math.sqrt(values[row]!.reduce((sum, v) => sum + v * v, 0) / POSITIONS),
    );
    return { values, gates: { histogram, up, down }, contributions };
  });
  return {
    values: layers.map(({ values }) => values),
    gates: layers.map(({ gates }) => gates),
    contributions: layers.map(({ contributions }) => contributions),
    scores: layers.map(({ contributions }) => contributions),
    means: layers.map(() => new Float32Array(SIZE)),
  };
}

const options = { budget: "error", multiple: 8 } as const;

describe("selection of neurons", () => {
  const scored = example([1, 0.01, 2]);
  const levels = { staticRatio: 0.5, dynamicRatio: 0.3 };

  it("keeps and reads as much as the levels say, more in layers that contribute more", () => {
    const layers = selectNeurons(scored, levels, options);
    const kept = layers.reduce((sum, { rows }) => sum + rows.length, 0);
    assert.equal(kept, 0.5 * 3 * SIZE);
    assert.ok(layers[2]!.rows.length > 2 * layers[1]!.rows.length);
    const active = layers.map(({ rows, weights, threshold }, index) =>
      [...rows].reduce(
        (sum, row) =>
          sum + scored.values[index]![row]!.filter((value) => value * weights![row]! >= threshold!).length,
        0,
      ),
    );
    const share = active.reduce((sum, count) => sum + count, 0) / (kept * POSITIONS);
    assert.ok(Math.abs(share - 0.3) < 0.03, `${share}`);
    assert.ok(active[2]! > active[1]!);
  });

  it("reads every token's largest contributions", () => {
    const [layer] = selectNeurons(example([1]), levels, options);
    const { up, down } = example([1]).gates![0]!;
    const ratios = [...layer!.rows].map((row) => layer!.weights![row]! / (up[row]! * down[row]!));
    for (const ratio of ratios) {
      assert.ok(Math.abs(ratio / ratios[0]! - 1) < 1e-5, "weights are E|up|·‖w_down‖ but for a factor");
    }
    const mean = [...layer!.rows].reduce((sum, row) => sum + layer!.weights![row]!, 0) / layer!.rows.length;
    assert.ok(Math.abs(mean - 1) < 1e-5);
    assert.ok(layer!.weights!.every((weight, row) => weight === 0 || layer!.rows.includes(row)));
  });

  it("has no thresholds without a second level", () => {
    for (const layer of [
      ...selectNeurons(scored, { staticRatio: 0.5, dynamicRatio: 1 }, options),
      ...selectNeurons({ ...scored, gates: undefined } as unknown as Scored, levels, options),
    ]) {
      assert.deepEqual([layer.threshold, layer.weights], [undefined, undefined]);
    }
  });

  it("shares rows out as asked", () => {
    const counts = (budget: "uniform" | "score-mass"): number[] =>
      selectNeurons(scored, levels, { ...options, budget }).map(({ rows }) => rows.length);
    assert.deepEqual(counts("uniform"), [64, 64, 64]);
    assert.equal(
      counts("score-mass").reduce((sum, count) => sum + count, 0),
      192,
    );
  });

  it("copes with a layer that never contributes", () => {
    const silent = { ...scored, contributions: [...scored.contributions] };
    silent.contributions[1] = new Float32Array(SIZE);
    const layers = selectNeurons(silent, levels, options);
    assert.ok(layers[1]!.rows.length > 0);
    assert.ok(layers.every(({ threshold }) => Number.isFinite(threshold)));
  });
});
