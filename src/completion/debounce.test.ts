import assert from "node:assert/strict";
import { AdaptiveDebounce } from "./debounce";

function typed(gapMs: number, latencyMs: number): number {
  const debounce = new AdaptiveDebounce({ minMs: 20, maxMs: 400 });
  for (let i = 0; i < 60; i++) {
    debounce.keystroke(i * gapMs);
    debounce.answered(latencyMs);
  }
  return debounce.delay();
}

describe("AdaptiveDebounce", () => {
  it("hardly waits for a fast engine", () => assert.ok(typed(200, 20) <= 30));
  it("waits for the typist to pause when the engine is slow", () => {
    const delay = typed(150, 2_000);
    assert.ok(delay > 150 && delay <= 230, String(delay));
  });
  it("follows the rhythm of the typist", () => assert.ok(typed(80, 2_000) < typed(240, 2_000)));
  it("stays within its bounds", () => {
    assert.equal(typed(1_400, 100_000), 400);
    assert.equal(typed(1, 1), 20);
  });
  it("takes a long pause for thought, not for rhythm", () => {
    const debounce = new AdaptiveDebounce();
    const before = debounce.delay();
    debounce.keystroke(0);
    debounce.keystroke(60_000);
    assert.equal(debounce.delay(), before);
  });
});
