import assert from "node:assert/strict";
import path from "node:path";
import { countErrors } from "../completion/syntaxTree";
import { grammarFolder } from "./folder";
import { SyntaxParser } from "./parser";
import { editBetween } from "./textEdit";

const folder = grammarFolder(path.resolve(import.meta.dirname, "../.."));

describe("SyntaxParser", () => {
  let parser: SyntaxParser;
  beforeEach(() => {
    parser = new SyntaxParser(folder);
  });
  afterEach(() => parser.dispose());

  const errors = (language: string, text: string, document = "a"): number | undefined =>
    parser.parse(document, language, text, countErrors);

  it("knows nothing before its grammar is loaded", async () => {
    assert.equal(errors("python", "x = 1\n"), undefined);
    assert.equal(await parser.load("python"), true);
    assert.equal(errors("python", "x = 1\n"), 0);
    assert.equal(parser.loaded("typescript"), false);
  });

  it("says that it has no grammar", async () => {
    assert.equal(await parser.load("cobol"), false);
    assert.equal(errors("cobol", "MOVE A TO B."), undefined);
  });

  it("says so when the grammars are not there", async () => {
    assert.equal(await new SyntaxParser("/nowhere").load("python"), false);
  });

  const SOUND: readonly (readonly [string, string, string])[] = [
    ["typescript", "const a: number = f<string>(1);\n", "const a: = f<(1);\n"],
    ["typescriptreact", "const a = <b c={1}>d</b>;\n", "const a = <b c={1>d</b>;\n"],
    ["javascript", "class A { #b = 1; }\n", "class A { #b = 1; \n"],
    ["python", "def f(a):\n    return a\n", "def f(a:\n    return a\n"],
    ["go", "package a\n\nfunc f() int {\n\treturn 1\n}\n", "package a\n\nfunc f( int {\n\treturn 1\n}\n"],
    ["java", "class A { int b() { return 1; } }\n", "class A { int b() { return 1; }\n"],
    ["rust", "fn f(a: &str) -> u8 { 1 }\n", "fn f(a: &str -> u8 { 1 }\n"],
    ["cpp", "int f() { return 1; }\n", "int f() { return 1;\n"],
  ];
  for (const [language, sound, broken] of SOUND) {
    it(`tells sound ${language} from broken`, async () => {
      await parser.load(language);
      assert.equal(errors(language, sound), 0);
      assert.notEqual(errors(language, broken), 0);
    });
  }

  it("parses the next text of a document from the last one, to the same tree", async () => {
    await parser.load("typescript");
    const tree = (document: string, text: string): string | undefined =>
      parser.parse(document, "typescript", text, (root) => JSON.stringify([root.type, shape(root)]));
    const texts = [
      "f(a);\n",
      "f(a, '😀');\nif (b) {\n",
      "f(a, '😀');\nif (b) {\n  c();\n}\n",
      "c();\n}\n",
      "",
    ];
    for (const [i, text] of texts.entries()) {
      assert.equal(tree("same", text), tree(`fresh ${i}`, text), text);
    }
    assert.ok(parser.knows("same"));
    parser.forget("same");
    assert.ok(!parser.knows("same"));
  });
});

function shape(node: {
  childCount: number;
  child(i: number): unknown;
  type: string;
  startIndex: number;
}): unknown {
  const children = Array.from({ length: node.childCount }, (_, i) =>
    shape(node.child(i) as Parameters<typeof shape>[0]),
  );
  return [node.type, node.startIndex, children];
}

describe("editBetween", () => {
  it("finds what has changed", () => {
    assert.deepEqual(editBetween("a\nbcd\n", "a\nbXd\n"), {
      startIndex: 3,
      oldEndIndex: 4,
      newEndIndex: 4,
      startPosition: { row: 1, column: 1 },
      oldEndPosition: { row: 1, column: 2 },
      newEndPosition: { row: 1, column: 2 },
    });
    assert.equal(editBetween("a", "a"), undefined);
  });
  it("does not count what is the same twice", () => {
    const edit = editBetween("aa", "aaa")!;
    assert.deepEqual([edit.startIndex, edit.oldEndIndex, edit.newEndIndex], [2, 2, 3]);
  });
});
