import assert from "node:assert/strict";
import { Masks, meanScores, normalised, overlap, withMeans } from "./masks";

describe("masks of the quality bench", () => {
  const masks = new Masks(2);
  const scores = [Float32Array.of(1, 5, 3, 2, 4, 0), Float32Array.of(6, 5, 4, 3, 2, 1)];

  it("keep the highest scores, as many as packing would", () => {
    const kept = masks.keep(scores, 0.4);
    assert.deepEqual([...kept[0]!.keep!], [0, 1, 0, 0, 1, 0]);
    assert.deepEqual([...kept[1]!.keep!], [1, 1, 0, 0, 0, 0]);
    assert.deepEqual(
      masks.rows(scores, 0.4).map((rows) => [...rows]),
      [
        [1, 4],
        [0, 1],
      ],
    );
  });
  it("keep everything at 1", () => {
    assert.ok(masks.keep(scores, 1, "score-mass").every(({ keep }) => keep!.every((flag) => flag === 1)));
  });
  it("overlap by the share of what the first one keeps", () => {
    const [a, b] = [masks.keep(scores, 0.4), masks.keep([scores[1]!, scores[1]!], 0.4)];
    assert.equal(overlap(a, a), 1);
    assert.equal(overlap(a, b), (0.5 + 1) / 2);
  });
  it("carry means along", () => {
    const means = [new Float32Array(6), new Float32Array(6)];
    assert.equal(withMeans(masks.keep(scores, 0.4), means)[1]!.means, means[1]);
  });
  it("come from scores that can be added across files", () => {
    const [layer] = meanScores([normalised([Float32Array.of(3, -1)]), normalised([Float32Array.of(20, 20)])]);
    assert.deepEqual([...layer!], [0.625, 0.125]);
  });
});
