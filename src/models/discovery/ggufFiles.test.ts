import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { findGgufFiles } from "./ggufFiles";

describe("models on disk", () => {
  let home: string;
  beforeEach(() => {
    home = mkdtempSync(path.join(os.tmpdir(), "lacuna-models-"));
  });
  afterEach(() => rmSync(home, { recursive: true, force: true }));
  const write = (name: string, text = "x"): string => {
    const file = path.join(home, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  };

  it("finds GGUF files in folders of folders, and through links", async function () {
    const blob = write("blobs/sha256", "model");
    const b = write("a/b.gguf");
    mkdirSync(path.join(home, "a/snapshots"), { recursive: true });
    const link = path.join(home, "a/snapshots/a.GGUF");
    symlinkSync(blob, link);
    if (!existsSync(link)) {
      console.log("      Not tested: links lead nowhere here (wine).");
      this.skip();
    }
    write("a/readme.md");
    const found = await findGgufFiles([path.join(home, "a"), path.join(home, "missing")]);
    assert.deepEqual(found, [
      { path: path.join(home, "a/snapshots/a.GGUF"), bytes: 5 },
      { path: b, bytes: 1 },
    ]);
  });
  it("leaves out what is no model of its own", async () => {
    write("mmproj-x.gguf");
    write("x.mmproj-f16.gguf");
    write(".half.gguf");
    write("lacks-00001-of-00002.gguf");
    const parts = Array.from({ length: 12 }, (_, i) =>
      write(`big-${String(i + 1).padStart(5, "0")}-of-00012.GGUF`, "xy"),
    );
    assert.deepEqual(await findGgufFiles([home]), [{ path: parts[0], bytes: 24 }]);
  });
  it("stops when it is no longer wanted", async () => {
    write("a.gguf");
    assert.deepEqual(await findGgufFiles([home], AbortSignal.abort()), []);
  });
});
