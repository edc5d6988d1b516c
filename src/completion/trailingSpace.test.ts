import assert from "node:assert/strict";
import { afterTrailingSpace, withoutTrailingSpace } from "./trailingSpace";

describe("trailing space", () => {
  it("is left for the model to write", () => {
    const healed = withoutTrailingSpace("const a = ");
    assert.deepEqual(healed, { prefix: "const a =", spaces: " " });
    assert.equal(afterTrailingSpace(" 1;\n b", healed), "1;\n b");
    assert.equal(afterTrailingSpace("1;", healed), "1;");
  });
  it("says that the line goes on", () => {
    const healed = withoutTrailingSpace("const a = ");
    assert.equal(afterTrailingSpace("\n  b", healed), "");
    assert.equal(afterTrailingSpace(" \r\n  b", healed), "");
  });
  it("is not indentation", () => {
    for (const prefix of ["", "    ", "a\n    ", "a", "a\n"]) {
      const healed = withoutTrailingSpace(prefix);
      assert.deepEqual(healed, { prefix, spaces: "" });
      assert.equal(afterTrailingSpace("\n  b", healed), "\n  b");
    }
  });
});
