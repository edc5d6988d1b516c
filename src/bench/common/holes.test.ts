import assert from "node:assert/strict";
import { cutHoles, HOLE_KINDS } from "./holes";
import type { SourceFile } from "./sourceFiles";

const functionOf = (name: string): string =>
  `export function ${name}(value: number): number {\n  const double = value * 2;\n  const more = double + 1;\n  if (more > 3) {\n    return more;\n  }\n  return double;\n}\n\n`;

const file = (path: string, language: string): SourceFile => ({
  path,
  group: "g",
  language,
  text: Array.from({ length: 30 }, (_, i) => functionOf(`${path.replace(/\W/g, "")}${i}`)).join(""),
});

describe("holes", () => {
  const files = [file("a.ts", "TypeScript"), file("b.ts", "TypeScript"), file("c.js", "JavaScript")];
  const options = { count: 18, seed: 4, before: 800, after: 300 };
  const holes = cutHoles(files, options);

  it("leave their file whole", () => {
    assert.equal(holes.length, 18);
    for (const { prefix, middle, suffix, file: source } of holes) {
      assert.equal(prefix + middle + suffix, source.text);
      assert.ok(middle.trim().length >= 3);
    }
  });
  it("are of every language and kind in turn", () => {
    for (const language of ["TypeScript", "JavaScript"]) {
      for (const kind of HOLE_KINDS) {
        const found = holes.filter((hole) => hole.kind === kind && hole.file.language === language);
        assert.equal(found.length, 3, `${language} ${kind}`);
      }
    }
  });
  it("are what their kind says", () => {
    for (const { kind, prefix, middle, suffix } of holes) {
      assert.equal(suffix[0], "\n");
      if (kind === "rest of line") {
        assert.ok(!middle.includes("\n"));
      } else {
        assert.match(prefix, /\n[ \t]*$/);
        assert.ok(middle.includes("\n"));
      }
      if (kind === "block") {
        assert.match(prefix, /[{(:[]\s*$/);
      }
    }
  });
  it("keep the text that they need round them", () => {
    for (const { prefix, middle, suffix } of holes) {
      assert.ok(prefix.length >= options.before && middle.length + suffix.length >= options.after);
    }
  });
  it("depend on the seed only, and more begin with the same", () => {
    const ids = (found: typeof holes): string[] => found.map(({ id }) => id);
    assert.deepEqual(ids(cutHoles(files, { ...options, count: 6 })), ids(holes).slice(0, 6));
    assert.notDeepEqual(ids(cutHoles(files, { ...options, seed: 5 })), ids(holes));
  });
  it("are not cut into files that are too short", () => {
    assert.deepEqual(cutHoles([{ ...files[0]!, text: "const a = 1;\n" }], options), []);
  });
});
