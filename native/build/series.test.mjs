import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { BuildError } from "./errors.mjs";
import {
  applyPatch,
  applyUnlessThere,
  hunkHeader,
  patchesIn,
  rejectedHunks,
  upstreamPatchNames,
} from "./series.mjs";
import { git } from "./sources.mjs";
import { inScratch, writeFiles } from "./testing.mjs";

const lines = (count, change = {}) =>
  Array.from({ length: count }, (_, i) => `${change[i + 1] ?? `line ${i + 1}`}\n`).join("");

/** Changes line 2 and line 38 of src/a.cpp. */
const patch = `diff --git a/src/a.cpp b/src/a.cpp
--- a/src/a.cpp
+++ b/src/a.cpp
@@ -1,4 +1,4 @@ first()
 line 1
-line 2
+line two
 line 3
 line 4
@@ -36,4 +36,5 @@ second()
 line 36
 line 37
-line 38
+line thirty
+eight
 line 39
`;

describe("patch series", () => {
  it("applies inside of another repository's ignored folder", () =>
    inScratch(async (directory) => {
      writeFiles(directory, {
        ".git/HEAD": "ref: refs/heads/main\n",
        "tree/src/a.cpp": lines(40),
        "0001-a.patch": patch,
      });
      await applyPatch(path.join(directory, "tree"), path.join(directory, "0001-a.patch"));
      const expected = lines(40, { 2: "line two", 38: "line thirty\neight" });
      assert.equal(readFileSync(path.join(directory, "tree/src/a.cpp"), "utf8"), expected);
    }));

  it("names the patch, the file and the hunk that no longer applies", () =>
    inScratch(async (directory) => {
      const changed = lines(40, { 37: "somebody else's", 38: "change" });
      writeFiles(directory, { "tree/src/a.cpp": changed, "0007-second.patch": patch });
      const applying = applyPatch(path.join(directory, "tree"), path.join(directory, "0007-second.patch"));
      await assert.rejects(applying, (error) => {
        assert.ok(error instanceof BuildError);
        assert.match(
          error.message,
          /0007-second\.patch no longer applies:\n {2}src\/a\.cpp, hunk 2: @@ -36,4 \+36,5 @@ second\(\)\n/,
        );
        assert.doesNotMatch(error.message, /hunk 1/);
        return true;
      });
    }));

  it("names a file that is gone", () =>
    inScratch(async (directory) => {
      writeFiles(directory, { "tree/src/b.cpp": "", "0001-a.patch": patch });
      const applying = applyPatch(path.join(directory, "tree"), path.join(directory, "0001-a.patch"));
      await assert.rejects(applying, /src\/a\.cpp: there is no such file/);
    }));

  it("leaves a patch out that the sources already have", () =>
    inScratch(async (directory) => {
      writeFiles(directory, { "tree/src/a.cpp": lines(40), "a.diff": patch });
      const [tree, file] = [path.join(directory, "tree"), path.join(directory, "a.diff")];
      assert.equal(await applyUnlessThere(tree, file), true);
      assert.equal(await applyUnlessThere(tree, file), false);
    }));

  it("is ordered by number, and holds nothing else", () =>
    inScratch((directory) => {
      writeFiles(directory, {
        "0010-c.patch": "",
        "0002-b.patch": "",
        "0001-a.patch": "",
        "series.md": "",
        "0003-d.patch.orig": "",
      });
      const names = patchesIn(directory).map((file) => path.basename(file));
      assert.deepEqual(names, ["0001-a.patch", "0002-b.patch", "0010-c.patch"]);
      assert.deepEqual(patchesIn(path.join(directory, "nothing")), []);
    }));
});

describe("git", () => {
  it("works on its own folder even when a hook of another repository has started the build", () =>
    inScratch(async (directory) => {
      const [theirs, ours] = [path.join(directory, "theirs"), path.join(directory, "ours")];
      writeFiles(directory, { "theirs/a.txt": "theirs", "ours/b.txt": "ours" });
      const { GIT_DIR, GIT_INDEX_FILE } = process.env;
      await git("init", "--quiet", theirs);
      await git("-C", theirs, "add", "--all");
      const index = path.join(theirs, ".git/index");
      const staged = readFileSync(index);
      Object.assign(process.env, { GIT_DIR: path.join(theirs, ".git"), GIT_INDEX_FILE: index });
      try {
        await git("init", "--quiet", ours);
        await git("-C", ours, "add", "--all");
      } finally {
        for (const [name, value] of Object.entries({ GIT_DIR, GIT_INDEX_FILE }))
          if (value === undefined) delete process.env[name];
          else process.env[name] = value;
      }
      assert.deepEqual(readFileSync(index), staged);
      assert.ok(existsSync(path.join(ours, ".git/index")));
    }));
});

describe("git's answers", () => {
  it("are read for every rejected hunk", () => {
    const output = [
      "Checking patch src/a.cpp...",
      "error: while searching for:",
      "error: patch failed: src/a.cpp:36",
      "Checking patch src/b.cpp...",
      "Applying patch src/a.cpp with 2 rejects...",
      "Rejected hunk #1.",
      "Hunk #2 applied cleanly.",
      "Rejected hunk #3.",
      "Applied patch src/b.cpp cleanly.",
    ];
    assert.deepEqual(rejectedHunks(output), [
      { file: "src/a.cpp", hunk: 1 },
      { file: "src/a.cpp", hunk: 3 },
    ]);
  });
  it("are completed by the hunk's own header", () => {
    assert.equal(hunkHeader(patch, "src/a.cpp", 2), "@@ -36,4 +36,5 @@ second()");
    assert.equal(hunkHeader(patch, "src/a.cpp", 3), undefined);
    assert.equal(hunkHeader(patch, "src/b.cpp", 1), undefined);
  });
});

describe("node-llama-cpp's own patch list", () => {
  it("is read in order", () => {
    const source =
      'const patches = [{\n  filename: "PR-1.diff",\n  title: "a",\n}, {filename: "PR-2.diff"}];\nfilename + ".x"';
    assert.deepEqual(upstreamPatchNames(source), ["PR-1.diff", "PR-2.diff"]);
  });
});
