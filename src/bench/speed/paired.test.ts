import assert from "node:assert/strict";
import { medianEstimate, pairedRatios } from "./paired";

describe("paired slices", () => {
  it("are compared with the slices beside them", () => {
    assert.deepEqual(pairedRatios([[20, 20, 90], [40]], [[10, 10, 50]]), [3]);
  });
  it("tell the same ratio while the machine slows down", () => {
    // Each slice takes one unit longer than the one before it.
    const stock = [10, 12, 14, 16].map((ms) => [ms * 2]);
    const own = [11, 13, 15].map((ms) => [ms]);
    assert.deepEqual(pairedRatios(stock, own), [2, 2, 2]);
  });
  it("are summed up by their median, whatever a few of them say", () => {
    const values = [...Array<number>(16).fill(2), 40, 50, 0.1, 0.2];
    assert.deepEqual(medianEstimate(values), { median: 2, low: 2, high: 2 });
    assert.deepEqual(medianEstimate([1, 2, 4]), { median: 2, low: 1, high: 4 });
  });
});
