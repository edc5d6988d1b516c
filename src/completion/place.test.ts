import assert from "node:assert/strict";
import { placeAfter, typedSince } from "./place";
import { placeAt } from "./testing";

describe("typedSince", () => {
  const from = placeAt("x = 1\ncall│\nend");
  const typed = (text: string): string | undefined => typedSince(from, placeAt(text));
  it("is what has been typed", () => {
    assert.equal(typed("x = 1\ncall│\nend"), "");
    assert.equal(typed("x = 1\ncall(a│\nend"), "(a");
  });
  it("takes no notice of closers that the editor puts in", () => {
    assert.equal(typed("x = 1\ncall(│)\nend"), "(");
    assert.equal(typedSince(placeAt("call│"), placeAt("call(│)")), "(");
  });
  it("takes no notice of closers that are typed over", () => {
    assert.equal(typedSince(placeAt("call(│)\nend"), placeAt("call(a)│\nend")), "a)");
  });
  it("is nothing elsewhere, or after another change", () => {
    assert.equal(typed("x = 2\ncall(│\nend"), undefined);
    assert.equal(typed("x = 1\ncall(│\nEnd"), undefined);
    assert.equal(typed("x = 1\ncal│l\nend"), undefined);
    assert.equal(typedSince(from, placeAt("x = 1\ncall(│\nend", "typescript", "b")), undefined);
  });
  it("does not confuse long suffixes that begin alike", () => {
    const long = "y".repeat(300);
    assert.equal(typedSince(placeAt(`a│${long}`), placeAt(`ab│${long}`)), "b");
    assert.equal(typedSince(placeAt(`a│${long}`), placeAt(`ab│z${long}`)), undefined);
  });
  it("goes along with an inserted text", () => {
    const after = placeAfter(placeAt("f(│)\nend"), "a)", 1);
    assert.deepEqual(after, { ...placeAt("f(a)│\nend") });
  });
});
