import assert from "node:assert/strict";
import { buildStamp, sourceStamp } from "./inputs.mjs";
import { filesUnder, hashesUnder, stampOf } from "./stamp.mjs";
import { inScratch, writeFiles } from "./testing.mjs";

describe("stampOf", () => {
  it("depends on names and contents, not on their order", () => {
    const stamp = stampOf({ a: "1", b: "2" });
    assert.equal(stampOf({ b: "2", a: "1" }), stamp);
    assert.notEqual(stampOf({ a: "2", b: "1" }), stamp);
    assert.notEqual(stampOf({ a: "1", b: "2", c: "" }), stamp);
    assert.notEqual(stampOf({ a: '1"],["b', b: "2" }), stampOf({ a: "1", b: '"],["b2' }));
  });
});

describe("hashesUnder", () => {
  it("sees new, changed and renamed files", () =>
    inScratch((directory) => {
      writeFiles(directory, { "a.cpp": "1", "deep/b.cpp": "2" });
      const before = hashesUnder("addon", directory);
      assert.deepEqual(Object.keys(before), ["addon/a.cpp", "addon/deep/b.cpp"]);
      writeFiles(directory, { "a.cpp": "changed" });
      const after = hashesUnder("addon", directory);
      assert.notEqual(after["addon/a.cpp"], before["addon/a.cpp"]);
      assert.equal(after["addon/deep/b.cpp"], before["addon/deep/b.cpp"]);
      assert.deepEqual(Object.keys(hashesUnder("addon", directory, (file) => file !== "a.cpp")), [
        "addon/deep/b.cpp",
      ]);
      assert.deepEqual(filesUnder(`${directory}/nothing`), []);
    }));
});

describe("build stamps", () => {
  const inputs = { release: "v1", sources: { bundle: "1", "addon/a.cpp": "2" }, build: { "build.mjs": "3" } };
  const toolchain = { compiler: "gcc 12", processor: "avx2" };
  const stamp = (changes = {}, portable = false) =>
    buildStamp(
      changes.inputs ?? inputs,
      changes.definitions ?? new Map([["A", "1"]]),
      { ...toolchain, ...changes.toolchain },
      { portable },
    );
  it("change with sources, scripts, options and compiler", () => {
    const stamps = [
      stamp(),
      stamp({ inputs: { ...inputs, sources: { ...inputs.sources, "addon/a.cpp": "changed" } } }),
      stamp({ inputs: { ...inputs, build: { "build.mjs": "changed" } } }),
      stamp({ definitions: new Map([["A", "2"]]) }),
      stamp({ toolchain: { compiler: "gcc 13" } }),
      stamp({ toolchain: { processor: "avx512" } }),
    ];
    assert.equal(new Set(stamps).size, stamps.length);
    assert.equal(stamp(), stamp());
  });
  it("of a portable build does not depend on this machine's processor", () => {
    assert.equal(stamp({ toolchain: { processor: "avx512" } }, true), stamp({}, true));
  });
  it("of the sources does not change with the scripts that compile them", () => {
    assert.equal(sourceStamp({ ...inputs, build: { "build.mjs": "changed" } }), sourceStamp(inputs));
  });
});
