import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { makeFolder, makeFolderSync } from "./makeFolder";

const ways: readonly [string, typeof makeFolder][] = [
  ["makeFolder", makeFolder],
  [
    "makeFolderSync",
    (...given) =>
      new Promise((resolve) => {
        makeFolderSync(...given);
        resolve();
      }),
  ],
];

for (const [name, make] of ways) {
  describe(name, () => {
    let scratch: string;
    beforeEach(() => {
      scratch = mkdtempSync(path.join(tmpdir(), "lacuna-folder-"));
    });
    afterEach(() => rmSync(scratch, { recursive: true, force: true }));
    const isFolder = (folder: string): boolean => statSync(folder).isDirectory();

    it("makes the folders above, too, and leaves what is there", async () => {
      const folder = path.join(scratch, "a", "b", "c");
      await make(folder);
      writeFileSync(path.join(folder, "kept"), "");
      await make(folder);
      await make(`${folder}${path.sep}`);
      assert.ok(existsSync(path.join(folder, "kept")));
    });

    it("does not mind others that make the same at the same time", async () => {
      const folder = path.join(scratch, "a", "b", "c");
      await Promise.all(Array.from({ length: 8 }, () => make(folder)));
      assert.ok(isFolder(folder));
    });

    it("gives the mode to all that it makes", async function () {
      if (process.platform === "win32") {
        this.skip(); // folders of a user are the user's
      }
      await make(path.join(scratch, "a", "b"), { mode: 0o700 });
      for (const folder of ["a", "a/b"]) {
        assert.equal(statSync(path.join(scratch, folder)).mode & 0o777, 0o700);
      }
    });

    it("says what is in the way", async () => {
      writeFileSync(path.join(scratch, "file"), "");
      await assert.rejects(make(path.join(scratch, "file")), { code: "EEXIST" });
      await assert.rejects(make(path.join(scratch, "file", "a")), /EEXIST|ENOTDIR/);
      if (process.platform !== "win32") {
        symlinkSync(path.join(scratch, "nowhere"), path.join(scratch, "link"));
        await assert.rejects(make(path.join(scratch, "link", "a")), { code: "EEXIST" });
      }
    });

    it("ends where a system has no place for folders", async function () {
      if (process.platform !== "linux") {
        this.skip(); // there is no such place elsewhere
      }
      for (const folder of ["/proc/lacuna", "/proc/lacuna/a/b"]) {
        const message = "EPERM: no folder can be made in /proc, mkdir '/proc/lacuna'";
        await assert.rejects(make(folder), { code: "EPERM", message });
      }
    });
  });
}
