import assert from "node:assert/strict";
import { meanOf, quantile, relativeRise, riseDifference } from "./bootstrap";

describe("bootstrap", () => {
  const values = Array.from({ length: 40 }, (_, i) => 2 + Math.sin(i));

  it("puts the mean inside of its interval, which narrows with more cases", () => {
    const few = meanOf(values);
    const many = meanOf([...values, ...values, ...values, ...values]);
    assert.ok(few.low < few.mean && few.mean < few.high);
    assert.ok(many.high - many.low < 0.7 * (few.high - few.low));
    assert.deepEqual(meanOf(values), few);
  });
  it("covers what the normal approximation says", () => {
    const { mean, low, high } = meanOf(values);
    const deviation = Math.sqrt(
      values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length ** 2,
    );
    assert.ok(Math.abs(high - low - 2 * 1.96 * deviation) < 0.3 * deviation);
  });
  it("relates means, not single cases", () => {
    assert.equal(relativeRise([2, 3], [1, 3]).mean, 0.25);
    assert.equal(riseDifference([2, 3], [2, 2], [1, 3]).mean, 0.25);
  });
  it("knows a difference better than its terms when cases vary together", () => {
    const base = values;
    const others = values.map((value) => value * 1.2);
    const more = values.map((value, i) => value * 1.2 + 0.01 * (i % 2));
    const { low, high } = riseDifference(more, others, base);
    assert.ok(low > 0 && high < 0.01);
  });
  it("gives no interval for one case", () => {
    assert.deepEqual(meanOf([3]), { mean: 3, low: NaN, high: NaN });
  });
  it("interpolates quantiles", () => {
    assert.equal(quantile([1, 2, 3, 4], 0.5), 2.5);
    assert.equal(quantile([1, 2, 3, 4], 0), 1);
    assert.equal(quantile([1, 2, 3, 4], 1), 4);
  });
});
