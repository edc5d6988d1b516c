import assert from "node:assert/strict";
import { at } from "../testing";
import { suffixOverlap } from "./suffixOverlap";

describe("suffixOverlap", () => {
  it("cuts lines that stand below already", () => {
    assert.equal(suffixOverlap("a();\n  b();\n}", at("f() {\n  │\n}\n")), "a();\n  b();");
    assert.equal(suffixOverlap("a();\n  return b;\n}", at("f() {\n  │\n\n  return b;\n}\n")), "a();");
  });
  it("keeps a closer of another indentation", () => {
    assert.equal(suffixOverlap("if (a) {\n    b();\n  }", at("f() {\n  │\n}\n")), "if (a) {\n    b();\n  }");
  });
  it("keeps single lines and text that only looks alike", () => {
    assert.equal(suffixOverlap("}", at("f() {│\n}\n")), "}");
    assert.equal(suffixOverlap("a();\n  b();", at("  │\n  bb();\n")), "a();\n  b();");
  });
  it("compares CRLF files by their lines", () => {
    assert.equal(suffixOverlap("a();\n}", at("f() {\r\n  │\r\n}\r\n")), "a();");
  });
});
