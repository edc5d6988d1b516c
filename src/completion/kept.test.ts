import assert from "node:assert/strict";
import { Kept } from "./kept";

describe("Kept", () => {
  const after = (...changes: [offset: number, removed: number, text: string][]): number => {
    const kept = new Kept("a", 10, 5); // 10..15
    changes.forEach(([offset, removed, text]) => kept.changed({ document: "a", offset, removed, text }));
    return kept.characters;
  };
  it("is all of it while nothing happens, or happens elsewhere", () => {
    assert.equal(after(), 5);
    assert.equal(after([0, 2, "abc"], [30, 3, ""]), 5);
    const kept = new Kept("a", 10, 5);
    kept.changed({ document: "b", offset: 0, removed: 100, text: "" });
    assert.equal(kept.characters, 5);
  });
  it("loses what is removed or replaced", () => {
    assert.equal(after([10, 5, ""]), 0);
    assert.equal(after([12, 1, "xyz"]), 4);
    assert.equal(after([8, 4, ""]), 3);
    assert.equal(after([14, 9, "x"]), 4);
    assert.equal(after([0, 100, "all of it"]), 0);
  });
  it("neither gains nor loses by what is typed into it", () => {
    assert.equal(after([12, 0, "xyz"]), 5);
    assert.equal(after([10, 0, "x"], [16, 0, "y"]), 5);
  });
  it("moves along", () => {
    assert.equal(after([0, 0, "1234"], [14, 5, ""]), 0);
    assert.equal(after([12, 0, "xyz"], [12, 3, ""], [10, 5, ""]), 0);
  });
  it("is not hit by what is removed between its parts", () => {
    assert.equal(after([12, 0, "xyz"], [12, 3, ""]), 5);
  });
});
