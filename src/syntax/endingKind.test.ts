import assert from "node:assert/strict";
import path from "node:path";
import { SyntaxParser } from "./parser";
import { grammarFolder } from "./folder";
import { at } from "../completion/testing";
import { endingKind, type EndingKind } from "../completion/ending/kind";

type Table = Readonly<Record<string, readonly [text: string, kind: EndingKind, language?: string]>>;

/** The same with a tree and by indentation alone. */
const BOTH: Table = {
  "the rest of a line": ["const x = │", "statement"],
  "text to the right": ["const x = │ + 1;", "line"],
  "the inside of a string": ["const x = 'a│';", "line"],
  "a comment at the end of a line": ["foo(); // a│", "line"],
  "an empty function": ["function f() {│\n}\n", "block"],
  "an empty function, on the line inside": ["function f() {\n  │\n}\n", "block"],
  "a function that nothing closes yet": ["function f() {│\n\nfunction g() {\n  a();\n}\n", "block"],
  "a function that is not empty": ["function f() {\n  │\n  a();\n}\n", "statement"],
  "a brace that the editor has closed": ["if (a) {│}", "block"],
  "an argument list that is empty": ["foo(│)", "statement"],
  "an argument list that is not": ["foo(a, │)", "line"],
  "a header without its brace": ["function f(a: string)│", "block"],
  "a call, which is no header": ["foo(a)│", "statement"],
  "an empty Python function": ["def f(a):│\n", "block", "python"],
  "an empty Python function, on the line inside": [
    "def f(a):\n    │\n\ndef g():\n    pass\n",
    "block",
    "python",
  ],
  "a Python function that is not empty": ["def f(a):\n    │\n    return a\n", "statement", "python"],
  "a Python dictionary, which is no block": ["a = {│\n", "statement", "python"],
  "a Python slice, which is no header": ["a[1:│", "statement", "python"],
  "a line in the middle of a function": ["function f() {\n  a();\n  │\n  b();\n}\n", "statement"],
  "an empty file": ["│", "statement"],
};

/** What only a tree can tell. */
const TREE: Table = {
  "a function with nothing but a docstring": [
    'def f(a):\n    """Adds.\n\n    Two.\n    """\n    │\n',
    "block",
    "python",
  ],
  "a function with nothing but a comment": ["function f() {\n  // Adds.\n  │\n}\n", "block"],
  "a function that is indented as nobody does": ["function f() {│\na();\n}\n", "statement"],
  "the inside of a comment over several lines": ["/*\n * Adds │\n */\nfoo();\n", "line"],
  "the line after a comment": ["foo();\n/* a */\n│\nbar();\n", "statement"],
  "the inside of a string over several lines": ["const a = `\n  b │\n  c\n`;\n", "line"],
  "the inside of a docstring": ['def f():\n    """Adds │\n    two.\n    """\n', "line", "python"],
};

describe("endingKind", () => {
  let parser: SyntaxParser;
  before(async () => {
    parser = new SyntaxParser(grammarFolder(path.resolve(import.meta.dirname, "../..")));
    await parser.load("typescript");
    await parser.load("python");
  });
  after(() => parser.dispose());

  for (const [name, [text, kind, language = "typescript"]] of Object.entries(BOTH)) {
    it(`${name}, by indentation`, () => assert.equal(endingKind({ ...at(text), language }), kind));
  }
  for (const [name, [text, kind, language = "typescript"]] of Object.entries({ ...BOTH, ...TREE })) {
    it(`${name}, by its tree`, () => {
      const context = { ...at(text), language };
      const found = parser.parse("a", language, context.prefix + context.suffix, (root) =>
        endingKind(context, { root, offset: context.prefix.length }),
      );
      assert.equal(found, kind);
    });
  }
});
