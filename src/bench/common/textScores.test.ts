import assert from "node:assert/strict";
import { bleu, editSimilarity, textScores } from "./textScores";

describe("text scores", () => {
  it("are 1 for the same text, white space at the end aside", () => {
    assert.deepEqual(textScores("return a + b;\n", "return a + b;"), { exact: 1, similarity: 1, bleu: 1 });
  });
  it("count edits", () => {
    assert.equal(editSimilarity("kitten", "sitting"), 1 - 3 / 7);
    assert.equal(editSimilarity("", "abc"), 0);
    assert.equal(editSimilarity("", ""), 1);
  });
  it("compute BLEU with smoothed higher orders", () => {
    // Words 4 of 5, pairs (2+1) of (4+1), triples (1+1) of (3+1), fours (0+1) of (2+1).
    const expected = ((4 / 5) * (3 / 5) * (2 / 4) * (1 / 3)) ** (1 / 4);
    assert.ok(Math.abs(bleu("a b c x d", "a b c d e") - expected) < 1e-12);
  });
  it("punish what is too short", () => {
    assert.ok(Math.abs(bleu("a b c d", "a b c d e f g h") - Math.exp(1 - 8 / 4)) < 1e-12);
    assert.equal(bleu("", "a"), 0);
  });
});
