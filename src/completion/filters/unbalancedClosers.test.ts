import assert from "node:assert/strict";
import { at, placeAt } from "../testing";
import { unbalancedClosers } from "./unbalancedClosers";

describe("unbalancedClosers", () => {
  it("cuts before a closer that closes nothing", () => {
    assert.equal(unbalancedClosers("a);", at("x = │\n")), "a");
    assert.equal(unbalancedClosers("b();\n}\n}", at("f() {\n  │\n}\n")), "b();");
  });
  it("keeps closers that are needed", () => {
    assert.equal(unbalancedClosers("b();\n}", at("f() {\n  │\n")), "b();\n}");
    assert.equal(unbalancedClosers("a, b)", at("f(│")), "a, b)");
    assert.equal(unbalancedClosers("if (x) {\n  y();\n}", at("│")), "if (x) {\n  y();\n}");
  });
  it("keeps closers that replace those of the editor", () => {
    assert.equal(unbalancedClosers("a, b);", at("f(│)")), "a, b);");
    assert.equal(unbalancedClosers("1])", at("f([│])")), "1])");
  });
  it("cuts before those that cannot replace what is there, for the blank before it", () => {
    assert.equal(unbalancedClosers("a)", at("f( │ )")), "a");
  });
  it("keeps closers that code below only seems to close, as long as the line is not finished", () => {
    const place = placeAt('x=${a#│\ngo() {\n  echo "$1"\n}\n', "shellscript");
    assert.equal(unbalancedClosers('b} && f "$c"', place), 'b} && f "$c"');
  });
  it("does not count brackets in strings", () => {
    assert.equal(unbalancedClosers("':)' + b", at("x = │")), "':)' + b");
    assert.equal(unbalancedClosers("a)", at('f(")", │')), "a)");
  });
  it("keeps its hands off when it sees only a part of the file", () => {
    assert.equal(unbalancedClosers("}", at(`${"x;\n".repeat(2_000)}│`)), "}");
  });
});
