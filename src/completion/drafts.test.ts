import assert from "node:assert/strict";
import { draft } from "./drafts";

const cheap = { cost: 0.05, maxTokens: 3 };

describe("draft", () => {
  it("is what followed the last tokens before", () => {
    assert.deepEqual(draft([1, 2, 3, 4, 5, 6, 1, 2], cheap), [3, 4, 5]);
  });

  it("prefers the longest agreement, then the latest", () => {
    assert.deepEqual(draft([9, 1, 2, 7, 8, 1, 2, 5, 9, 1, 2], cheap), [7, 8, 1]);
    assert.deepEqual(draft([1, 2, 7, 1, 2, 8, 1, 2], cheap), [8, 1, 2]);
  });

  it("is nothing where nothing agrees", () => {
    assert.deepEqual(draft([1, 2, 3, 4], cheap), []);
    assert.deepEqual(draft([], cheap), []);
    assert.deepEqual(draft([1], cheap), []);
  });

  it("repeats a repetition, as far as it is known", () => {
    assert.deepEqual(draft([1, 1, 1], cheap), [1]);
    assert.deepEqual(draft([1, 2, 1, 2], cheap), [1, 2]);
  });

  it("is as long as it is likely enough for what it costs", () => {
    const tokens = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0, 1];
    assert.deepEqual(draft(tokens, { cost: 0.15, maxTokens: 8 }), [2]); // one token agrees: 0.35, then 0.19
    assert.deepEqual(draft(tokens, { cost: 0.2, maxTokens: 8 }), []);
    const surer = [...tokens, 2, 3, 4, 5];
    assert.deepEqual(draft(surer, { cost: 0.15, maxTokens: 8 }), [6, 7, 8, 9, 10, 11, 12, 0]);
    assert.deepEqual(draft(surer, { cost: 0.3, maxTokens: 8 }), [6, 7]);
    assert.deepEqual(draft(surer, { cost: 0.63, maxTokens: 8 }), []); // columns that cost almost as much as the first
  });

  it("is shorter where the places disagree", () => {
    const limits = { cost: 0.1, maxTokens: 4 };
    assert.equal(draft([1, 2, 7, 7, 1, 2, 7, 5, 1, 2], limits).length, 3);
    assert.equal(draft([1, 2, 7, 7, 1, 2, 8, 5, 1, 2], limits).length, 1);
  });
});
