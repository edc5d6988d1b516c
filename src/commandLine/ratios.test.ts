import assert from "node:assert/strict";
import { parseRatio } from "./ratios";

describe("parseRatio", () => {
  it("reads a share", () => {
    assert.equal(parseRatio("0.4"), 0.4);
    assert.equal(parseRatio("1"), 1);
  });

  it("refuses anything else", () => {
    for (const word of ["", " ", "0", "-0.1", "1.1", "x", "0.7:0.35", "NaN"]) {
      assert.equal(parseRatio(word), undefined, word);
    }
  });
});
