import assert from "node:assert/strict";
import { ANCHOR_LIMITS } from "./anchor";
import { leadLinesFor } from "./leadLines";

describe("leadLinesFor", () => {
  it("gives small models some lines after the middle token, large ones the cursor's only", () => {
    assert.equal(leadLinesFor(9e6), ANCHOR_LIMITS.leadLines);
    assert.equal(leadLinesFor(100e6), ANCHOR_LIMITS.leadLines);
    for (const parameters of [494e6, 1.5e9, 7e9]) {
      assert.equal(leadLinesFor(parameters), 0);
    }
  });
});
