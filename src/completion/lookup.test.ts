import assert from "node:assert/strict";
import { lookup } from "./lookup";

const options = { minMatch: 2, maxMatch: 4, maxDraft: 3 };

describe("lookup", () => {
  it("drafts what followed the last tokens before", () => {
    assert.deepEqual(lookup([1, 2, 3, 4, 5, 6, 1, 2], options), [3, 4, 5]);
  });

  it("prefers the longest agreement, then the latest", () => {
    assert.deepEqual(lookup([9, 1, 2, 7, 8, 1, 2, 5, 9, 1, 2], options), [7, 8, 1]);
    assert.deepEqual(lookup([1, 2, 7, 1, 2, 8, 1, 2], options), [8, 1, 2]);
  });

  it("drafts nothing without enough agreement", () => {
    assert.deepEqual(lookup([1, 2, 3, 4, 2], options), []);
    assert.deepEqual(lookup([], options), []);
    assert.deepEqual(lookup([1], options), []);
  });

  it("drafts a repetition from itself, as far as it is known", () => {
    assert.deepEqual(lookup([1, 1, 1], options), [1]);
    assert.deepEqual(lookup([1, 2, 1, 2], options), [1, 2]);
  });
});
