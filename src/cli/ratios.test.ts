import assert from "node:assert/strict";
import { parseRatios } from "./ratios";

describe("parseRatios", () => {
  it("reads a share, or how it is divided", () => {
    assert.equal(parseRatios("0.4"), 0.4);
    assert.deepEqual(parseRatios("0.7:0.35"), { staticRatio: 0.7, dynamicRatio: 0.35 });
  });

  it("refuses anything else", () => {
    for (const word of ["", "0", "1.1", "x", "0.7:", ":0.3", "0.7:0", "0.7:2", "0.7:0.3:0.1", "0.7:x"]) {
      assert.equal(parseRatios(word), undefined, word);
    }
  });
});
