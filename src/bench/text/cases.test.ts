import assert from "node:assert/strict";
import type { SourceFile } from "../common/sourceFiles";
import { cutCases } from "./cases";

const text = Array.from(
  { length: 80 },
  (_, i) =>
    `function f${i}(first, second) {\n  call${i}(first, "text ${i}");\n  return [first, second];\n}\n`,
).join("\n");
const files: SourceFile[] = ["a.ts", "b.js"].map((name) => ({
  path: `pack/src/${name}`,
  group: "pack",
  language: name.endsWith("ts") ? "TypeScript" : "JavaScript",
  text: `// ${name}\n${text}`,
}));

describe("cutCases", () => {
  it("takes pieces out of files, which are known in their project", () => {
    for (const { prefix, middle, suffix, file, path, files: others } of cutCases(files, 40, 1)) {
      assert.equal(prefix + middle + suffix, files.find((one) => one.path === file)!.text);
      assert.equal(`pack/${path}`, file);
      assert.deepEqual(
        others.map((other) => other.path),
        ["src/a.ts", "src/b.js"],
      );
    }
  });

  it("has a quarter of them inside of brackets that are closed already", () => {
    const inside = cutCases(files, 40, 1).filter(({ kind }) => kind === "inside brackets");
    assert.equal(inside.length, 10);
    for (const { prefix, middle, suffix } of inside) {
      assert.match(prefix, /[([{]$/);
      assert.doesNotMatch(middle, /[()[\]{}\n]/);
      assert.match(suffix, /^[)\]}]+[;,]?\n/);
    }
  });

  it("depends on the seed only", () => {
    const ids = (seed: number): string[] => cutCases(files, 24, seed).map(({ id }) => id);
    assert.deepEqual(ids(3), ids(3));
    assert.notDeepEqual(ids(3), ids(4));
    assert.equal(new Set(ids(3)).size, 24);
  });
});
