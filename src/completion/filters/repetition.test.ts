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
});
