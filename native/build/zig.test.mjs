import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, writeFileSync } from "node:fs";
import path from "node:path";
import { nodeApiFunctions, nodeApiStubs } from "./nodeApi.mjs";
import { inScratch } from "./testing.mjs";
import { wrapper } from "./zig.mjs";

describe("the wrapper of zig's compilers", () => {
  const assertCalls = (words, expected) =>
    inScratch((directory) => {
      const zig = path.join(directory, "zig of mine");
      writeFileSync(zig, '#!/bin/sh\nprintf "%s\\n" "$@"\n');
      const file = path.join(directory, "c++");
      writeFileSync(file, wrapper(zig, "c++", "aarch64-linux-gnu.2.28"));
      for (const one of [zig, file]) chmodSync(one, 0o755);
      const called = execFileSync(file, words, { encoding: "utf8" }).trimEnd().split("\n");
      assert.deepEqual(called, ["c++", "-target", "aarch64-linux-gnu.2.28", ...expected]);
    });
  before(function () {
    if (process.platform === "win32") this.skip();
  });

  it("passes words on as they are", async () => {
    const words = ["-O3", "-DNAME=a b", "-march=haswell", "a b.cpp"];
    await assertCalls(words, words);
  });
  for (const [ggml, zig] of [
    ["-march=armv8-a", "-mcpu=generic"],
    ["-march=armv8.2-a+dotprod+fp16+sve", "-mcpu=generic+v8_2a+dotprod+fullfp16+sve"],
    ["-march=armv9.2-a+fp16+sve2+sme", "-mcpu=generic+v9_2a+fullfp16+sve2+sme"],
    ["-march=armv8.6-a+dotprod+i8mm+nosve", "-mcpu=generic+v8_6a+dotprod+i8mm-sve"],
  ])
    it(`says ${zig} for ${ggml}`, () => assertCalls([ggml], [zig]));
});

describe("Node-API for Windows", () => {
  it("has every function that the headers declare for the addon's version, once", () => {
    const functions = nodeApiFunctions();
    assert.ok(functions.includes("napi_create_function") && functions.includes("napi_get_instance_data"));
    assert.equal(new Set(functions).size, functions.length);
    const listed = [...nodeApiStubs(functions).matchAll(/^ {4}F\((\w+)\)/gm)].map((match) => match[1]);
    assert.deepEqual(listed, functions);
  });
});
