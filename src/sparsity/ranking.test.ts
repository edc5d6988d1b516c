import assert from "node:assert/strict";
import { topRows } from "./ranking";
import { random } from "./testing";

describe("topRows", () => {
  it("keeps the highest scores, ascending by row", () => {
    assert.deepEqual([...topRows(Float32Array.of(0.1, 5, -2, 3), 2)], [1, 3]);
  });

  it("keeps the lower row of equal scores", () => {
    assert.deepEqual([...topRows(Float32Array.of(1, 7, 1, 1), 3)], [0, 1, 2]);
  });

  it("ranks NaN last and copes with infinities", () => {
    assert.deepEqual([...topRows(Float32Array.of(NaN, Infinity, -Infinity, Infinity), 3)], [0, 1, 3]);
    assert.deepEqual([...topRows(Float32Array.of(NaN, 0, NaN), 1)], [1]);
  });

  it("clamps the count", () => {
    assert.equal(topRows(Float32Array.of(1, 2), 5).length, 2);
    assert.equal(topRows(Float32Array.of(1, 2), -1).length, 0);
  });

  it("is nested, unique, ascending, and no dropped row beats a kept one", () => {
    const next = random(7);
    for (let round = 0; round < 50; round++) {
      const scores = Float32Array.from({ length: 1 + Math.floor(next() * 200) }, () =>
        Math.floor(next() * 20),
      );
      const count = Math.floor(next() * scores.length);
      const rows = topRows(scores, count);
      const kept = new Set(rows);
      assert.equal(kept.size, count);
      assert.ok(rows.every((row, i) => i === 0 || rows[i - 1]! < row));
      assert.ok(topRows(scores, Math.floor(count / 2)).every((row) => kept.has(row)));
      const lowestKept = Math.min(...[...rows].map((row) => scores[row]!));
      assert.ok(scores.every((score, row) => kept.has(row) || count === 0 || score <= lowestKept));
    }
  });
});
