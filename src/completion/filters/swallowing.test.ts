import assert from "node:assert/strict";
import { at } from "../testing";
import { swallowing } from "./swallowing";

describe("swallowing", () => {
  const left = (text: string, raw: string, language: string): string =>
    swallowing(raw, { ...at(text), language });

  it("cuts a comment that would swallow brackets or another comment", () => {
    assert.equal(left("f(│)", "a  # first", "python"), "a");
    assert.equal(left("x = │  # type: ignore", "1  # one", "python"), "1");
    assert.equal(left("f(│);", "a // first", "typescript"), "a");
  });
  it("leaves comments alone that swallow nothing", () => {
    assert.equal(left("x = │", "1  # one", "python"), "1  # one");
    assert.equal(left("# see (│)", "a # b", "python"), "a # b");
    assert.equal(left("f(│)", "a)  # first", "python"), "a)  # first");
    assert.equal(left("x = │  # one", "1  # one", "python"), "1  # one");
  });
});
