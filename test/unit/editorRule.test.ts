import assert from "node:assert/strict";
import path from "node:path";
import { heldOutFiles } from "../../src/bench/common/sourceFiles";
import { cutInsertionHoles } from "../../src/bench/insertion/holes";
import { languageOf } from "../../src/bench/text/cases";
import { Shaper } from "../../src/completion/shaper";
import { INSERTION_CASES } from "../insertionCases";

/** The editor's own modules, from the package of the editor alone. */
const MODEL = "monaco-editor-core/esm/vs/editor/contrib/inlineCompletions/browser/model";
const CORE = "monaco-editor-core/esm/vs/editor/common/core";

interface Range {
  readonly startColumn: number;
  readonly endColumn: number;
}
interface Editor {
  readonly Position: new (line: number, column: number) => unknown;
  readonly Range: new (line: number, column: number, endLine: number, endColumn: number) => Range;
  readonly TextReplacement: new (range: Range, text: string) => unknown;
  readonly inlineCompletionIsVisible: (
    edit: unknown,
    range: Range,
    model: unknown,
    cursor: unknown,
  ) => boolean;
  readonly computeGhostText: (edit: unknown, model: unknown, mode: string, cursor: unknown) => unknown;
}

async function loadEditor(): Promise<Editor> {
  const parts = [
    `${MODEL}/inlineCompletionIsVisible.js`,
    `${MODEL}/computeGhostText.js`,
    `${CORE}/position.js`,
  ];
  const more = [`${CORE}/range.js`, `${CORE}/edits/textEdit.js`];
  const modules = await Promise.all(
    [...parts, ...more].map((name) => import(name) as Promise<Partial<Editor>>),
  );
  return Object.assign({}, ...modules) as Editor;
}

/** What the editor asks of a document, about one line. */
const modelOf = (line: string): object => ({
  getValueInRange: ({ startColumn, endColumn }: Range) => line.slice(startColumn - 1, endColumn - 1),
  getLineContent: () => line,
  getLineIndentColumn: () => line.length - line.trimStart().length + 1,
});

interface Tried {
  readonly language: string;
  readonly prefix: string;
  readonly suffix: string;
  readonly raw: string;
}

describe("the editor's rule for ghost text", () => {
  let editor: Editor;
  before(async () => {
    editor = await loadEditor();
  });

  /** Whether the editor shows `text` at the cursor in place of what it replaces. */
  function isShown(left: string, right: string, text: string, replaced: number): boolean {
    const line = left + right;
    const column = left.length + 1;
    const range = new editor.Range(1, column, 1, column + replaced);
    const [edit, model] = [new editor.TextReplacement(range, text), modelOf(line)];
    const cursor = new editor.Position(1, column);
    return (
      editor.inlineCompletionIsVisible(edit, range, model, cursor) &&
      editor.computeGhostText(edit, model, "subwordSmart", cursor) !== undefined
    );
  }

  const lineOf = (text: string): string => text.slice(text.lastIndexOf("\n") + 1);

  function dropped(all: readonly Tried[]): string[] {
    const shaper = new Shaper();
    return all.flatMap(({ language, prefix, suffix, raw }, index) => {
      const place = { document: `${language} ${index}`, language, offset: prefix.length, prefix, suffix };
      const text = shaper.shape(shaper.kind(place), place, raw, "finished") ?? "";
      const [left, right] = [lineOf(prefix), suffix.split("\n", 1)[0]!];
      const shown = text === "" || isShown(left, right, text, shaper.replaced(text, place));
      return shown ? [] : [`${language}: ${left}│${text}│${right}`];
    });
  }

  /** The same with blanks after what an editor has closed. */
  const withBlanks = (tried: Tried): Tried => ({ ...tried, suffix: tried.suffix.replace(/^[^\n]*/, "$&  ") });

  it("drops what takes the place of blanks that it does not have", () => {
    assert.equal(isShown("foo(", ")  ", "a, b)", 3), false);
    assert.equal(isShown("foo(", ")  ", "a, b)", 1), true);
  });

  it("shows all that is right in every language", () => {
    const cases = Object.entries(INSERTION_CASES).flatMap(([language, texts]) =>
      texts.map((text) => {
        const [prefix, raw, suffix] = text.replace(/[⟦⟧]/g, "").split("│") as [string, string, string];
        return { language, prefix, raw, suffix };
      }),
    );
    assert.deepEqual(dropped(cases), []);
    assert.deepEqual(dropped(cases.map(withBlanks)), []);
  });

  it("shows all that is right, and what is not, in real files", () => {
    const root = path.resolve(import.meta.dirname, "../..");
    const holes = heldOutFiles(root).flatMap((file, seed) =>
      cutInsertionHoles(file.text, languageOf(file), file.path, 20, seed),
    );
    const tried = holes.map(({ place, raw }) => ({ ...place, raw }));
    assert.ok(tried.length > 400, String(tried.length));
    assert.deepEqual(dropped(tried), []);
    assert.deepEqual(dropped(tried.map(withBlanks)), []);
    // What another place would be completed with.
    const wrong = tried.map((one, index) => ({ ...one, raw: tried[(index * 7 + 3) % tried.length]!.raw }));
    assert.deepEqual(dropped(wrong), []);
    assert.deepEqual(dropped(wrong.map(withBlanks)), []);
  }).timeout(60_000);
});
