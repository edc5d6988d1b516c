import assert from "node:assert/strict";
import path from "node:path";
import { INSERTION_CASES } from "../../test/insertionCases";
import { isPartOf } from "../completion/replaceRange";
import { Shaper } from "../completion/shaper";
import { grammarFolder } from "./folder";
import { SyntaxParser } from "./parser";

interface Case {
  readonly left: string;
  readonly raw: string;
  readonly right: string;
  readonly expected: string;
}

/** @param below what follows the case in its file */
function parse(text: string, below: string): Case {
  const [left, raw, end] = text.split("│") as [string, string, string];
  const right = end.replace(/[⟦⟧]/g, "") + below;
  return { left, raw, right, expected: left + raw + end.replace(/⟦[^⟧]*⟧/, "") + below };
}

describe("what is inserted, by the rules of the language", () => {
  let syntax: SyntaxParser;
  before(async () => {
    syntax = new SyntaxParser(grammarFolder(path.resolve(import.meta.dirname, "../..")));
    await Promise.all(Object.keys(INSERTION_CASES).map((language) => syntax.load(language)));
  });
  after(() => syntax.dispose());

  it("is tried in many cases", () => {
    const cases = Object.values(INSERTION_CASES).flat();
    assert.ok(cases.length >= 300, String(cases.length));
    assert.equal(
      new Set(Object.entries(INSERTION_CASES).flatMap(([id, some]) => some.map((one) => id + one))).size,
      cases.length,
    );
  });

  for (const [language, cases] of Object.entries(INSERTION_CASES)) {
    for (const [index, text] of cases.entries()) {
      for (const [where, below] of [
        ["at the end of a file", ""],
        ["above other lines", "\n\n"],
      ] as const) {
        for (const tree of [true, false]) {
          it(`${language}: ${text} ${where}${tree ? "" : ", without a grammar"}`, () => {
            const { left, raw, right, expected } = parse(text, below);
            const shaper = new Shaper(tree ? syntax : undefined);
            const document = `${language} ${index} ${where}`;
            const place = { document, language, offset: left.length, prefix: left, suffix: right };
            // All of what the model writes belongs to the case, however many suggestions it is.
            const kind = raw.includes("\n") ? "block" : shaper.kind(place);
            const shown = shaper.shape(kind, place, raw, "finished")!;
            const replaced = shaper.replaced(shown, place);
            assert.equal(left + shown + right.slice(replaced), expected);
            assert.ok(isPartOf(right.slice(0, replaced), shown), "an editor would not show it");
          });
        }
      }
    }
  }
});
