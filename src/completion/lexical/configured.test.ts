import assert from "node:assert/strict";
import { Shaper } from "../shaper";
import type { LanguageConfiguration } from "./configured";

/** A language that no table has. */
const CONFIGURATION: LanguageConfiguration = {
  lineComment: "--",
  blockComment: ["{-", "-}"],
  brackets: [
    ["(", ")"],
    ["\u27e8", "\u27e9"],
  ],
  closedPairs: [
    ["(", ")"],
    ["\u27e8", "\u27e9"],
    ['"', '"'],
    ["~~", "~~"],
    ["{-", "-}"],
    ["on ", " off"],
  ],
};

describe("a language that only the editor knows", () => {
  /** What stands in the file after accepting, in the notation of `insertionCases`. */
  function accepted(text: string, language = "frob"): { readonly file: string; readonly expected: string } {
    const [left, raw, end] = text.split("\u2502") as [string, string, string];
    const right = end.replace(/[\u27e6\u27e7]/g, "");
    const shaper = new Shaper(undefined, (id) => (id === "frob" ? CONFIGURATION : undefined));
    const place = { document: "a", language, offset: left.length, prefix: left, suffix: right };
    const shown = shaper.shape(shaper.kind(place), place, raw, "finished") ?? "";
    const file = left + shown + right.slice(shaper.replaced(shown, place));
    return { file, expected: left + raw + end.replace(/\u27e6[^\u27e7]*\u27e7/, "") };
  }

  for (const text of [
    "f(\u2502a) + g(b\u2502)",
    "f(\u2502a)\u2502\u27e6)\u27e7",
    "x = \u27e8\u2502a\u27e9\u2502\u27e6\u27e9\u27e7",
    "x = \u27e8\u2502a\u27e9 + \u27e8b\u2502\u27e9",
    "s = ~~\u2502it's (a~~\u2502\u27e6~~\u27e7",
    "y = 1 \u2502-- it's (b\u2502",
    "y = \u2502{- (c -} f(1)\u2502",
    "lamp on \u25021 off\u2502\u27e6 off\u27e7",
  ]) {
    it(text, () => {
      const { file, expected } = accepted(text);
      assert.equal(file, expected);
    });
  }

  it("is read with care where the editor says nothing", () => {
    const { file, expected } = accepted("f(\u2502a)\u2502\u27e6)\u27e7", "other");
    assert.equal(file, expected);
  });
});
