import assert from "node:assert/strict";
import { makeHeadCopy, type HeadCopySource } from "./headCopy";

describe("makeHeadCopy", () => {
  it("computes nothing where no folder can be made for the copy", async function () {
    if (process.platform !== "linux") {
      this.skip(); // there is no such place elsewhere
    }
    const source = { identity: "model" } as HeadCopySource; // there is no model to ask
    await assert.rejects(makeHeadCopy("/proc/lacuna/heads", source), /no folder can be made in \/proc/);
  });
});
