import assert from "node:assert/strict";
import os from "node:os";
import { countCores, defaultThreads, describeCpu, performanceCores, whyThreads } from "./cpu";

describe("cpu", () => {
  const cpu = (
    siblings: string,
    maxFrequency?: number,
  ): { siblings: string; maxFrequency: number | undefined } => ({ siblings, maxFrequency });
  it("counts cores, not threads", () => {
    assert.equal(performanceCores([cpu("0,2"), cpu("1,3"), cpu("0,2"), cpu("1,3")]), 2);
  });
  it("leaves efficiency cores out", () => {
    assert.equal(
      performanceCores([cpu("0-1", 5_000), cpu("0-1", 5_000), cpu("2", 3_600), cpu("3", 3_600)]),
      1,
    );
    assert.equal(performanceCores([cpu("0", 5_200), cpu("1", 5_000)]), 2);
  });
  it("knows when it knows nothing", () => assert.equal(performanceCores([]), undefined));
  it("leaves one core to the editor, and takes one at least", () => {
    assert.equal(defaultThreads(8), 7);
    assert.equal(defaultThreads(3), 2);
    assert.equal(defaultThreads(2), 2);
    assert.equal(defaultThreads(1), 1);
  });
  it("says why it takes so many", () => {
    assert.equal(whyThreads(7, 0, 8), "8 cores, one of them left to the editor");
    assert.equal(whyThreads(2, 0, 2), "one for each core");
    assert.equal(whyThreads(1, 0, 1), "the only core");
    assert.equal(whyThreads(4, 4, 8), "as `lacuna.threads` says");
    for (const setting of [0, 4]) {
      assert.equal(whyThreads(1, setting, 8), "more are no faster with so small a model");
    }
  });
  it("finds the cores of this machine", () => {
    assert.ok(countCores() >= 1 && countCores() <= os.availableParallelism());
    assert.match(describeCpu(), /performance cores/);
  });
});
