import assert from "node:assert/strict";
import path from "node:path";
import { Shaper, type Progress } from "../completion/shaper";
import { completed } from "../completion/testing";
import { grammarFolder } from "./folder";
import { SyntaxParser } from "./parser";

interface Case {
  readonly language?: string;
  readonly progress?: Progress;
  /** What the model writes stands between `│`s, and what is suggested of it. */
  readonly text: string;
  readonly expected: string;
}

const CASES: Readonly<Record<string, Case>> = {
  "an argument": { text: "foo(│a, b);\nbar();│)", expected: "foo(│a, b);│)" },
  "a statement, and not the next": {
    text: "const total = │items.length;\nreturn total;│\n",
    expected: "const total = │items.length;│\n",
  },
  "the rest of a line in a string": {
    text: "import a from '│./a';\nimport b from './b';│'\n",
    expected: "import a from '│./a';│'\n",
  },
  "a whole empty function": {
    text: "function f(a: number) {│\n  const b = a;\n  return b;\n}\n\nfunction g() {│\n",
    expected: "function f(a: number) {│\n  const b = a;\n  return b;\n}│\n",
  },
  "the inside of an empty function, without what is below already": {
    text: "function f() {\n  │a();\n  return b;\n}\nc();│\n}\n",
    expected: "function f() {\n  │a();\n  return b;│\n}\n",
  },
  "one statement where a function has others": {
    text: "function f() {\n  a();\n  │b();\n  c();│\n  d();\n}\n",
    expected: "function f() {\n  a();\n  │b();│\n  d();\n}\n",
  },
  "a block inside of another one": {
    text: "function f() {\n  if (a) {│\n    b();\n  }\n  c();│\n}\n",
    expected: "function f() {\n  if (a) {│\n    b();\n  }│\n}\n",
  },
  "what parses of a block that is broken at its end": {
    text: "function f() {\n  │a();\n  const = ;│\n}\n",
    expected: "function f() {\n  │a();│\n}\n",
  },
  "what is whole of a block that was cut off": {
    progress: "cut",
    text: "function f() {\n  │a();\n  const b = c(│\n}\n",
    expected: "function f() {\n  │a();│\n}\n",
  },
  "what closes a line that ends in brackets": {
    text: "class A {\n  │async *b(│\n}\n",
    expected: "class A {\n  │async *b()│\n}\n",
  },
  "what closes a call over several lines": {
    text: "a();\nconst b = │c(\n  d,\n  e,│\nf();\n",
    expected: "a();\nconst b = │c(\n  d,\n  e,\n);│\nf();\n",
  },
  "what closes a block, where the lines below are outside of it": {
    text: "function f() {\n  if (a) {\n    │return b;│\n\n  return c;\n}\n",
    expected: "function f() {\n  if (a) {\n    │return b;\n  }│\n\n  return c;\n}\n",
  },
  "one statement of a block that goes on": {
    text: "function f() {\n  if (a) {\n    │b();│\n    c();\n  }\n}\n",
    expected: "function f() {\n  if (a) {\n    │b();│\n    c();\n  }\n}\n",
  },
  "the header of a block whose lines are there already": {
    text: "function f(a) {\n  if (a │> 1│\n    b();\n  }\n}\n",
    expected: "function f(a) {\n  if (a │> 1) {│\n    b();\n  }\n}\n",
  },
  "the rest of a header, and not the lines that are there": {
    text: "function f(a) {\n  if (a │> 1) {\n    b();\n    c();│\n    b();\n  }\n}\n",
    expected: "function f(a) {\n  if (a │> 1) {│\n    b();\n  }\n}\n",
  },
  "the rest of a Python header, and not the lines that are there": {
    language: "python",
    text: "def f(a):\n    for b │in a:\n        c(b)│\n        d(b)\n",
    expected: "def f(a):\n    for b │in a:│\n        d(b)\n",
  },
  "the header of a block after what stands in brackets": {
    text: "function f(): { [a: │string]: B;│\n  return c;\n}\n",
    expected: "function f(): { [a: │string]: B } {│\n  return c;\n}\n",
  },
  "no block where its lines are there already": {
    text: "function f(a) {\n  if (a │> 1) {\n    c();\n  }│\n    b();\n  }\n}\n",
    expected: "function f(a) {\n  if (a │> 1) {│\n    b();\n  }\n}\n",
  },
  "no end of an expression that goes on": {
    text: "function f(a) {\n  │return a > 1 &&│\n}\n",
    expected: "function f(a) {\n  │return a > 1│\n}\n",
  },
  "no operator before the next statement": {
    text: "function f(a) {\n  const b =\n    a[│c] * 2 *│]\n  const d = 1\n}\n",
    expected: "function f(a) {\n  const b =\n    a[│c] * 2│]\n  const d = 1\n}\n",
  },
  "what closes an item of a list that goes on": {
    text: "f(\n  a,\n  │b(c, [d│\n  e,\n);\n",
    expected: "f(\n  a,\n  │b(c, [d]),│\n  e,\n);\n",
  },
  "a comma before the items that are there": {
    text: 'const a = │["b"│\n  "c",\n  "d",\n];\n',
    expected: 'const a = │["b",│\n  "c",\n  "d",\n];\n',
  },
  "what is whole of an item that a comma alone does not mend": {
    language: "python",
    text: 'f(\n    a=f"{│b} {│\n    c=1,\n)\n',
    expected: 'f(\n    a=f"{│b}",│\n    c=1,\n)\n',
  },
  "no comma before a bracket that closes an expression": {
    text: "function f() {\n  return (\n    │a(b),│\n  );\n}\nc();\n",
    expected: "function f() {\n  return (\n    │a(b)│\n  );\n}\nc();\n",
  },
  "what closes a call above something that is broken": {
    text: "function f() {\n  │a(b, [c│\n}\n\nconst = 1;\n",
    expected: "function f() {\n  │a(b, [c])│\n}\n\nconst = 1;\n",
  },
  "a comment that ends": {
    text: "│/** Adds│\nfunction f() {}\n/** b */\n",
    expected: "│/** Adds */│\nfunction f() {}\n/** b */\n",
  },
  "a docstring that ends": {
    language: "python",
    text: 'def f():\n    │"""Adds.\n\n    Two.│\n\n\nx = 1\n',
    expected: 'def f():\n    │"""Adds.\n\n    Two.\n    """│\n\n\nx = 1\n',
  },
  "the beginning of a docstring that goes on": {
    language: "python",
    text: 'def f():\n    a()\n\n\n│def g():\n    """Adds.\n    """\n    return 1│\n\n    Two.\n    """\n    return 2\n',
    expected: 'def f():\n    a()\n\n\n│def g():\n    """Adds.│\n\n    Two.\n    """\n    return 2\n',
  },
  "nothing where even a little would break what is sound": {
    text: "const a = {\n  │1 2 3│\n  e: 1,\n};\n",
    expected: "const a = {\n  ││\n  e: 1,\n};\n",
  },
  "all that is there at the end of a file": {
    text: "function f() {\n  │return a(b, c│\n",
    expected: "function f() {\n  │return a(b, c│\n",
  },
  "all of it in the middle of what is broken": {
    text: "const a = = 1;\n│const b = 2;│\nconst c = = 3;\n",
    expected: "const a = = 1;\n│const b = 2;│\nconst c = = 3;\n",
  },
  "a whole Python function after its docstring": {
    language: "python",
    text: 'def f(a):\n    """Adds."""\n    │b = a\n    return b\n\n\ndef g():│\n\nx = 1\n',
    expected: 'def f(a):\n    """Adds."""\n    │b = a\n    return b│\n\nx = 1\n',
  },
  "a Python statement with its block": {
    language: "python",
    text: "def f(a):\n    b = a\n    │for c in b:\n        d(c)\n    return b│\n    e()\n",
    expected: "def f(a):\n    b = a\n    │for c in b:\n        d(c)│\n    e()\n",
  },
  "nothing of a comment once more": {
    text: "// Adds two.\n│// Adds two.│\n",
    expected: "// Adds two.\n││\n",
  },
};

describe("Shaper", () => {
  let syntax: SyntaxParser;
  before(async () => {
    syntax = new SyntaxParser(grammarFolder(path.resolve(import.meta.dirname, "../..")));
    await Promise.all([syntax.load("typescript"), syntax.load("python")]);
  });
  after(() => syntax.dispose());

  for (const [name, { language = "typescript", progress = "finished", text, expected }] of Object.entries(
    CASES,
  )) {
    it(`suggests ${name}`, () => {
      const shaper = new Shaper(syntax);
      const result = completed(text, (generated, cursor) => {
        const place = { ...cursor, document: name, language, offset: cursor.prefix.length };
        return shaper.shape(shaper.kind(place), place, generated, progress)!;
      });
      assert.equal(result, expected);
    });
  }
});
