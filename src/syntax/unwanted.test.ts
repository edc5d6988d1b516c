import assert from "node:assert/strict";
import path from "node:path";
import { grammarFolder } from "./folder";
import { SyntaxParser } from "./parser";
import { unwantedIn, unwantedRates, type Unwanted } from "../completion/unwanted";

describe("unwantedIn", () => {
  let syntax: SyntaxParser;
  before(async () => {
    syntax = new SyntaxParser(grammarFolder(path.resolve(import.meta.dirname, "../..")));
    await syntax.load("typescript");
  });
  after(() => syntax.dispose());

  /** `│original│` is what stood there. */
  const judge = (text: string, suggestion: string, language = "typescript"): Unwanted => {
    const [prefix, original, suffix] = text.split("│") as [string, string, string];
    return unwantedIn({ prefix, original, suffix, text: suggestion, language }, syntax);
  };
  const CODE = "const a = f(1);\n│const b = g(2);│\nreturn a + b;\n";

  it("finds nothing in what is right, and in another thing that would be", () => {
    const nothing = { lines: 1, duplicated: 0, unbalanced: false, rejected: false };
    assert.deepEqual(judge(CODE, "const b = g(2);"), nothing);
    assert.deepEqual(judge(CODE, "const c = h([3]);"), nothing);
  });
  it("counts copies of the lines above, below, and within", () => {
    assert.equal(judge(CODE, "const a = f(1);").duplicated, 1);
    assert.equal(judge(CODE, "return a + b;").duplicated, 1);
    assert.deepEqual(judge(CODE, "foo();\nfoo();\n\nfoo();\nbar();"), {
      lines: 4,
      duplicated: 2,
      unbalanced: false,
      rejected: false,
    });
    assert.equal(judge("foo();│\nbar();│\n", "\nfoo();").duplicated, 1);
    assert.equal(judge("foo();│\nbar();│\n", "\nbar();").duplicated, 0);
    assert.equal(judge("  }\n│}│\n", "}").lines, 0);
  });
  it("sees brackets without a partner", () => {
    assert.equal(judge(CODE, "const b = g(2;").unbalanced, true);
    assert.equal(judge(CODE, "const b = g(2));").unbalanced, true);
    assert.equal(judge(CODE, "const b = ')';").unbalanced, false);
  });
  it("asks the parser where it accepts the original", () => {
    assert.equal(judge(CODE, "const b = g(2;\nc = [1)").rejected, true);
    assert.equal(judge("const = ;\n│a();│\n", "b();").rejected, undefined);
    assert.equal(judge(CODE, "anything", "cobol").rejected, undefined);
  });
  it("sums up", () => {
    const rates = unwantedRates([
      { lines: 3, duplicated: 1, unbalanced: true, rejected: true },
      { lines: 1, duplicated: 0, unbalanced: false, rejected: false },
      { lines: 0, duplicated: 0, unbalanced: false, rejected: undefined },
    ]);
    assert.deepEqual(rates, {
      suggestions: 3,
      duplicatedLines: 1 / 4,
      unbalanced: 1 / 3,
      rejected: 1 / 2,
      parsed: 2,
    });
    assert.equal(unwantedRates([]).duplicatedLines, undefined);
  });
});
