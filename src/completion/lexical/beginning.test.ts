import assert from "node:assert/strict";
import { Readings } from "./reading";
import { textAround } from "./state";

const METHOD =
  'def f(a):\n    """Return the first of all values.\n\n    It is what the caller wants to have, most of the time.\n    """\n    return g(a)\n\n';

/** What the cursor at the end of a part is in. */
function around(part: string, cut: boolean, language = "python"): string | undefined {
  const place = {
    document: "a",
    language,
    offset: part.length + (cut ? 1_000 : 0),
    prefix: part,
    suffix: "",
  };
  return textAround(new Readings().at(place).state)?.kind;
}

describe("a part of a document", () => {
  it("that begins within a docstring is read as one that does", () => {
    const text = METHOD.repeat(20);
    const within = text.slice(text.indexOf("It is what"));
    assert.equal(around(`${within}x = `, true), undefined);
    assert.equal(around(`${within}def h():\n    """Return `, true), "quote");
  });

  it("that begins with code is read as that", () => {
    assert.equal(around(`${METHOD.repeat(20)}x = `, true), undefined);
    assert.equal(around("a = 1\nb = 2\n", true), undefined);
  });

  it("that begins within a comment is read as one that does, whatever signs are in it", () => {
    const text =
      " * The state as it is; `a` is not.\n * @returns what\n */\nexport declare function f(a: A): B;\n/** One `b` of it. */\n" +
      "export declare const enum C {\n  A = `a`,\n}\n";
    assert.equal(around(`${text}x = `, true, "typescript"), undefined);
    assert.equal(around(`${text}/** It `, true, "typescript"), "comment");
    assert.equal(around("a = b\n  * c(`d` */ e/)\n", true, "typescript"), undefined);
  });

  it("that is all of it begins as it does", () => {
    const text = 'The first line of it is prose, which no parser takes.\n"""\nx = ';
    assert.equal(around(text, false), "quote");
  });

  it("that moves is read anew", () => {
    const readings = new Readings();
    const text = METHOD.repeat(40);
    for (let from = 0; from < 2_000; from += 37) {
      const start = text.indexOf("\n", from) + 1;
      const prefix = `${text.slice(start)}x = `;
      const place = { document: "a", language: "python", offset: 10_000, prefix, suffix: "" };
      assert.equal(textAround(readings.at(place).state), undefined, String(from));
    }
  });
});
