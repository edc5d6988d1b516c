import assert from "node:assert/strict";
import { completed } from "../testing";
import { mended } from "./mend";

/** `│generated│` → what is left of it by counting brackets alone. */
function check(text: string, expected: string, language = "typescript"): void {
  const left = completed(text, (generated, cursor) =>
    mended(generated, { ...cursor, document: "a", language, offset: cursor.prefix.length }, undefined),
  );
  assert.equal(left, expected);
}

describe("mended, without a parser", () => {
  const CASES: Readonly<Record<string, readonly [before: string, after: string, language?: string]>> = {
    "leaves what is balanced": ["f() {\n  │a(b);│\n}\n", "f() {\n  │a(b);│\n}\n"],
    "closes what the completion opens": ["a();\n│b(c, [d│\ne();\n", "a();\n│b(c, [d]);│\ne();\n"],
    "closes what stands inside of what is closed below": [
      "f() {\n  a({\n    │b: [c│\n  });\n}\n",
      "f() {\n  a({\n    │b: [c]│\n  });\n}\n",
    ],
    "leaves open what is open above": [
      "f() {\n  if (a) {\n    │b();│\n\n  c();\n}\n",
      "f() {\n  if (a) {\n    │b();│\n\n  c();\n}\n",
    ],
    "does not close what goes on below": [
      "f() {\n  if (a) {\n    │b();│\n    c();\n",
      "f() {\n  if (a) {\n    │b();│\n    c();\n",
    ],
    "does not close anything where nothing follows": [
      "f() {\n  if (a) {\n    │b();│\n",
      "f() {\n  if (a) {\n    │b();│\n",
    ],
    "takes the editor's closers into account": ["a();\nb(│[c, d│)\ne();\n", "a();\nb(│[c, d]│)\ne();\n"],
    "leaves a text alone in which brackets mean something else": [
      "1) a\n2) b\n│3 (c│\n4) d\n",
      "1) a\n2) b\n│3 (c│\n4) d\n",
      "markdown",
    ],
    "closes what takes several lines": ["a()\n│b(c,\n  d│\ne()\n", "a()\n│b(c,\n  d)│\ne()\n", "lua"],
    "closes what begins a line of its own": [
      "a();\nb = │c {\n  d = 1,│\ne();\n",
      "a();\nb = │c {\n  d = 1,\n}│\ne();\n",
      "swift",
    ],
    "leaves what follows to the editor's bracket": ["a(│b), c(│)\nd()\n", "a(│b), c(│)\nd()\n", "lua"],
    "cuts what nothing closes": ["a(│b) + [c), d│)\ne()\n", "a(│b) + [c]│)\ne()\n", "lua"],
    "takes of a block whose lines are there the header alone": [
      "a();\nif (│b) {\n  c();│\n  d();\n}\n",
      "a();\nif (│b) {│\n  d();\n}\n",
      "php",
    ],
    "leaves the head of a block alone": ["a()\n│if (b) {│\nc()\n", "a()\n│if (b) {│\nc()\n", "php"],
    "leaves strings alone": ["a()\n│b('c (│\nd()\n", "a()\n│b('c (│\nd()\n"],
    "knows comments": ["a(); // (\n│b();│\nc();\n", "a(); // (\n│b();│\nc();\n"],
    "knows a language without a grammar": [
      "local a = 1\n│b(c, {d│\nlocal d = 2\n",
      "local a = 1\n│b(c, {d})│\nlocal d = 2\n",
      "lua",
    ],
  };
  for (const [name, [before, after, language]] of Object.entries(CASES)) {
    it(name, () => check(before, after, language));
    it(`${name}, and leaves that alone`, () => check(after, after, language));
  }
});
