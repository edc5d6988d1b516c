import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { root } from "../bootstrap.mjs";
import { faultsOf } from "./check.mjs";

/*
 * Made by zig 0.17.1 with `-g0 -O1 -shared -s -nostdlib`: libnew.so for glibc 2.34, with a call of close_range; libbase.so and libold.so for glibc 2.28:
 * the latter calls the former's `offered` and close; asks.dll calls `absent` of libwinpthread-1.dll and GetTickCount.
 */
const file = (name) => readFileSync(path.join(root, "test/fixtures/binaries", name));
const files = (...names) => new Map(names.map((name) => [name, file(name)]));
const linux = { platform: "linux", arch: "x64" };
const windows = { platform: "win32", arch: "x64" };

describe("faultsOf", () => {
  it("finds nothing wrong with libraries that ask for what is there", () => {
    assert.deepEqual(faultsOf(files("libbase.so", "libold.so"), linux), []);
  });
  it("names the symbol of a newer C library, and who asks for it", () => {
    assert.deepEqual(faultsOf(files("libnew.so"), linux), [
      "libnew.so asks for close_range of GLIBC_2.34, and packages are for systems with glibc 2.28.",
    ]);
  });
  it("names a library of C++, which only its own versions of symbols tell", () => {
    const old = file("libold.so");
    old.write("GLIBCXX_2.5", old.indexOf("GLIBC_2.2.5"));
    const faults = faultsOf(new Map([...files("libbase.so"), ["libold.so", old]]), linux);
    assert.deepEqual(faults, [
      "libold.so asks for close of GLIBCXX_2.5, and packages are for systems with glibc 2.28.",
    ]);
  });
  it("names a library and a symbol that are nowhere", () => {
    assert.deepEqual(faultsOf(files("libold.so"), linux), [
      "libold.so loads libbase.so, which is neither in the package nor on systems with glibc 2.28.",
      "libold.so asks for offered, which none of its libraries has.",
    ]);
  });
  it("names a DLL that Windows does not have", () => {
    assert.deepEqual(faultsOf(files("asks.dll"), windows), [
      "asks.dll loads libwinpthread-1.dll, which is neither in the package nor on Windows 10.",
    ]);
  });
  it("names what a DLL of the package does not export, whatever the case of its name", () => {
    const both = new Map([...files("asks.dll"), ["LibWinPThread-1.dll", file("asks.dll")]]);
    assert.deepEqual(
      faultsOf(both, windows)[0],
      "asks.dll asks for absent, which libwinpthread-1.dll does not have.",
    );
  });
  it("names what is for another platform or processor, or no library", () => {
    const cases = [
      ["asks.dll", linux],
      ["libold.so", windows],
      ["libold.so", { platform: "linux", arch: "arm64" }],
    ];
    for (const [name, target] of cases)
      assert.deepEqual(faultsOf(files(name), target), [
        `${name} is no library for ${target.platform} on ${target.arch}.`,
      ]);
    for (const content of ["", "MZ", "#!/bin/sh\n", "\x7fELF"])
      assert.equal(faultsOf(new Map([["a.so", Buffer.from(content)]]), linux).length, 1);
  });
});
