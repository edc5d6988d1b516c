import assert from "node:assert/strict";
import { choiceOf, choiceShare, tierCounts, tiersFor, type PlaneBytes } from "./choice";

/** Of Qwen2.5-Coder 1.5B in Q4_K_M, a layer with down in Q4_K and one in Q6_K, megabytes. */
const LAYERS: readonly PlaneBytes[] = [
  { file: 23.2, up: 6.02, gate: 6.02, down: 5.16, shared: 0.86, rest: 7.9 },
  { file: 26.8, up: 6.02, gate: 6.02, down: 6.88, shared: 1.0, rest: 9.6 },
];

describe("tiers", () => {
  it("read the share that is asked for", () => {
    for (const share of [0.3, 0.36, 0.42, 0.54, 0.6, 0.7, 0.85, 0.95]) {
      assert.ok(Math.abs(choiceShare(tiersFor(share, LAYERS), LAYERS) - share) < 1e-6, String(share));
    }
  });

  it("read up and the scales of down at least", () => {
    const least = choiceShare(tiersFor(0.01, LAYERS), LAYERS);
    assert.ok(least > 0.26 && least < 0.3, String(least));
    assert.equal(least, choiceShare(tiersFor(0.2, LAYERS), LAYERS));
  });

  it("never read more of a later stage than of an earlier one, nor less at a larger share", () => {
    let before = tiersFor(0.01, LAYERS);
    for (let share = 0.28; share < 1; share += 0.01) {
      const { gate, down, full } = tiersFor(share, LAYERS);
      assert.ok(gate >= down && down >= full && full > 0 && gate <= 1);
      assert.ok(gate >= before.gate && down >= before.down && full >= before.full);
      before = { gate, down, full };
    }
  });

  it("count whole neurons, at least one", () => {
    assert.deepEqual(tierCounts({ gate: 0.6, down: 0.42, full: 0.15 }, 100), {
      gate: 60,
      down: 42,
      full: 15,
    });
    assert.deepEqual(tierCounts({ gate: 0.02, down: 0.02, full: 0.005 }, 10), { gate: 1, down: 1, full: 0 });
  });
});

describe("choice", () => {
  const sizes = [{ up: Float32Array.of(2, 1, 0, 4), x: Float32Array.of(1, 0.5, 0, 8) }];

  it("weighs by the score in relation to the sizes in the window", () => {
    const [layer] = choiceOf([Float32Array.of(4, 1, -3, 8)], sizes)!;
    assert.deepEqual([...layer!.gateWeights], [2, 1, 0, 2]);
    assert.deepEqual([...layer!.downWeights], [4, 2, 0, 1]);
  });

  it("stays finite for neurons that are silent in the window", () => {
    const [layer] = choiceOf([Float32Array.of(4, 1, 1, 8)], sizes)!;
    assert.ok(layer!.gateWeights.every(Number.isFinite) && layer!.gateWeights[2]! > 0);
  });

  it("is none where a score or a size is not a number", () => {
    assert.equal(choiceOf([Float32Array.of(4, NaN, 1, 8)], sizes), undefined);
    const damaged = [{ up: Float32Array.of(2, NaN, 0, 4), x: Float32Array.of(1, 0.5, 0, 8) }];
    assert.equal(choiceOf([Float32Array.of(4, 1, 1, 8)], damaged), undefined);
  });
});
