import assert from "node:assert/strict";
import * as vscode from "vscode";
import { Shaper } from "../../src/completion/shaper";
import { EditorLanguages } from "../../src/editor/editorLanguages";
import { lacuna } from "./helpers";

describe("what the editor knows of languages", () => {
  let languages: EditorLanguages;
  before(lacuna);
  beforeEach(() => (languages = new EditorLanguages()));
  afterEach(() => languages.dispose());

  it("is what the extension says that brings the language", async () => {
    assert.equal(languages.of("bat"), undefined, "its file is read in the background");
    await languages.load("bat");
    const { lineComment, brackets, closedPairs } = languages.of("bat")!;
    assert.match(lineComment ?? "", /^@?REM\b/i);
    for (const pairs of [brackets, closedPairs]) {
      assert.ok(pairs.some(([open, close]) => open === "(" && close === ")"));
    }
    assert.ok(closedPairs.some(([open, close]) => open === '"' && close === '"'));
    // With comments in the file, and with pairs as objects.
    await languages.load("typescript");
    assert.deepEqual(languages.of("typescript")!.blockComment, ["/*", "*/"]);
    assert.ok(languages.of("typescript")!.closedPairs.some(([open, close]) => open === "`" && close === "`"));
  });

  it("is nothing of a language that no extension brings", async () => {
    await languages.load("no-such-language");
    assert.equal(languages.of("no-such-language"), undefined);
    assert.ok(!(await vscode.languages.getLanguages()).includes("no-such-language"));
  });

  it("decides what is a comment in a language that no table has", async () => {
    await languages.load("bat");
    const comment = languages.of("bat")!.lineComment!;
    const left = `echo (a\n${comment} it's `;
    const place = { document: "a", language: "bat", offset: left.length, prefix: left, suffix: ")" };
    const shaper = new Shaper(undefined, (language) => languages.of(language));
    const shown = shaper.shape(shaper.kind(place), place, "here (b)", "finished")!;
    assert.equal(shown + place.suffix.slice(shaper.replaced(shown, place)), "here (b)");
  });
});
