import assert from "node:assert/strict";
import path from "node:path";
import { Shaper } from "../../completion/shaper";
import { grammarFolder } from "../../syntax/folder";
import { SyntaxParser } from "../../syntax/parser";
import { heldOutFiles } from "../common/sourceFiles";
import { languageOf } from "../text/cases";
import { accept } from "./accept";
import { cutInsertionHoles, HOLE_KINDS } from "./holes";

const ROOT = path.resolve(import.meta.dirname, "../../..");
/** Of all files together. */
const HOLES = 400;

describe("what is inserted into real files", () => {
  const files = heldOutFiles(ROOT);
  const holes = files.flatMap((file, seed) =>
    cutInsertionHoles(file.text, languageOf(file), file.path, Math.ceil(HOLES / files.length), seed),
  );
  let syntax: SyntaxParser;
  before(async () => {
    syntax = new SyntaxParser(grammarFolder(ROOT));
    await Promise.all([...new Set(files.map(languageOf))].map((language) => syntax.load(language)));
  });
  after(() => syntax.dispose());

  it("is tried at holes of every kind", () => {
    assert.ok(holes.length >= 200, String(holes.length));
    assert.deepEqual(new Set(holes.map(({ kind }) => kind)), new Set(HOLE_KINDS));
  });

  for (const tree of [true, false]) {
    it(`is what their authors wrote${tree ? "" : ", without a grammar"}`, () => {
      const shaper = new Shaper(tree ? syntax : undefined);
      const wrong = holes.filter((hole) => accept(hole, shaper).file !== hole.original);
      const told = wrong.map(
        ({ kind, place, raw }) => `${kind}: ${place.prefix.slice(-40)}│${raw}│${place.suffix.slice(0, 40)}`,
      );
      assert.ok(
        wrong.length <= 0.005 * holes.length,
        `${wrong.length} of ${holes.length}:\n${told.join("\n")}`,
      );
    }).timeout(60_000);
  }
});
