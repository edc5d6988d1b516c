import assert from "node:assert/strict";
import { inUse } from "./errors";

describe("a file that may not be replaced", () => {
  const refused = (code: string, platform: NodeJS.Platform) =>
    inUse(Object.assign(new Error(code), { code }), "a.gguf", platform)?.message;

  it("is in use on Windows, which says so by several codes", () => {
    for (const code of ["EBUSY", "EPERM", "EACCES"]) {
      assert.match(refused(code, "win32")!, /^a\.gguf is in use\. Select another model/);
    }
  });
  it("is something else elsewhere, and so is another failure", () => {
    assert.equal(refused("EPERM", "linux"), undefined);
    assert.equal(refused("ENOSPC", "win32"), undefined);
  });
});
