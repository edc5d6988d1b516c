import assert from "node:assert/strict";
import { whyUnfit, type Here } from "./unfit";

const debian: Here = { platform: "linux", arch: "x64", glibc: "2.36", release: "6.1.0" };
const windows: Here = { platform: "win32", arch: "x64", glibc: undefined, release: "10.0.22631" };
const mac: Here = { platform: "darwin", arch: "arm64", glibc: undefined, release: "24.0.0" };

describe("whyUnfit", () => {
  it("has nothing against a package where it belongs, nor where there is none", () => {
    assert.equal(whyUnfit(debian, ["linux-x64"]), undefined);
    assert.equal(whyUnfit(debian, ["linux-x64", "linux-x64-cuda"]), undefined);
    assert.equal(whyUnfit(windows, ["win-x64"]), undefined);
    assert.equal(whyUnfit(mac, ["mac-arm64-metal"]), undefined);
    assert.equal(whyUnfit(debian, []), undefined);
    assert.equal(whyUnfit({ ...debian, glibc: "2.28" }, ["linux-x64"]), undefined);
  });
  it("names the platform of the package and the one that it is on", () => {
    assert.equal(
      whyUnfit(windows, ["linux-x64"]),
      "This package of Lacuna is for Linux x64, and VS Code runs on Windows x64: install the package for Windows x64.",
    );
    assert.match(whyUnfit({ ...debian, arch: "arm64" }, ["linux-x64"])!, /for Linux x64, .* on Linux arm64/);
    assert.match(whyUnfit({ ...debian, arch: "ia32" }, ["linux-x64"])!, /on Linux ia32/);
    assert.match(whyUnfit(mac, ["mac-x64"])!, /for macOS x64, and VS Code runs on macOS arm64/);
  });
  it("names a system that is too old, with its version and the one that it takes", () => {
    assert.match(
      whyUnfit({ ...debian, glibc: "2.27" }, ["linux-x64"])!,
      /needs glibc 2\.28 .* has 2\.27: update/,
    );
    assert.match(whyUnfit({ ...debian, glibc: "2.9" }, ["linux-x64"])!, /has 2\.9/);
    assert.match(
      whyUnfit({ ...windows, release: "6.3.9600" }, ["win-x64"])!,
      /needs Windows 10 .* 6\.3\.9600/,
    );
  });
  it("names a macOS that is too old", () => {
    assert.equal(whyUnfit({ ...mac, release: "23.0.0" }, ["mac-arm64"]), undefined);
    assert.match(
      whyUnfit({ ...mac, release: "22.6.0" }, ["mac-arm64"])!,
      /needs macOS 14 .*\(Darwin 22\.6\.0/,
    );
  });
  it("names a Linux without glibc", () => {
    assert.match(
      whyUnfit({ ...debian, glibc: undefined }, ["linux-x64"])!,
      /another C library \(as Alpine does\)/,
    );
  });
});
