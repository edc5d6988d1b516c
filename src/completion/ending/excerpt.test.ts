import assert from "node:assert/strict";
import { at } from "../testing";
import { readingOf } from "../lexical/reading";
import { excerptOf, type Excerpt } from "./excerpt";

const lines = (count: number, line: string): string => `${line}\n`.repeat(count);

function excerpt(text: string, language: string): Excerpt & { readonly below: string } {
  const cursor = at(text);
  const found = excerptOf(readingOf({ ...cursor, language }), cursor.suffix, language)!;
  return { ...found, below: cursor.suffix.slice(0, found.end) };
}

describe("excerptOf", () => {
  it("is the header of the class, that of the method, and the lines near the cursor", () => {
    const { head, below } = excerpt(
      `import a from "a";\n\nexport class A<T>\n  extends B<T> {\n${lines(300, "  before() {\n  }\n")}  async here(\n    c: C,\n  ): void {\n` +
        `${lines(60, "    d();")}    e(│);\n${lines(60, "    f();")}  }\n${lines(300, "  after() {\n  }\n")}}\n`,
      "typescript",
    );
    assert.equal(
      head,
      `export class A<T>\n  extends B<T> {\n  async here(\n    c: C,\n  ): void {\n${lines(10, "    d();")}    e(`,
    );
    assert.equal(below, `);\n${lines(6, "    f();")}`);
  });

  it("keeps the case of a switch, and takes a clause for a header of its own", () => {
    const { head } = excerpt(
      `function f(x) {\n  if (a) {\n    g();\n  } else {\n    switch (x) {\n      case 1:\n${lines(30, "        d();")}        e(│);\n      case 2:\n`,
      "javascript",
    );
    assert.equal(
      head,
      `function f(x) {\n  if (x) {\n    switch (x) {\n      case 1:\n${lines(10, "        d();")}        e(`,
    );
  });

  it("is what is indented less, in Python", () => {
    const { head } = excerpt(
      `class A:\n${lines(40, "    b = 1\n")}    def c(\n        self,\n    ) -> int:\n        try:\n${lines(30, "            d()")}        else:\n${lines(30, "            e()")}            f(│)\n`,
      "python",
    );
    assert.equal(
      head,
      `class A:\n    def c(\n        self,\n    ) -> int:\n        if x:\n${lines(10, "            e()")}            f(`,
    );
  });

  it("is shorter than a long comment, and ends it", () => {
    const { head, below, closer } = excerpt(
      `int a;\n/*\n${lines(400, " * some text")} * │here\n${lines(400, " * more text")} */\nint b;\n`,
      "c",
    );
    assert.equal(head, `/*\n${lines(10, " * some text")} * `);
    assert.equal(below, `here\n${lines(6, " * more text")}`);
    assert.equal(closer, "*/");
  });

  it("is none where it would be long", () => {
    const cursor = at(`begin\n${lines(600, "  a = b\n  c = d")}  e = │\nend\n`);
    assert.equal(excerptOf(readingOf({ ...cursor, language: "ruby" }), cursor.suffix, "ruby"), undefined);
  });
});
