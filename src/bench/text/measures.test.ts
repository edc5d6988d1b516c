import assert from "node:assert/strict";
import { measure, type Measured } from "./measures";

const NO_SYNTAX = { reads: (): boolean => false, parse: (): undefined => undefined };
const MIDDLE = "const b = g(a);\nreturn a + b;";

const judge = (text: string, middle = MIDDLE): Measured =>
  measure(
    { text, replaced: 0 },
    { prefix: "const a = f();\n", suffix: "\n", middle, language: "typescript" },
    NO_SYNTAX,
  );

describe("measure", () => {
  it("knows the middle, whatever white space follows it", () => {
    const { empty, firstLine, whole, right, similarity, lines } = judge(`${MIDDLE}\n`);
    assert.deepEqual([empty, firstLine, whole, right, similarity, lines], [0, 1, 1, 1, 1, 2]);
  });

  it("tells a right beginning in whole lines from a part of a line and from more than there was", () => {
    const of = (text: string): readonly number[] => {
      const { firstLine, whole, right } = judge(text);
      return [firstLine, whole, right];
    };
    assert.deepEqual(of("const b = g(a);"), [1, 0, 1]);
    assert.deepEqual(of("const b = g("), [0, 0, 0]);
    assert.deepEqual(of(`${MIDDLE}\nmore();`), [1, 0, 0]);
    assert.deepEqual(of("const b = g(a);\nreturn 0;"), [1, 0, 0]);
  });

  it("gives nothing for nothing, also where little was wanted", () => {
    for (const text of ["", "\n  "]) {
      const measured = judge(text);
      assert.deepEqual([measured.empty, measured.firstLine, measured.right, measured.lines], [1, 0, 0, 0]);
      assert.equal(measured.unwanted, undefined);
    }
  });

  it("compares first lines apart from the rest", () => {
    const measured = judge("const b = g(x);\nif (a) {\n  b();\n}");
    assert.equal(measured.firstLineSimilarity, 14 / 15);
    assert.ok(measured.similarity < 0.7);
  });

  it("looks for what nobody wants in what is shown", () => {
    assert.equal(judge("const a = f();").unwanted!.duplicated, 1);
    assert.equal(judge("const b = g((a);").unwanted!.unbalanced, true);
    assert.equal(judge(MIDDLE).unwanted!.unbalanced, false);
  });

  it("counts closers that are replaced as what was wanted", () => {
    const asked = { prefix: "f(", middle: "a, b", suffix: ");\nnext();\n", language: "typescript" };
    for (const shown of [
      { text: "a, b", replaced: 0 },
      { text: "a, b);", replaced: 2 },
    ]) {
      const { firstLine, whole, right, unwanted } = measure(shown, asked, NO_SYNTAX);
      assert.deepEqual([firstLine, whole, right, unwanted!.unbalanced], [1, 1, 1, false]);
    }
    const twice = measure({ text: "a, b);", replaced: 0 }, asked, NO_SYNTAX);
    assert.deepEqual([twice.whole, twice.unwanted!.unbalanced], [0, true]);
  });
});
