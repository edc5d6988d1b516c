import assert from "node:assert/strict";
import { selectNeurons, type Scored } from "./selection";
import { random } from "./testing";

const SIZE = 128;

/** Layers of different loudness. */
function example(loudness: readonly number[]): Scored {
  const next = random(9);
  const contributions = loudness.map((loud) =>
    Float32Array.from({ length: SIZE }, () => loud * (0.1 + next())),
  );
  const means = loudness.map(() => Float32Array.from({ length: SIZE }, next));
  return { scores: contributions, contributions, means };
}

describe("selection of neurons", () => {
  const scored = example([1, 0.01, 2]);
  const multiple = 8;

  it("keeps as many as the ratio says, more in layers that contribute more", () => {
    const layers = selectNeurons(scored, 0.5, { budget: "error", multiple });
    assert.equal(
      layers.reduce((sum, { rows }) => sum + rows.length, 0),
      0.5 * 3 * SIZE,
    );
    assert.ok(layers[2]!.rows.length > 2 * layers[1]!.rows.length);
  });

  it("keeps the same ratio in every layer where asked to, the best ones", () => {
    const layers = selectNeurons(scored, 0.25, { budget: "uniform", multiple });
    for (const [index, { rows, size, means }] of layers.entries()) {
      assert.equal(rows.length, SIZE / 4);
      assert.equal(size, SIZE);
      assert.equal(means, scored.means[index]);
      const least = Math.min(...[...rows].map((row) => scored.scores[index]![row]!));
      const better = scored.scores[index]!.filter((score) => score > least).length;
      assert.equal(better, rows.length - 1);
    }
  });
});
