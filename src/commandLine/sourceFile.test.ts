import assert from "node:assert/strict";
import { UsageError } from "./errors";
import { parseLocation, splitAt } from "./sourceFile";

const at = (text: string, line: number, column: number): string => {
  const { prefix, suffix } = splitAt(text, { path: "f", line, column });
  assert.equal(prefix + suffix, text);
  return `${prefix}│${suffix}`;
};

describe("positions in files", () => {
  it("are split from the file's name at the last two colons", () => {
    assert.deepEqual(parseLocation("src/a.ts:12:3"), { path: "src/a.ts", line: 12, column: 3 });
    assert.deepEqual(parseLocation("C:\\a.ts:1:2"), { path: "C:\\a.ts", line: 1, column: 2 });
    assert.equal(parseLocation("src/a.ts"), undefined);
    assert.equal(parseLocation("src/a.ts:12"), undefined);
    assert.equal(parseLocation(":1:1"), undefined);
  });

  it("are counted from one, to the end of the line", () => {
    assert.equal(at("ab\ncd\n", 1, 1), "│ab\ncd\n");
    assert.equal(at("ab\ncd\n", 2, 3), "ab\ncd│\n");
    assert.equal(at("ab\ncd\n", 3, 1), "ab\ncd\n│");
    assert.equal(at("ab", 1, 3), "ab│");
  });

  it("end before a carriage return", () => {
    assert.equal(at("ab\r\ncd", 1, 3), "ab│\r\ncd");
    assert.throws(() => at("ab\r\ncd", 1, 4), UsageError);
  });

  it("must be in the file", () => {
    for (const [line, column] of [
      [0, 1],
      [1, 0],
      [3, 1],
      [1, 4],
    ] as const) {
      assert.throws(() => at("ab\ncd", line, column), UsageError);
    }
  });

  it("must not be inside a surrogate pair", () => {
    assert.equal(at("a😀b", 1, 2), "a│😀b");
    assert.throws(() => at("a😀b", 1, 3), UsageError);
    assert.equal(at("a😀b", 1, 4), "a😀│b");
  });
});
