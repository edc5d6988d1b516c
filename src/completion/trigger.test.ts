import assert from "node:assert/strict";
import { Shaper } from "./shaper";
import { at, placeAt } from "./testing";
import { whyNotHere } from "./trigger";

describe("whyNotHere", () => {
  const yes = [
    "const a = │",
    "foo(│)",
    "foo(│);",
    'print("│")',
    "if (a│) {",
    "for x in y│:",
    "│",
    "a = [│],",
    "a │\r\nb",
  ];
  const inLanguages: readonly (readonly [string, string])[] = [
    ["html", "<p>│</p>"],
    ["typescriptreact", "<li>│</li>"],
    ["typescriptreact", "<li>{│}</li>"],
    ["python", "x = │  # type: ignore"],
    ["python", "f(│)  # noqa"],
    ["typescript", "f(│); // it's"],
    ["c", "x = │; /* a */"],
    ["lua", "x = │ -- a"],
    ["html", "{% │ %}"],
    ["html", "<p>{{ │ }}</p>"],
    ["shellscript", "a) │ ;;"],
    ["latex", "$│$"],
    ["latex", "$│$ % it"],
    ["blade", "{!! │ !!}"],
    ["ruby", "a.each { |│| }"],
  ];
  for (const [language, text] of inLanguages) {
    it(`completes ${JSON.stringify(text)} in ${language}`, () =>
      assert.equal(whyNotHere({ ...at(text), language }, "automatic"), undefined));
  }
  it("knows what the editor closes and what is a comment in a language that no table has", () => {
    const shaper = new Shaper(undefined, () => ({
      lineComment: "REM",
      brackets: [],
      closedPairs: [["<<", ">>~"]],
    }));
    for (const text of ["a = │>>~", "a = │ REM it's b"]) {
      assert.equal(shaper.whyNotHere(placeAt(text, "other"), "automatic"), undefined, text);
      assert.notEqual(new Shaper().whyNotHere(placeAt(text, "other"), "automatic"), undefined, text);
    }
  });
  it("knows what is no comment", () =>
    assert.match(
      whyNotHere({ ...at("x = │ // 2"), language: "python" }, "automatic") ?? "",
      /code to the right/,
    ));
  for (const text of yes) {
    it(`completes ${JSON.stringify(text)}`, () => assert.equal(whyNotHere(at(text), "automatic"), undefined));
  }
  const no: [string, RegExp][] = [
    ["fo│o", /inside a word/],
    ["│ätsch", /inside a word/],
    ["a = │ + b", /code to the right/],
    ["│(a)", /code to the right/],
    ["x = '\u{d83d}│\u{de00}'", /inside a character/],
    ["x = e│\u0301", /inside a character/],
    ["x = 👩\u200d│👩", /inside a character/],
    [`${"x".repeat(2_001)}│`, /very long/],
  ];
  for (const [text, reason] of no) {
    it(`leaves ${JSON.stringify(text.slice(-20))} alone`, () =>
      assert.match(whyNotHere(at(text), "automatic") ?? "", reason));
  }
  it("does as it is told before code, but never tears a word or a character", () => {
    assert.equal(whyNotHere(at("a = │ + b"), "invoked"), undefined);
    assert.match(whyNotHere(at("fo│o"), "invoked") ?? "", /inside a word/);
    assert.match(whyNotHere(at("e│\u0301"), "invoked") ?? "", /inside a character/);
  });
});
