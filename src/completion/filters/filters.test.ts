import assert from "node:assert/strict";
import { at } from "../testing";
import { applyFilters } from "./index";

describe("applyFilters", () => {
  /** Right completions that no filter may touch. */
  const golden: [text: string, completion: string][] = [
    ["for (const x of xs) {│", "\n  total += x;\n}"],
    ["const a = [│];", "1, 2, 3"],
    ["def f(x):\n    │", "return x + 1"],
    ["if (a) {\n  b();\n}│\n", " else {\n  c();\n}"],
    ["  x.push(│);\n  x.push(2);", "1"],
    ["const s = '│'", "it\\'s :)"],
    ['match = re.search(r"│")', "\\((\\d+)\\)"],
    ["export function g() {\n  return {\n    a: 1,\n    │\n  };\n}\n", "b: [2, 3],\n    c: f(4),"],
    ["\t│\r\n", "return a;"],
  ];
  for (const [text, completion] of golden) {
    it(`leaves ${JSON.stringify(completion)} alone`, () =>
      assert.equal(applyFilters(completion, at(text)), completion));
  }
  it("is idempotent", () => {
    const cursor = at("f() {\n  │\n}\n");
    const once = applyFilters("a();\na();\na();\n}\n ", cursor);
    assert.equal(applyFilters(once, cursor), once);
  });
  it("says nothing rather than white space", () => assert.equal(applyFilters("\n\n", at("│")), ""));
});
