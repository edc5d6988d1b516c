import assert from "node:assert/strict";
import { whyAutoIsDense } from "./autoSparsity";

describe("whyAutoIsDense", () => {
  it("is that the model is too small, where its FFN fits into a cache", () => {
    assert.match(whyAutoIsDense({ ffnBytes: 6.3e6 })!, /^Runs dense: this model is too small to gain\./);
    assert.equal(whyAutoIsDense({ ffnBytes: 178e6 }), undefined);
  });
});
