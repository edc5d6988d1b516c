import assert from "node:assert/strict";
import { similarity, sketch, SKETCH_SIZE } from "./similarity";
import { random } from "./testing";

const words = (count: number, from = 0): string[] => Array.from({ length: count }, (_, i) => `w${from + i}`);

describe("similarity", () => {
  it("is 1 for the same text, whatever its white space", () => {
    assert.equal(similarity(sketch("a = b + c;\nreturn a"), sketch("a=b  +\tc ;  return a")), 1);
    assert.equal(similarity(sketch(""), sketch("  \n")), 1);
  });

  it("is 0 for texts without a common shingle", () => {
    assert.equal(similarity(sketch(words(500).join(" ")), sketch(words(500, 1000).join(" "))), 0);
    assert.equal(similarity(sketch("a"), sketch("")), 0);
  });

  it("is exact for small texts", () => {
    // Shingles of four: {abcd, bcde} and {abcd, bcdf}.
    assert.equal(similarity(sketch("a b c d e"), sketch("a b c d f")), 1 / 3);
  });

  it("keeps sketches small and sorted", () => {
    const hashes = sketch(words(5000).join(" "));
    assert.equal(hashes.length, SKETCH_SIZE);
    assert.ok(hashes.every((hash, i) => i === 0 || hashes[i - 1]! < hash));
  });

  it("estimates Jaccard similarity within four standard errors", () => {
    const next = random(5);
    for (let round = 0; round < 10; round++) {
      const common = 200 + Math.floor(next() * 3000);
      const own = 1 + Math.floor(next() * 2000);
      const base = round * 20000;
      const a = [...words(common, base), ...words(own, base + 8000)].join(" ");
      const b = [...words(common, base), ...words(own, base + 14000)].join(" ");
      // Shingles wholly inside the common part are common; every other one is unique.
      const truth = (common - 3) / (common - 3 + 2 * own);
      const error = Math.sqrt((truth * (1 - truth)) / SKETCH_SIZE);
      assert.ok(Math.abs(similarity(sketch(a), sketch(b)) - truth) <= 4 * error + 1e-9, `${truth}`);
    }
  });
});
