import assert from "node:assert/strict";
import { readingOf } from "../lexical/reading";
import { whiteSpaceBeforeCloser } from "./whiteSpace";

/** What is kept of the white space `end` that a model wrote last. */
const kept = (language: string, text: string, end = " "): string => {
  const [prefix, written, suffix] = text.split("│") as [string, string, string];
  return whiteSpaceBeforeCloser(written, end, readingOf({ language, prefix, suffix }));
};

describe("whiteSpaceBeforeCloser", () => {
  for (const [language, text] of [
    ["latex", "\\( a \\) and \\( │b│\\)"],
    ["latex", "$ │b│$"],
    ["latex", "\\left\\{ │b│\\right."],
    ["latex", "a │= b│\\le c"],
    ["typescript", "/** │a│*/"],
    ["typescript", 'ask("│Name:│");'],
    ["typescript", "const a = │b│|| c;"],
    ["typescript", "const a = b ? │c│: d;"],
    ["go", "│a│:= b"],
    ["lua", "a = [[ │b│]]"],
    ["css", "a { color: │red│!important; }"],
    ["typescriptreact", "<A │b={c}│/>"],
  ] as const) {
    it(`keeps the blank in ${language}: ${text}`, () => assert.equal(kept(language, text), " "));
  }

  for (const [language, text] of [
    ["latex", "\\(│b│\\)"],
    ["latex", "\\left\\{│b│\\right\\}"],
    ["latex", "$│b│$"],
    ["latex", "│x│_1"],
    ["typescript", "f(│a│)"],
    ["typescript", "f(│a│, b)"],
    ["typescript", "f(│a│: string) {"],
    ["typescript", "│a│.b()"],
    ["typescript", "/*│a│*/"],
    ["python", "f(│a│=1)"],
    ["cpp", "│a│->b();"],
    ["java", "new A<│B│>();"],
    ["html", '<a │b="c"│>'],
    ["html", "<p>│a│</p>"],
    ["markdown", "**│a│** b"],
  ] as const) {
    it(`drops it in ${language}: ${text}`, () => assert.equal(kept(language, text), ""));
  }

  it("keeps blanks before an operator as they are written, one before a closer", () => {
    assert.equal(kept("go", "│a│= b", "   "), "   ");
    assert.equal(kept("latex", "\\( │b│\\)", "   "), " ");
  });
  it("adds none to what stands right of the cursor already", () => {
    assert.equal(kept("typescript", "│a│ || b"), "");
    assert.equal(kept("typescript", "│a│"), "");
  });
});
