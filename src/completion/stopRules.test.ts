import assert from "node:assert/strict";
import { StopRules, type StopContext } from "./stopRules";

/** Feeds `generated` in pieces of `size` characters; `│` in `document` is the cursor. */
function run(document: string, generated: string, options: Partial<StopContext> = {}, size = 1): string {
  const [prefix, suffix] = document.split("│") as [string, string];
  const rules = new StopRules({ prefix, suffix, ...options });
  for (let at = 0; at < generated.length; at += size) {
    const state = rules.push(generated.slice(at, at + size));
    if (state.stop) {
      assert.ok(generated.startsWith(state.text));
      return `${state.rule}: ${JSON.stringify(state.text)}`;
    }
  }
  return `no stop: ${JSON.stringify(rules.generated)}`;
}

interface Case {
  readonly name: string;
  readonly document: string;
  readonly generated: string;
  readonly expected: string;
  readonly options?: Partial<StopContext>;
}

const CASES: readonly Case[] = [
  {
    name: "goes on within a line",
    document: "const a = │",
    generated: "b + c",
    expected: 'no stop: "b + c"',
  },
  {
    name: "counts lines",
    document: "  a│",
    generated: "b\n  c\n  d\n",
    options: { maxLines: 2 },
    expected: 'max-lines: "b\\n  c"',
  },
  {
    name: "stops at the end of the first line",
    document: "a│",
    generated: " = 1;\nb",
    options: { maxLines: 1 },
    expected: 'max-lines: " = 1;"',
  },
  {
    name: "stops before a dedent",
    document: "def f():\n    │",
    generated: "x = 1\n    return x\n\nprint(f())",
    expected: 'scope-closed: "x = 1\\n    return x"',
  },
  {
    name: "does not take white space for a dedent",
    document: "def f():\n    │",
    generated: "x = 1\n\n    return x",
    expected: 'no stop: "x = 1\\n\\n    return x"',
  },
  {
    name: "takes the closing line of a block that the cursor's line opens",
    document: "function f() {│",
    generated: "\n  return 1;\n}\nfunction g() {",
    expected: 'scope-closed: "\\n  return 1;\\n}"',
  },
  {
    name: "leaves the closing line to the suffix where it has one",
    document: "function f() {│\n}\n",
    generated: "\n  return 1;\n}\nfunction g() {",
    expected: 'scope-closed: "\\n  return 1;"',
  },
  {
    name: "does not take the closing line of the block outside for its own",
    document: "function f() {\n  if (a) {│\n}\n",
    generated: "\n    b();\n  }\n  c();",
    expected: 'scope-closed: "\\n    b();\\n  }"',
  },
  {
    name: "goes on through else",
    document: "  if (a) {│",
    generated: "\n    b();\n  } else {\n    c();\n  }\n  d();",
    expected: 'scope-closed: "\\n    b();\\n  } else {\\n    c();\\n  }"',
  },
  {
    name: "ends a Python block at the next statement of its level",
    document: "def f():│",
    generated: "\n    a = 1\n\n    return a\ndef g():",
    expected: 'scope-closed: "\\n    a = 1\\n\\n    return a"',
  },
  {
    name: "goes on through the clauses of a Python statement",
    document: "  try:│",
    generated: "\n    a()\n  except KeyError:\n    b()\n  else:\n    c()\n  exit()\n",
    expected: 'scope-closed: "\\n    a()\\n  except KeyError:\\n    b()\\n  else:\\n    c()"',
  },
  {
    name: "closes a call over several lines",
    document: "  foo(│",
    generated: "\n    a,\n    b,\n  );\n  bar();",
    expected: 'scope-closed: "\\n    a,\\n    b,\\n  );"',
  },
  {
    name: "counts a tab as four",
    document: "func f() {\n\t│",
    generated: "a()\n\tb()\n}\n",
    expected: 'scope-closed: "a()\\n\\tb()"',
  },
  {
    name: "ends a top-level statement at a blank line",
    document: "import a from 'a';\n│",
    generated: "import b from 'b';\nimport c from 'c';\n\nconst",
    expected: "blank-lines: \"import b from 'b';\\nimport c from 'c';\"",
  },
  {
    name: "ends anything at two blank lines",
    document: "  │",
    generated: "a\n\n\n  b",
    expected: 'blank-lines: "a"',
  },
  {
    name: "stops when the suffix is reached",
    document: "  │\n  return total;\n}",
    generated: "total += 1;\n  return total;\n",
    expected: 'suffix-reached: "total += 1;"',
  },
  {
    name: "does not take a lone brace for the suffix",
    document: "  if (x) {\n    │\n    }\n",
    generated: "a\n    }\n    b",
    expected: 'no stop: "a\\n    }\\n    b"',
  },
  {
    name: "stops a line that repeats",
    document: "  │",
    generated: "x = 1\n  y = 2\n  y = 2\n  y = 2\n",
    expected: 'repetition: "x = 1\\n  y = 2"',
  },
  {
    name: "stops a cycle of lines",
    document: "  │",
    generated: "a = 1\n  b = 2\n  a = 1\n  b = 2\n",
    expected: 'repetition: "a = 1\\n  b = 2"',
  },
  {
    name: "leaves repeated closers alone",
    document: "│",
    generated: "a(\n  b(\n    {\n    }\n    }\n    }\n",
    expected: 'no stop: "a(\\n  b(\\n    {\\n    }\\n    }\\n    }\\n"',
  },
  {
    name: "handles CRLF",
    document: "  a│",
    generated: "b\r\n  c\r\n",
    options: { maxLines: 2 },
    expected: 'max-lines: "b\\r\\n  c"',
  },
];

describe("StopRules", () => {
  for (const { name, document, generated, expected, options } of CASES) {
    it(name, () => {
      assert.equal(run(document, generated, options), expected);
    });

    it(`${name}, in whatever pieces`, () => {
      for (const size of [2, 3, 7, 100]) {
        assert.equal(run(document, generated, options, size), expected);
      }
    });
  }

  it("stops a cycle within a line, soon", () => {
    const rules = new StopRules({ prefix: "", suffix: "" });
    let pushed = 0;
    for (; pushed < 100; pushed++) {
      const state = rules.push("0, ");
      if (state.stop) {
        assert.equal(state.rule, "repetition");
        assert.equal(state.text, "0");
        break;
      }
    }
    assert.ok(pushed < 30);
  });
});
