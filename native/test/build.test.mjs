import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import path from "node:path";
import { compile } from "../build/compile.mjs";
import { BuildError } from "../build/errors.mjs";
import { packageDirectory } from "../build/paths.mjs";
import { Progress } from "../build/progress.mjs";
import { outputOf } from "../build/run.mjs";
import { inScratch, writeFiles } from "../build/testing.mjs";

const silent = () => new Progress({ stream: { write: () => true } });

describe("the native build", function () {
  this.timeout(60_000);
  const preloaded = process.env.LD_PRELOAD;
  // A sanitizer that is preloaded for the addon is not for compilers.
  before(() => delete process.env.LD_PRELOAD);
  after(() => {
    if (preloaded !== undefined) process.env.LD_PRELOAD = preloaded;
  });

  it("does nothing when nothing changed", () => {
    const bins = path.join(packageDirectory, "bins");
    const times = () => readdirSync(bins).map((name) => [name, statSync(path.join(bins, name)).mtimeMs]);
    const before = times();
    const { status, stdout, stderr } = spawnSync(process.execPath, ["native/build.mjs"], {
      encoding: "utf8",
    });
    assert.deepEqual([status, stdout, stderr], [0, "", ""]);
    assert.deepEqual(times(), before);
  });

  it("goes on where it stopped, and says what the compiler said", () =>
    inScratch(async (directory) => {
      const sources = path.join(directory, "src");
      const project = [
        "cmake_minimum_required(VERSION 3.14)",
        "project(order C)",
        "add_library(good STATIC good.c)",
        "add_library(bad STATIC bad.c)",
        "add_dependencies(bad good)",
      ];
      writeFiles(sources, {
        "CMakeLists.txt": `${project.join("\n")}\n`,
        "good.c": "int good;\n",
        "bad.c": "int bad(void) { return missing; }\n",
      });
      const build = {
        sources,
        directory: path.join(directory, "build"),
        definitions: new Map(),
        toolchain: { compiler: "cc", processor: "a" },
        ninja: outputOf("ninja", ["--version"]) !== undefined,
        targets: ["bad"],
        jobs: 1,
        progress: silent(),
      };
      const failing = compile(build);
      await assert.rejects(failing, (error) => {
        assert.ok(error instanceof BuildError);
        assert.match(error.message, /bad\.c:1:24: error: .missing. undeclared/);
        return true;
      });
      const good = path.join(build.directory, "CMakeFiles/good.dir/good.c.o");
      const cache = path.join(build.directory, "CMakeCache.txt");
      const times = () => [good, cache].map((file) => statSync(file).mtimeMs);
      const before = times();
      writeFiles(sources, { "bad.c": "int bad;\n" });
      await compile(build);
      assert.ok(existsSync(path.join(build.directory, "libbad.a")));
      assert.deepEqual(times(), before);
    }));

  it("compiles all of it again for another compiler or processor", () =>
    inScratch(async (directory) => {
      const sources = path.join(directory, "src");
      writeFiles(sources, {
        "CMakeLists.txt":
          "cmake_minimum_required(VERSION 3.14)\nproject(one C)\nadd_library(one STATIC one.c)\n",
        "one.c": "int one;\n",
      });
      const build = (toolchain) =>
        compile({
          sources,
          directory: path.join(directory, "build"),
          definitions: new Map(),
          toolchain,
          ninja: outputOf("ninja", ["--version"]) !== undefined,
          targets: ["one"],
          jobs: 1,
          progress: silent(),
        });
      const compiled = () => statSync(path.join(directory, "build/CMakeFiles/one.dir/one.c.o")).mtimeMs;
      await build({ compiler: "cc 1", processor: "a" });
      const first = compiled();
      await build({ compiler: "cc 1", processor: "a" });
      assert.equal(compiled(), first);
      await build({ compiler: "cc 1", processor: "b" });
      const second = compiled();
      assert.notEqual(second, first);
      await build({ compiler: "cc 2", processor: "b" });
      assert.notEqual(compiled(), second);
    }));
});
