import assert from "node:assert/strict";
import { fromHalf, toHalf } from "./half";

describe("half", () => {
  it("returns every finite half unchanged", () => {
    for (let half = 0; half < 0x10000; half++) {
      if ((half & 0x7c00) !== 0x7c00) {
        assert.equal(toHalf(fromHalf(half)), half);
      }
    }
  });

  it("rounds to the nearest, ties to even", () => {
    assert.equal(toHalf(1 + 2 ** -11), toHalf(1));
    assert.equal(toHalf(1 + 3 * 2 ** -11), toHalf(1 + 2 ** -9));
    assert.equal(toHalf(65519), 0x7bff);
    assert.equal(toHalf(2 ** -25), 0);
    assert.equal(toHalf(1.5 * 2 ** -25), 1);
  });

  it("knows infinities and NaN", () => {
    assert.equal(toHalf(65520), 0x7c00);
    assert.equal(toHalf(-Infinity), 0xfc00);
    assert.equal(fromHalf(0x7c00), Infinity);
    assert.ok(Number.isNaN(fromHalf(toHalf(NaN))));
  });
});
