import assert from "node:assert/strict";
import { usefulThreads } from "./threads";

describe("usefulThreads", () => {
  it("keeps a small model on one core", () => {
    assert.equal(usefulThreads(10e6, 8), 1);
  });

  it("gives a large one what it may have", () => {
    assert.equal(usefulThreads(1e9, 6), 6);
    assert.equal(usefulThreads(1e9, 1), 1);
  });
});
