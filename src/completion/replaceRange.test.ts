import assert from "node:assert/strict";
import { readingOf } from "./lexical/reading";
import { replacedLength } from "./replaceRange";
import { at } from "./testing";

/** The line after the completion has been accepted. */
function accepted(text: string, completion: string): string {
  const cursor = at(text);
  const replaced = replacedLength(completion, readingOf({ ...cursor, language: "typescript" }));
  return cursor.prefix + completion + cursor.suffix.slice(replaced);
}

describe("replacedLength", () => {
  const cases: [text: string, completion: string, result: string][] = [
    ["foo(│)", "a, b)", "foo(a, b)"],
    ["foo(│)", "a, b", "foo(a, b)"],
    ["foo(│);", "a);", "foo(a);"],
    ["foo(│);", "a)", "foo(a);"],
    ["foo(│)", "bar(1), 2)", "foo(bar(1), 2)"],
    ["foo(│)", "bar(1)", "foo(bar(1))"],
    ["foo([│])", "1, 2])", "foo([1, 2])"],
    ["foo([│])", "1, 2]", "foo([1, 2])"],
    ['log("│")', 'hi")', 'log("hi")'],
    ['log("│")', "hi", 'log("hi")'],
    ["if (a│) {", " && b) {", "if (a && b) {"],
    ["if (a│) {", " && b) {\n  c();", "if (a && b) {\n  c();"],
    ["function f(│) {", "x", "function f(x) {"],
    ["return│;", " x;", "return x;"],
    ["return│;", " x", "return x;"],
    ["const f = () => {│}", "\n  go();\n}", "const f = () => {\n  go();\n}"],
    ["a│", "bc", "abc"],
    ["// don't (│)", "do)", "// don't (do)"],
    ["x = ':)' + f(│)", "')')", "x = ':)' + f(')')"],
    ["`${a│}`", ".b}`", "`${a.b}`"],
  ];
  for (const [text, completion, result] of cases) {
    it(`${text} + ${JSON.stringify(completion)}`, () => assert.equal(accepted(text, completion), result));
  }
});
