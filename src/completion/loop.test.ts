import assert from "node:assert/strict";
import { beforeLoop } from "./loop";

describe("beforeLoop", () => {
  const cut = (text: string): string | undefined => beforeLoop(text, 3, 16);

  it("ends where the code is whole before it repeats itself", () => {
    assert.equal(cut("f(0, 1, 1, 1, 1, 1, 1, 1,"), "f(0, 1");
    assert.equal(cut("a + b + b + b + b + b +"), "a + b");
    assert.equal(cut("a.b.cd.cd.cd.cd.cd.cd"), "a.b.cd");
    assert.equal(cut("if (a and b and b and b and b"), "if (a and b");
  });
  it("looks at the last line alone", () => {
    assert.equal(cut("a();\nx = 1, 1, 1, 1, 1, 1, 1,"), "a();\nx = 1");
    assert.equal(cut("1, 1, 1, 1, 1, 1, 1, 1,\n1"), undefined);
  });
  it("wants evidence", () => {
    assert.equal(cut("f(1, 1, 1"), undefined);
    assert.equal(cut("f(a, b, c, d, e, f, g)"), undefined);
  });
  it("leaves rules and indentations alone, but not white space without end", () => {
    assert.equal(cut(`// ${"-".repeat(40)}`), undefined);
    assert.equal(cut(`a${" ".repeat(80)}`), "a");
    assert.equal(cut(" ".repeat(40)), undefined);
  });
});
