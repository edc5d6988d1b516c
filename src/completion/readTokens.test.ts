import assert from "node:assert/strict";
import { ReadTokens } from "./readTokens";

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

describe("ReadTokens", () => {
  it("counts nothing that is new", () => {
    const read = new ReadTokens();
    assert.equal(read.evaluated([], range(0, 64)), 0);
    assert.equal(read.evaluated(range(0, 64), range(64, 128)), 0);
  });

  it("counts what is evaluated again behind something else, in pieces of any size", () => {
    const read = new ReadTokens();
    read.evaluated([], range(0, 100));
    assert.equal(read.evaluated(range(500, 520), range(40, 100)), 60);
    assert.equal(read.evaluated([...range(600, 620), ...range(40, 70)], range(70, 100)), 30);
    assert.equal(read.evaluated(range(700, 720), [...range(40, 60), ...range(800, 840)]), 20);
  });

  it("counts no single words that occur anywhere", () => {
    const read = new ReadTokens();
    read.evaluated([], range(0, 64));
    assert.equal(read.evaluated(range(100, 120), [3, 4, 5, 200, 6, 7, 8, 9]), 0);
  });

  it("forgets what is long ago", () => {
    const read = new ReadTokens();
    read.evaluated([], range(0, 64));
    read.evaluated([], range(1_000, 80_000));
    assert.equal(read.evaluated([], range(0, 64)), 0);
  });
});
