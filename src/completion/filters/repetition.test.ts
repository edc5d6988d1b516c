import assert from "node:assert/strict";
import { at } from "../testing";
import { repetition } from "./repetition";

describe("repetition", () => {
  const here = at("│");
  it("cuts a loop after its first round", () => {
    assert.equal(repetition("a();\nb();\nb();\nb();\nb();", here), "a();\nb();");
    assert.equal(repetition("a\nb\nc\nb\nc\nb\nc", here), "a\nb\nc");
  });
  it("keeps what comes twice, and closers", () => {
    assert.equal(repetition("a();\na();\nc", here), "a();\na();\nc");
    assert.equal(repetition("}\n}\n}\n", here), "}\n}\n}\n");
  });
  it("cuts a loop within a line that only the limit of tokens has ended", () => {
    const loop = "a(0, 1, 1, 1, 1, 1, 1, 1, 1,";
    assert.equal(repetition(loop, { ...here, truncated: true }), "a(0, 1");
    assert.equal(repetition(loop, here), loop);
    assert.equal(repetition("a(0, 1", { ...here, truncated: true }), "a(0, 1");
    assert.equal(repetition("// ----------------", { ...here, truncated: true }), "// ----------------");
  });
});
