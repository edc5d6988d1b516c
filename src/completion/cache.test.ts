import assert from "node:assert/strict";
import { CompletionCache, type CacheKey } from "./cache";
import { at } from "./testing";

const key = (text: string, document = "a"): CacheKey => {
  const cursor = at(text);
  return { ...cursor, document, offset: cursor.prefix.length };
};

describe("CompletionCache", () => {
  const filled = (): CompletionCache => {
    const cache = new CompletionCache();
    cache.put(key("x = 1\ncall│\nend"), "(a, b)");
    return cache;
  };
  it("serves the same place", () => assert.equal(filled().get(key("x = 1\ncall│\nend")), "(a, b)"));
  it("serves the rest while one types along", () => {
    assert.equal(filled().get(key("x = 1\ncall(a│\nend")), ", b)");
  });
  it("serves the rest when the editor has closed the bracket", () => {
    assert.equal(filled().get(key("x = 1\ncall(│)\nend")), "a, b)");
  });
  it("serves the rest at the end of a file, with a closer", () => {
    const cache = new CompletionCache();
    cache.put(key("call│"), "(a)");
    assert.equal(cache.get(key("call(│)")), "a)");
  });
  it("has nothing after another key", () => assert.equal(filled().get(key("x = 1\ncall[│\nend")), undefined));
  it("has nothing once the text before or after has changed", () => {
    assert.equal(filled().get(key("x = 2\ncall│\nend")), undefined);
    assert.equal(filled().get(key("x = 1\ncall│\nEnd")), undefined);
  });
  it("has nothing for another document", () =>
    assert.equal(filled().get(key("x = 1\ncall│\nend", "b")), undefined));
  it("has nothing when everything has been typed: it may go on", () => {
    assert.equal(filled().get(key("x = 1\ncall(a, b)│\nend")), undefined);
  });
  it("remembers that there was nothing to say", () => {
    const cache = new CompletionCache();
    cache.put(key("done;│"), "");
    assert.equal(cache.get(key("done;│")), "");
  });
  it("prefers the newest answer", () => {
    const cache = filled();
    cache.put(key("x = 1\ncall│\nend"), "(c)");
    assert.equal(cache.get(key("x = 1\ncall│\nend")), "(c)");
  });
  it("forgets a document, and everything", () => {
    const cache = filled();
    cache.put(key("b│", "b"), "c");
    cache.forget("a");
    assert.equal(cache.get(key("x = 1\ncall│\nend")), undefined);
    assert.equal(cache.get(key("b│", "b")), "c");
    cache.forget();
    assert.equal(cache.get(key("b│", "b")), undefined);
  });
  it("drops the least recently used beyond its capacity", () => {
    const cache = new CompletionCache(2);
    cache.put(key("one│"), "1");
    cache.put(key("two│"), "2");
    cache.get(key("one│"));
    cache.put(key("three│"), "3");
    assert.equal(cache.get(key("two│")), undefined);
    assert.equal(cache.get(key("one│")), "1");
  });
});
