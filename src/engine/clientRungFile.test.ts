import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { rungFile } from "./clientRungFile";

describe("rungFile", () => {
  let scratch: string;
  beforeEach(() => {
    scratch = mkdtempSync(path.join(tmpdir(), "lacuna-rung-"));
  });
  afterEach(() => rmSync(scratch, { recursive: true, force: true }));

  it("remembers a rung for these binaries, and forgets it", () => {
    const open = (): ReturnType<typeof rungFile> =>
      rungFile(path.join(scratch, "a", "state"), path.join(scratch, "bins"));
    open().write("haswell");
    assert.equal(open().read(), "haswell");
    open().write(undefined);
    assert.equal(open().read(), undefined);
  });

  it("is as none where it cannot be kept", () => {
    writeFileSync(path.join(scratch, "file"), "");
    const places = [path.join(scratch, "file", "state")];
    if (process.platform === "linux") {
      places.push("/proc/lacuna/state"); // where Node's own mkdir would stop the extension host
    }
    for (const place of places) {
      const file = rungFile(place, path.join(scratch, "bins"));
      file.write("haswell");
      assert.equal(file.read(), undefined);
    }
  });
});
