import assert from "node:assert/strict";
import { globToRegExp, matchesAny } from "./glob";

describe("globs", () => {
  const cases: [glob: string, path: string, matches: boolean][] = [
    ["*.min.js", "/a/b/x.min.js", true],
    ["*.min.js", "/a/b/x.js", false],
    ["**/node_modules/**", "/a/node_modules/b/c.js", true],
    ["**/node_modules/**", "node_modules/c.js", true],
    ["**/node_modules/**", "/a/node_modulesx/c.js", false],
    ["src/*.ts", "/src/a.ts", true],
    ["src/*.ts", "/src/a/b.ts", false],
    ["*.{ts,js}", "C:\\x\\a.JS", true],
    ["file?.py", "/file1.py", true],
    ["a+(b).ts", "/a+(b).ts", true],
    ["{odd", "/{odd", true],
    ["[x].ts", "/x.ts", false],
  ];
  for (const [glob, path, matches] of cases) {
    it(`${glob} ${matches ? "matches" : "does not match"} ${path}`, () =>
      assert.equal(matchesAny(path, [glob]), matches));
  }
  it("takes any text for a pattern", () => {
    for (const odd of ["", "}{", "{,}", "((", "\\", "**", "{a{b}c}"]) {
      assert.ok(globToRegExp(odd) instanceof RegExp);
    }
  });
});
