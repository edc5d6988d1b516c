import assert from "node:assert/strict";
import { heal } from "./healing";

describe("heal", () => {
  for (const [text, piece] of [
    ["const a = ret", " ret"],
    ["const a = ", " "],
    ["const a =", " ="],
    ["foo.ba", "ba"],
    ["foo.", "."],
    ["foo(a, b) =", " ="],
    ["if (a) {\n    ret", " {\n    ret"],
    ["return x;\n    ", ";\n    "],
    ["return x\n", "\n"],
    ["\n\n    x", "\n\n    x"],
    ["    x", "    x"],
    ["größe", "größe"],
    ["", ""],
  ] as const) {
    it(`takes ${JSON.stringify(piece)} from ${JSON.stringify(text)}`, () => {
      assert.deepEqual(heal(text), { stable: text.slice(0, text.length - piece.length), piece });
    });
  }

  it("leaves a very long word alone", () => {
    const text = `x ${"a".repeat(200)}`;
    assert.deepEqual(heal(text), { stable: text, piece: "" });
  });

  it("never cuts a surrogate pair", () => {
    for (let n = 1; n < 80; n++) {
      const { stable } = heal(`a ${"😀".repeat(n)}`);
      assert.doesNotMatch(stable, /[\ud800-\udbff]$/);
    }
  });
});
