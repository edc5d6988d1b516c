import assert from "node:assert/strict";
import { progressText } from "./progressText";

describe("progress in words", () => {
  it("says how much, how fast and how long", () => {
    const at = (received: number, total: number | undefined, rate: number): string =>
      progressText({ phase: "downloading", received, total, rate });
    assert.equal(at(412e6, 1.12e9, 11.2e6), "412 MB of 1.12 GB, 11.2 MB/s, 64 s left");
    assert.equal(at(0, 1.2e9, 1e6), "0 bytes of 1.2 GB, 1 MB/s, 20 min left");
    assert.equal(at(0, 1e12, 1e7), "0 bytes of 1000 GB, 10 MB/s, 28 h left");
    assert.equal(at(1e6, 2e6, 0), "1 MB of 2 MB");
    assert.equal(at(1e6, undefined, 5e5), "1 MB, 500 kB/s");
    assert.equal(progressText({ phase: "connecting", received: 0, total: 1, rate: 0 }), "connecting");
    assert.equal(
      progressText({ phase: "connecting", received: 3e6, total: 9e6, rate: 0 }),
      "3 MB here, connecting again",
    );
    const problem = "The connection to a was lost (ECONNRESET).";
    assert.equal(
      progressText({ phase: "connecting", received: 0, total: 9e6, rate: 0, problem }),
      "The connection to a was lost (ECONNRESET). Connecting",
    );
  });
});
