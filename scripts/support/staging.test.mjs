import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { root } from "./bootstrap.mjs";
import { packagedManifest, reachedFiles, runtimePackages, ships } from "./staging.mjs";

describe("ships", () => {
  let reached;
  before(async () => {
    reached = await reachedFiles(root);
  });
  for (const file of [
    "node-llama-cpp/dist/index.js",
    "node-llama-cpp/dist/bindings/utils/testBindingBinary.js",
    "node-llama-cpp/package.json",
    "node-llama-cpp/LICENSE",
    "node-llama-cpp/llama/llama.cpp.info.json",
    "node-llama-cpp/llama/binariesGithubRelease.json",
    "cmake-js/package.json",
    "cmake-js/node_modules/which/package.json",
    "ipull/dist/index.js",
    "@huggingface/jinja/dist/index.js",
  ])
    it(`keeps ${file}`, () => assert.equal(ships(file, reached), true));
  for (const file of [
    "node-llama-cpp/dist/index.d.ts",
    "node-llama-cpp/dist/index.js.map",
    "node-llama-cpp/llama/gitRelease.bundle",
    "node-llama-cpp/llama/addon/addon.cpp",
    "node-llama-cpp/bins/linux-x64/llama-addon.node",
    "node-llama-cpp/README.md",
    "node-llama-cpp/llama/.clang-format",
    "node-llama-cpp/llama/grammars/json.gbnf",
    "sleep-promise/yarn.lock",
    "proper-lockfile/node_modules/retry/Makefile",
    "proper-lockfile/node_modules/retry/equation.gif",
    "@huggingface/jinja/tsconfig.json",
    "node-llama-cpp/dist/cli/cli.js",
    "cmake-js/lib/index.js",
    "cmake-js/node_modules/which/lib/index.js",
    "yargs/yargs.mjs",
    "node-llama-cpp/node_modules/node-addon-api/napi.h",
    "minimist/test/bool.js",
  ])
    it(`leaves out ${file}`, () => assert.equal(ships(file, reached), false));
});

describe("runtimePackages", () => {
  it("are node-llama-cpp and what it needs", () => {
    const lock = JSON.parse(readFileSync(path.join(root, "package-lock.json"), "utf8"));
    const places = runtimePackages(lock);
    assert.ok(places.includes("node_modules/node-llama-cpp"));
    assert.ok(places.includes("node_modules/lifecycle-utils"));
    for (const tool of ["esbuild", "typescript", "mocha", "eslint"])
      assert.ok(!places.includes(`node_modules/${tool}`), tool);
    assert.ok(!places.some((place) => place.startsWith("node_modules/@node-llama-cpp/")));
  });
});

describe("packagedManifest", () => {
  it("leaves out what only developers need", () => {
    const manifest = {
      name: "lacuna",
      private: true,
      bin: { lacuna: "dist/cli.mjs" },
      scripts: { test: "x" },
      overrides: { a: "b" },
      dependencies: { "node-llama-cpp": "3.22.1" },
      devDependencies: { mocha: "1" },
      contributes: {},
    };
    assert.deepEqual(packagedManifest(manifest), {
      name: "lacuna",
      dependencies: { "node-llama-cpp": "3.22.1" },
      contributes: {},
    });
  });
});
