import assert from "node:assert/strict";
import { ColumnCost } from "./columnCost";

describe("ColumnCost", () => {
  const after = (rounds: number, ...evaluations: (readonly [number, number])[]): number => {
    const cost = new ColumnCost();
    for (let round = 0; round < rounds; round++) {
      evaluations.forEach(([tokens, ms]) => cost.observe(tokens, ms));
    }
    return cost.value;
  };

  it("learns what further tokens cost", () => {
    assert.ok(Math.abs(after(100, [1, 50], [4, 65]) - 0.1) < 0.02);
    assert.ok(Math.abs(after(100, [1, 50], [3, 110]) - 0.6) < 0.05);
  });

  it("knows nothing without an evaluation of one token", () => {
    assert.equal(after(10, [4, 65]), new ColumnCost().value);
  });

  it("forgets what is not measured any more, so that drafts are tried again", () => {
    const cost = new ColumnCost();
    cost.observe(1, 50);
    for (let i = 0; i < 50; i++) {
      cost.observe(3, 150);
    }
    assert.ok(cost.value > 0.9);
    for (let i = 0; i < 500; i++) {
      cost.observe(1, 50);
    }
    assert.ok(cost.value < 0.25);
  });

  it("is not taken in by a machine that was busy", () => {
    const cost = new ColumnCost();
    cost.observe(1, 50);
    cost.observe(3, 5_000);
    assert.ok(cost.value < 0.3);
    cost.observe(3, 1);
    assert.ok(cost.value >= 0);
  });
});
