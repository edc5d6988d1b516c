import assert from "node:assert/strict";
import { endOf, firstLineEnd } from "./end";
import type { EndingKind } from "./kind";

/** `│generated│` is what the model writes; what is shown of it is expected. */
function shown(kind: EndingKind, text: string, language = "typescript", done = true): string | undefined {
  const [prefix, generated, suffix] = text.split("│") as [string, string, string];
  const end = endOf(kind, { prefix, suffix, language }, generated, done);
  return end === undefined ? undefined : generated.slice(0, end);
}

interface Case {
  readonly kind?: EndingKind;
  readonly language?: string;
  readonly text: string;
  readonly expected: string;
}

const CASES: Readonly<Record<string, Case>> = {
  "a line ends with the line": { kind: "line", text: "x = 'a│b';\nfoo();│", expected: "b';" },
  "a statement ends with its line": {
    text: "const x = │a + b;\nconst y = 1;│",
    expected: "a + b;",
  },
  "a statement goes on while a bracket is open": {
    text: "const x = │f({\n  a: 1,\n});\nconst y = 1;│",
    expected: "f({\n  a: 1,\n});",
  },
  "a bracket opened on the cursor's line counts": {
    text: "  items.map((x) => {│\n    return x;\n  });\n  foo();│",
    expected: "\n    return x;\n  });",
  },
  "a call chain goes on": {
    text: "return │a\n  .b()\n  .c();\nfoo();│",
    expected: "a\n  .b()\n  .c();",
  },
  "an operator goes on": { text: "const ok = │a &&\n  b;\nfoo();│", expected: "a &&\n  b;" },
  "an operator on the next line goes on": {
    text: "const ok = │a\n  || b;\nfoo();│",
    expected: "a\n  || b;",
  },
  "without semicolons a line is a statement": { text: "  │foo()\n  bar()│", expected: "foo()" },
  "else goes on": {
    text: "  │if (a) {\n    b();\n  } else {\n    c();\n  }\n  d();│",
    expected: "if (a) {\n    b();\n  } else {\n    c();\n  }",
  },
  "a comment belongs to what it stands before": {
    text: "  │// Adds.\n  add();\n  sub();│",
    expected: "// Adds.\n  add();",
  },
  "a documentation comment belongs to its function": {
    text: "│/**\n * Adds.\n */\nfunction f() {\n  a();\n}\nf();│",
    expected: "/**\n * Adds.\n */\nfunction f() {\n  a();\n}",
  },
  "a string over several lines is not cut": {
    text: "const s = │`a;\nb;\n`;\nfoo();│",
    expected: "`a;\nb;\n`;",
  },
  "a new line after a finished one is one statement": {
    text: "  foo();│\n  bar();\n  baz();│",
    expected: "\n  bar();",
  },
  "an entry of a literal is one": { text: "  a: 1,\n  │b: 2,\n  c: 3,│\n};", expected: "b: 2," },
  "a scope that closes ends everything": {
    text: "  if (a) {\n    │b();\n  }\n  c();│",
    expected: "b();",
  },
  "a Python line is a statement": {
    language: "python",
    text: "    x = │a + b\n    y = 1│",
    expected: "a + b",
  },
  "a Python block goes on to the dedent": {
    language: "python",
    text: "    │for a in b:\n        c(a)\n\n        d(a)\n    e()│",
    expected: "for a in b:\n        c(a)\n\n        d(a)",
  },
  "a Python call over several lines is one statement": {
    language: "python",
    text: "    x = │f(\n        a,\n    )\n    y = 1│",
    expected: "f(\n        a,\n    )",
  },
  "a decorator belongs to its function": {
    language: "python",
    text: "    │@property\n    def f(self):\n        return 1\n    x = 1│",
    expected: "@property\n    def f(self):\n        return 1",
  },
  "a docstring is not cut": {
    language: "python",
    text: '    │"""Adds.\n\n    Two numbers.\n    """\n    return 1│',
    expected: '"""Adds.\n\n    Two numbers.\n    """',
  },
  "a shell's block is one statement": {
    language: "shellscript",
    text: "│if [ $# -lt 1 ]; then\n  for a in b; do c; done\nfi\nexit 1│",
    expected: "if [ $# -lt 1 ]; then\n  for a in b; do c; done\nfi",
  },
  "a Ruby block is one statement": {
    language: "ruby",
    text: "  │a.each do |b|\n    c if b\n  end\n  d│",
    expected: "a.each do |b|\n    c if b\n  end",
  },
  "a Lua block is one statement": {
    language: "lua",
    text: "│local function f()\n  if a then b() end\nend\nf()│",
    expected: "local function f()\n  if a then b() end\nend",
  },
  "a block ends with its scope": {
    kind: "block",
    text: "function f() {│\n  a();\n  b();\n}\nfunction g() {│",
    expected: "\n  a();\n  b();\n}",
  },
  "a Python block ends with its scope": {
    kind: "block",
    language: "python",
    text: "def f():\n    │a()\n    return b\n\n\ndef g():│",
    expected: "a()\n    return b",
  },
};

describe("endOf", () => {
  for (const [name, { kind = "statement", language, text, expected }] of Object.entries(CASES)) {
    it(name, () => assert.equal(shown(kind, text, language), expected));

    it(`${name}; while it is being written, too`, () => {
      const [prefix, generated, suffix] = text.split("│") as [string, string, string];
      for (let length = 1; length < generated.length; length++) {
        const part = `${prefix}│${generated.slice(0, length)}│${suffix}`;
        const now = shown(kind, part, language, false);
        assert.ok(now === undefined || now === expected, JSON.stringify(now));
      }
    });
  }

  it("takes everything when the model has finished", () => {
    assert.equal(shown("statement", "x = │f(a,│"), "f(a,");
    assert.equal(shown("statement", "x = │f(a,│", "typescript", false), undefined);
  });
});

describe("firstLineEnd", () => {
  it("is where the first line with something on it is complete", () => {
    assert.equal(firstLineEnd("a(\n  b"), 2);
    assert.equal(firstLineEnd("\n  a(\n  b"), 5);
    assert.equal(firstLineEnd("\n  a("), undefined);
  });
});
