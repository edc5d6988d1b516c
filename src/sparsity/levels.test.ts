import assert from "node:assert/strict";
import { ffnShare, levelsFor } from "./levels";

describe("levels", () => {
  it("count gate for all kept neurons, up and down for the active ones", () => {
    assert.ok(Math.abs(ffnShare({ staticRatio: 0.7, dynamicRatio: 0.35 }) - 0.3967) < 1e-4);
    assert.equal(ffnShare({ staticRatio: 0.4, dynamicRatio: 1 }), 0.4);
  });

  it("divide any share so that it is read", () => {
    for (let share = 0.05; share <= 1; share += 0.05) {
      for (const thresholds of [true, false]) {
        const levels = levelsFor(share, thresholds);
        assert.ok(Math.abs(ffnShare(levels) - share) < 1e-9, `${share}`);
        assert.ok(levels.staticRatio > 0 && levels.staticRatio <= 1);
        assert.ok(levels.dynamicRatio > 0 && levels.dynamicRatio <= 1);
        assert.equal(levels.dynamicRatio === 1, !thresholds || share >= 1 - 1e-9);
      }
    }
  });
});
