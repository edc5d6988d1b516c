import assert from "node:assert/strict";
import { declarationAt, declarationsOf, mentionsBefore } from "./declarations";
import { EditLog } from "./edits";
import { importsOf } from "./imports";

describe("importsOf", () => {
  it("finds what TypeScript and JavaScript import from the project", () => {
    const found = importsOf(
      `import fs from "node:fs";\nimport type { A, B as C } from "./a";\nexport * from "../b.js";\nconst d = require('./d');\nimport {\n  e,\n  type F,\n} from "./e";\n`,
      "typescript",
    );
    assert.deepEqual(
      found.map(({ candidates, names }) => [candidates[0], names]),
      [
        ["a.ts", ["A", "B"]],
        ["../b.ts", []],
        ["e.ts", ["e", "F"]],
        ["d.ts", ["d"]],
      ],
    );
    assert.ok(found[1]!.candidates.includes("../b.js"));
  });
  it("finds what Python imports from the project", () => {
    const found = importsOf(
      "from .a import b, c as d\nfrom ..e.f import (\n    g,\n)\nfrom h.i import j\nimport os\n",
      "python",
    );
    assert.deepEqual(found, [
      { candidates: ["a.py", "a/__init__.py"], fromRoot: false, names: ["b", "c"] },
      { candidates: ["../e/f.py", "../e/f/__init__.py"], fromRoot: false, names: ["g"] },
      { candidates: ["h/i.py", "h/i/__init__.py"], fromRoot: true, names: ["j"] },
    ]);
  });
});

describe("mentionsBefore", () => {
  it("finds names, the nearest first, each once, where it stands last", () => {
    const text = "items.add(total); // notes\nconst sum = total + 'text';";
    assert.deepEqual(mentionsBefore(text, 3), [
      { name: "total", offset: text.lastIndexOf("total") },
      { name: "sum", offset: text.indexOf("sum") },
      { name: "add", offset: text.indexOf("add") },
    ]);
  });
});

describe("declarations", () => {
  const text = [
    "export interface Item {",
    "  name: string;",
    "}",
    "",
    "const limit = 3;",
    "export function add(",
    "  item: Item,",
    "): void {",
    "  items.push(item);",
    "}",
    "function other() {}",
  ].join("\n");
  it("end with their block", () => {
    assert.equal(declarationAt(text, 0), "export interface Item {\n  name: string;\n}");
    assert.equal(declarationAt(text, 4), "const limit = 3;");
    assert.equal(declarationAt(text, 99), "");
    assert.equal(declarationAt("def f(a):\n    return a\n\nx = 1", 0), "def f(a):\n    return a");
  });
  it("are found by name", () => {
    assert.equal(
      declarationsOf(text, ["Item", "limit"]),
      "export interface Item {\n  name: string;\n}\nconst limit = 3;",
    );
    assert.equal(declarationsOf(text, ["missing"]), "");
  });
});

describe("EditLog", () => {
  const edit = (
    line: number,
    removed: string[],
    added: string[],
    path = "a.ts",
  ): Parameters<EditLog["record"]>[0] => ({
    ...{ path, line, removed, added },
  });
  it("takes typing in one place for one edit", () => {
    const log = new EditLog();
    log.record(edit(2, ["foo"], ["foo("]));
    log.record(edit(2, ["foo("], ["foo(a)"]));
    log.record(edit(2, ["foo(a)"], ["foo(a)", "bar"]));
    assert.equal(log.diff(1_000), "--- a.ts\n+++ a.ts\n@@ -3,1 +3,2 @@\n-foo\n+foo(a)\n+bar");
  });
  it("tells places and files apart, oldest first", () => {
    const log = new EditLog();
    log.record(edit(2, ["a"], ["b"]));
    log.record(edit(9, ["c"], ["d"]));
    log.record(edit(9, ["e"], ["f"], "b.ts"));
    assert.deepEqual(log.diff(1_000).match(/^\+(?!\+).*$/gm), ["+b", "+d", "+f"]);
  });
  it("forgets what was undone, and files", () => {
    const log = new EditLog();
    log.record(edit(2, ["a"], ["b"]));
    log.record(edit(2, ["b"], ["a"]));
    assert.equal(log.diff(1_000), "");
    log.record(edit(2, ["a"], ["b"]));
    log.forget((path) => path === "a.ts");
    assert.equal(log.diff(1_000), "");
  });
  it("leaves out where one is typing, and what is too long", () => {
    const log = new EditLog();
    log.record(edit(2, ["a"], ["b"]));
    assert.equal(log.diff(1_000, { file: "a.ts", line: 4 }), "");
    assert.notEqual(log.diff(1_000, { file: "a.ts", line: 40 }), "");
    assert.equal(log.diff(10), "");
  });
});
