import assert from "node:assert/strict";
import { LoadProgress, type LoadStage } from "./loadProgress";

describe("the progress of a load", () => {
  let time: number;
  let seen: number[];
  let over: AbortController;
  let progress: LoadProgress;

  beforeEach(() => {
    time = 0;
    seen = [];
    over = new AbortController();
    progress = new LoadProgress(
      (fraction) => seen.push(fraction),
      over.signal,
      () => time,
    );
  });
  afterEach(() => over.abort());

  function pass(ms: number, stage: LoadStage, share: (passed: number) => number): void {
    for (let passed = 100; passed <= ms; passed += 100) {
      time += 100;
      progress.tell(stage, share(passed / ms));
    }
  }

  it("goes from nothing to all in small steps", () => {
    pass(1_500, "start", (passed) => passed);
    pass(1_500, "vocabulary", () => 0);
    pass(300, "weights", (passed) => passed);
    const steps = seen.map((value, at) => value - (seen[at - 1] ?? 0));
    assert.ok(
      seen.length > 15 && steps.slice(1).every((step) => step > 0 && step < 0.15),
      seen.map((step) => step.toFixed(2)).join(" "),
    );
    assert.deepEqual([seen[0], seen.at(-1)], [0, 1]);
  });

  it("never says that a stage has ended before it has", () => {
    const HOUR = 3_600_000;
    time += HOUR;
    progress.tell("start", 0);
    assert.ok(seen.at(-1)! <= 0.25, "the file has not been read");
    progress.tell("start", 1);
    assert.ok(seen.at(-1)! <= 0.5);
    progress.tell("vocabulary", 0);
    time += HOUR;
    progress.tell("vocabulary", 0);
    assert.ok(seen.at(-1)! <= 0.9);
    progress.tell("weights", 0);
    time += HOUR;
    progress.tell("weights", 0);
    assert.ok(seen.at(-1)! <= 0.9);
  });

  it("goes on by itself while nothing is told", async () => {
    time += 500;
    while (seen.length < 2) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    assert.ok(seen[1]! > 0.05);
  });

  it("says nothing when the load is over", () => {
    over.abort();
    time += 500;
    progress.tell("weights", 1);
    assert.deepEqual(seen, [0]);
  });
});
