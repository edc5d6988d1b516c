import assert from "node:assert/strict";
import { planWindow } from "./window";
import { random } from "./testing";

describe("planWindow", () => {
  it("takes three quarters before the cursor in the middle of a long file", () => {
    assert.deepEqual(planWindow(10_000, 5_000, 256).window, [4808, 5064]);
  });

  it("uses what the other side lacks", () => {
    assert.deepEqual(planWindow(10_000, 0, 256).window, [0, 256]);
    assert.deepEqual(planWindow(10_000, 10_000, 256).window, [9744, 10_000]);
    assert.deepEqual(planWindow(10_000, 9_990, 256).window, [9744, 10_000]);
  });

  it("measures on what follows the window, else on what precedes it", () => {
    assert.deepEqual(planWindow(10_000, 5_000, 256).heldOut, { from: 5000, measure: 5064, to: 5160 });
    assert.deepEqual(planWindow(1_000, 1_000, 256).heldOut, { from: 584, measure: 648, to: 744 });
  });

  it("gives the last quarter of a short file to measuring", () => {
    assert.deepEqual(planWindow(100, 50, 256), {
      window: [0, 75],
      heldOut: { from: 11, measure: 75, to: 100 },
    });
  });

  it("does not measure on next to nothing", () => {
    assert.deepEqual(planWindow(20, 20, 256), { window: [0, 20] });
    assert.deepEqual(planWindow(0, 0, 256), { window: [0, 0] });
  });

  it("never measures what was attributed, and stays within the file", () => {
    const next = random(9);
    for (let round = 0; round < 500; round++) {
      const count = Math.floor(next() * 2000);
      const cursor = Math.floor(next() * (count + 1));
      const size = 8 + Math.floor(next() * 400);
      const { window, heldOut } = planWindow(count, cursor, size);
      const [from, to] = window;
      assert.ok(0 <= from && from <= to && to <= count && to - from <= size);
      assert.ok(heldOut !== undefined || to - from === Math.min(size, count));
      if (heldOut !== undefined) {
        assert.ok(0 <= heldOut.from && heldOut.from < heldOut.measure && heldOut.measure < heldOut.to);
        assert.ok(heldOut.to <= count);
        assert.ok(heldOut.measure >= to || heldOut.to <= from);
      }
    }
  });
});
