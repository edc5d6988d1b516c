import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { GitIgnored } from "./gitIgnored";

describe("GitIgnored", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), "lacuna-git-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function makeRepository(test: Mocha.Context): void {
    if (spawnSync("git", ["--version"]).status !== 0) {
      console.log("      Not tested: needs git.");
      test.skip();
    }
    execFileSync("git", ["init", "-q", folder]);
  }

  it("asks git, in whatever folder a file is", async function () {
    makeRepository(this);
    writeFileSync(path.join(folder, ".gitignore"), "build/\n*.local.ts\n");
    mkdirSync(path.join(folder, "build"));
    mkdirSync(path.join(folder, "src"));
    const files = ["build/a.ts", "src/a b.ts", "src/c.local.ts"].map((name) => path.join(folder, name));
    assert.deepEqual([...(await new GitIgnored().notIgnored(files))], [files[1]]);
  });

  it("looks through a link at what is behind it", async function () {
    makeRepository(this);
    writeFileSync(path.join(folder, ".gitignore"), "build/\n");
    mkdirSync(path.join(folder, "build"));
    mkdirSync(path.join(folder, "src"));
    symlinkSync("build", path.join(folder, "linked-build"));
    symlinkSync("src", path.join(folder, "linked-src"));
    const files = ["linked-build/a.ts", "linked-src/a.ts"].map((name) => path.join(folder, name));
    assert.deepEqual([...(await new GitIgnored().notIgnored(files))], [files[1]]);
  });

  it("takes everything for ignored in a repository that git refuses to read", async function () {
    makeRepository(this);
    writeFileSync(path.join(folder, ".git", "config"), "[this is no configuration\n");
    assert.deepEqual([...(await new GitIgnored().notIgnored([path.join(folder, "a.ts")]))], []);
  });

  it("takes files outside of a repository for not ignored", async () => {
    const file = path.join(folder, "a.ts");
    assert.deepEqual([...(await new GitIgnored().notIgnored([file]))], [file]);
  });

  it("asks once for a file, and again after a while", async () => {
    let asked = 0;
    let now = 0;
    const ignored = new GitIgnored(
      (_, __, input) => {
        asked++;
        return Promise.resolve(input.includes("b.ts") ? "./b.ts\0" : "");
      },
      () => now,
    );
    assert.deepEqual([...(await ignored.notIgnored(["/w/a.ts", "/w/b.ts"]))], ["/w/a.ts"]);
    await ignored.notIgnored(["/w/b.ts"]);
    assert.equal(asked, 1);
    now = 10 * 60_000;
    await ignored.notIgnored(["/w/b.ts"]);
    assert.equal(asked, 2);
  });

  it("takes a repository that does not answer for one that ignores everything", async () => {
    const ignored = new GitIgnored(() => Promise.resolve(undefined));
    assert.deepEqual([...(await ignored.notIgnored(["/w/a.ts"]))], []);
  });
});
