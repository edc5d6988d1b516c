import assert from "node:assert/strict";
import { chooseRatio, curvePoint, lossIncrease, lossUncertainty, top1Agreement } from "./guard";

const point = (activeRatio: number, loss: number) => ({
  activeRatio,
  lossIncrease: loss,
  top1Agreement: 0.9,
});

describe("guard", () => {
  it("compares mean losses", () => {
    const rise = lossIncrease(Float32Array.of(-1, -3), Float32Array.of(-1.5, -3.5));
    assert.ok(Math.abs(rise - 0.25) < 1e-7);
  });

  it("knows a dense loss of zero", () => {
    assert.equal(lossIncrease(Float32Array.of(0), Float32Array.of(0)), 0);
    assert.equal(lossIncrease(Float32Array.of(0), Float32Array.of(-1)), Infinity);
  });

  it("counts equal first choices", () => {
    assert.equal(top1Agreement(Int32Array.of(1, 2, 3, 4), Int32Array.of(1, 2, 0, 4)), 0.75);
  });

  it("refuses evaluations of different or no tokens", () => {
    assert.throws(() => lossIncrease(new Float32Array(2), new Float32Array(3)), RangeError);
    assert.throws(() => top1Agreement(new Int32Array(0), new Int32Array(0)), RangeError);
  });

  it("makes a point of two evaluations", () => {
    const dense = { logLikelihood: Float32Array.of(-2), top1: Int32Array.of(5) };
    const sparse = { logLikelihood: Float32Array.of(-3), top1: Int32Array.of(5) };
    assert.deepEqual(curvePoint(0.4, dense, sparse), {
      activeRatio: 0.4,
      lossIncrease: 0.5,
      uncertainty: 0,
      top1Agreement: 1,
    });
  });

  it("knows how sure it is", () => {
    const dense = Float32Array.of(-2, -2, -2, -2);
    // Differences 0, 1, 0, 1: deviation 0.5, so that the mean of four is uncertain by 0.5 / √3, in relation to 2.
    const error = lossUncertainty(dense, Float32Array.of(-2, -3, -2, -3));
    assert.ok(Math.abs(error - 0.25 / Math.sqrt(3)) < 1e-7, String(error));
    assert.equal(lossUncertainty(dense, dense), 0);
  });

  it("takes no ratio of which it cannot be sure", () => {
    const unsure = { ...point(0.5, 0.04), uncertainty: 0.03 };
    assert.equal(chooseRatio([point(0.7, 0.01), unsure], 0.05), 0.7);
    assert.equal(chooseRatio([point(0.7, 0.01), unsure], 0.1), 0.5);
  });

  it("takes the smallest ratio within tolerance", () => {
    assert.equal(chooseRatio([point(0.3, 0.2), point(0.5, 0.04), point(0.7, 0.01)], 0.05), 0.5);
    assert.equal(chooseRatio([point(0.3, 0.05), point(0.5, 0.04)], 0.05), 0.3);
  });

  it("does not trust a lucky point below one that failed", () => {
    assert.equal(chooseRatio([point(0.2, 0.01), point(0.3, 0.2), point(0.5, 0.02)], 0.05), 0.5);
  });

  it("stays dense when the largest ratio fails, is not a number, or nothing was measured", () => {
    assert.equal(chooseRatio([point(0.7, 0.2)], 0.05), 1);
    assert.equal(chooseRatio([point(0.7, NaN)], 0.05), 1);
    assert.equal(chooseRatio([], 0.05), 1);
  });
});
