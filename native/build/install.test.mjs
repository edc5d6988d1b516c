import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, statSync, utimesSync } from "node:fs";
import path from "node:path";
import { fromOsRelease } from "./distribution.mjs";
import { BuildError } from "./errors.mjs";
import { buildMetadata, install, installedStamp } from "./install.mjs";
import { withLock } from "./lock.mjs";
import { syncTree } from "./sources.mjs";
import { inScratch, writeFiles } from "./testing.mjs";

describe("install", () => {
  const metadata = buildMetadata({
    gpu: false,
    platform: "linux",
    arch: "x64",
    distribution: fromOsRelease(
      'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\n',
    ),
    release: "v0.5.0",
  });
  it("replaces what was there, with the files that node-llama-cpp looks for", () =>
    inScratch((directory) => {
      const build = path.join(directory, "build");
      writeFiles(build, {
        "llama-addon.node": "a",
        "bin/libggml.so": "b",
        "bin/other.txt": "c",
        "build.ninja": "d",
      });
      const target = path.join(directory, "bins/linux-x64");
      writeFiles(target, { "libold.so": "old" });
      install({ buildDirectory: build, directory: target, metadata, stamp: "s1", variant: "linux-x64" });
      assert.deepEqual(readdirSync(target).sort(), [
        "_lacunaBuild.json",
        "_nlcBuildMetadata.json",
        "libggml.so",
        "llama-addon.node",
      ]);
      assert.deepEqual(readdirSync(path.dirname(target)), ["linux-x64"]);
      assert.equal(installedStamp(target), "s1");
      const written = JSON.parse(readFileSync(path.join(target, "_nlcBuildMetadata.json"), "utf8"));
      assert.deepEqual(written.buildOptions.platformInfo, { name: "Debian GNU/Linux", version: "12" });
      assert.equal(written.buildOptions.gpu, false);
    }));
  it("keeps what was there when the build made no addon", () =>
    inScratch((directory) => {
      const target = path.join(directory, "bins");
      writeFiles(directory, { "build/bin/libggml.so": "b", "bins/llama-addon.node": "old" });
      assert.throws(
        () =>
          install({
            buildDirectory: path.join(directory, "build"),
            directory: target,
            metadata,
            stamp: "s",
            variant: "v",
          }),
        BuildError,
      );
      assert.equal(readFileSync(path.join(target, "llama-addon.node"), "utf8"), "old");
      assert.equal(installedStamp(target), undefined);
    }));
});

describe("syncTree", () => {
  it("touches only what differs", () =>
    inScratch((directory) => {
      const [from, to] = [path.join(directory, "from"), path.join(directory, "to")];
      writeFiles(from, { "same.cpp": "1", "deep/changed.cpp": "new", "added.cpp": "3" });
      writeFiles(to, {
        "same.cpp": "1",
        "deep/changed.cpp": "old",
        "gone.cpp": "4",
        "torn.cpp.partial": "5",
      });
      const before = statSync(path.join(to, "same.cpp")).mtimeMs;
      assert.deepEqual(syncTree(from, to), { changed: 2, removed: 2 });
      assert.equal(statSync(path.join(to, "same.cpp")).mtimeMs, before);
      assert.equal(readFileSync(path.join(to, "deep/changed.cpp"), "utf8"), "new");
      assert.ok(!existsSync(path.join(to, "gone.cpp")));
      assert.deepEqual(syncTree(from, to), { changed: 0, removed: 0 });
    }));
});

describe("withLock", () => {
  it("lets one in at a time, and goes away after an error", () =>
    inScratch(async (directory) => {
      const lock = path.join(directory, "lock");
      const order = [];
      const first = withLock(lock, assert.fail, async () => {
        order.push("first in");
        await new Promise((resolve) => setTimeout(resolve, 20));
        order.push("first out");
        throw new Error("failed");
      });
      const waited = [];
      const second = withLock(
        lock,
        (owner) => waited.push(owner),
        async () => order.push("second in"),
      );
      await assert.rejects(first, /failed/);
      await second;
      assert.deepEqual(order, ["first in", "first out", "second in"]);
      assert.deepEqual(waited, [process.pid]);
      assert.ok(!existsSync(lock));
    }));
  it("takes over from an owner that died", () =>
    inScratch(async (directory) => {
      const lock = path.join(directory, "lock");
      writeFiles(directory, { lock: "999999999" });
      assert.equal(await withLock(lock, assert.fail, async () => "done"), "done");
    }));
  it("takes over from an owner that died and whose number another process has got since", () =>
    inScratch(async (directory) => {
      const lock = path.join(directory, "lock");
      writeFiles(directory, { lock: String(process.ppid) });
      utimesSync(lock, 1, 1);
      assert.equal(await withLock(lock, assert.fail, async () => "done"), "done");
    }));
});
