import assert from "node:assert/strict";
import { at } from "../testing";
import { repeatedLine } from "./repeatedLine";

describe("repeatedLine", () => {
  it("drops a copy of the line above or below", () => {
    assert.equal(repeatedLine("import a", at("import a\n│")), "");
    assert.equal(repeatedLine("ort a", at("imp│\n\nimport a\n")), "");
  });
  it("drops several lines that stand above already", () => {
    assert.equal(repeatedLine("add();\nsub();", at("add();\nsub();\n│")), "");
    assert.equal(repeatedLine("add();\nmul();", at("add();\nsub();\n│")), "add();\nmul();");
  });
  it("keeps more than a copy of one line", () => {
    assert.equal(repeatedLine("with a:\n  c()", at("with a:\n  b()\n│\nwith a:\n")), "with a:\n  c()");
  });
  it("keeps closers, which repeat rightly", () => assert.equal(repeatedLine("}", at("  }\n│")), "}"));
  it("keeps another line, and one that goes on to the right", () => {
    assert.equal(repeatedLine("import b", at("import a\n│")), "import b");
    assert.equal(repeatedLine("a", at("f(a)\nf(│)")), "a");
  });
});
