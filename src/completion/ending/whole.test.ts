import assert from "node:assert/strict";
import { isFragment, wholePart } from "./whole";

/** `│broken off│` → what is whole of it. */
const CASES: readonly (readonly [language: string, text: string, whole: string])[] = [
  [
    "python",
    "def add_item(self, │cart_id: str, product_id: int):\n    try:│\n",
    "cart_id: str, product_id: int):",
  ],
  ["python", "def add(self, │a, b):\n    self.a = a\n    self.b│", "a, b):"],
  ["python", "def f(self):\n    │self.a = a\n    self.b = b\n    if self.│", "self.a = a\n    self.b = b"],
  ["python", "    if │a:\n        return 1\n    return 2\n    for x in│", "a:\n        return 1"],
  ["python", "x = │foo(1,\n    2│", ""],
  ["javascript", "│const lines│\n", ""],
  ["javascript", "const x = │a +\n  b│\n", ""],
  ["javascript", "  remove│Item(id) {\n    const at = this.it│\n", "Item(id) {"],
  ["javascript", "  │a();\n  b();\n  const c│\n", "a();\n  b();"],
  ["javascript", "items.map(│(x) => {\n  return│\n", ""],
  ["javascript", "const x = │{\n  a: 1,\n  b│\n", "{"],
  ["go", "\tif err != nil {│\n\t\treturn nil, err\n\t}\n\tdefer rows.Cl│\n", "\n\t\treturn nil, err\n\t}"],
  ["go", "\t│rows, err := db.Query(│\n", ""],
];

describe("what is whole of a completion that was broken off", () => {
  for (const [language, text, whole] of CASES) {
    it(JSON.stringify(text), () => {
      const [prefix, broken, suffix] = text.split("│") as [string, string, string];
      const part = broken.slice(0, wholePart({ prefix, suffix, language }, broken));
      assert.equal(part, whole);
    });
  }
});

/** `│offered│` and whether it is a fragment. */
const OFFERS: readonly (readonly [language: string, text: string, fragment: boolean])[] = [
  ["python", "def f(│a, b):\n    try:│\n", true],
  ["python", "def f(│a, b):│\n    pass\n", false],
  ["python", "    if │a:\n        return 1│\n", false],
  ["javascript", "│const x =│\n", true],
  ["javascript", "const x = │foo(a, b│);\n", false],
  ["javascript", "const x = │foo(a, b│\n", true],
  ["javascript", "const x = foo(│a, bar(b)│);\n", false],
  ["javascript", "function f() │{│\n}\n", true],
  ["javascript", "function f() │{│\n  return 1;\n}\n", false],
];

describe("a fragment", () => {
  for (const [language, text, fragment] of OFFERS) {
    it(`${fragment ? "is" : "is not"} ${JSON.stringify(text)}`, () => {
      const [prefix, offered, suffix] = text.split("│") as [string, string, string];
      assert.equal(isFragment({ prefix, suffix, language }, offered), fragment);
    });
  }
});
