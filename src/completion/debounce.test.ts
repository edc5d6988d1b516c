import assert from "node:assert/strict";
import { AdaptiveDebounce, type RequestOutcome } from "./debounce";

const answer = (ms: number): RequestOutcome => ({ ms, answered: true, promptTokens: 2 });

function typing(gapMs: number): AdaptiveDebounce {
  const debounce = new AdaptiveDebounce({ maxMs: 400 });
  for (let i = 0; i < 60; i++) {
    debounce.keystroke(i * gapMs);
  }
  return debounce;
}

function typed(gapMs: number, latencyMs: number): number {
  const debounce = typing(gapMs);
  for (let i = 0; i < 5; i++) {
    debounce.took(answer(latencyMs));
  }
  return debounce.delay();
}

describe("AdaptiveDebounce", () => {
  it("asks an engine at once that answers well before the next key", () => {
    assert.equal(typed(200, 20), 0);
    assert.equal(typed(200, 99), 0);
    assert.equal(typed(100, 20), 0);
  });
  it("asks an engine at once of which nothing is known", () => assert.equal(typing(200).delay(), 0));
  it("waits the longer the more of the gap the engine needs", () => {
    assert.ok(typed(200, 110) < 50);
    assert.ok(typed(200, 150) < typed(200, 200));
    assert.ok(typed(200, 200) < typed(200, 290));
  });
  it("waits for the typist to pause when the engine is slow", () => {
    const delay = typed(150, 2_000);
    assert.ok(delay > 150 && delay <= 230, String(delay));
  });
  it("follows the rhythm of the typist", () => assert.ok(typed(80, 2_000) < typed(240, 2_000)));
  it("stays within its bounds", () => {
    assert.equal(typed(1_400, 100_000), 400);
    assert.equal(typed(1, 0), 0);
  });
  it("takes a long pause for thought, not for rhythm", () => {
    const debounce = typing(150);
    debounce.took(answer(2_000));
    const before = debounce.delay();
    debounce.keystroke(60_000);
    assert.equal(debounce.delay(), before);
  });
  it("does not take one slow answer for the engine's speed", () => {
    const debounce = typing(180);
    for (const ms of [12, 15, 400, 11]) {
      debounce.took(answer(ms));
    }
    assert.equal(debounce.delay(), 0);
  });
  it("learns from requests that were stopped that the engine is slow, and only that", () => {
    const slow = typing(150);
    slow.took({ ms: 150, answered: false, promptTokens: 0 });
    assert.ok(slow.delay() > 150, String(slow.delay()));
    const fast = typing(150);
    fast.took(answer(12));
    fast.took({ ms: 3, answered: false, promptTokens: 2 });
    assert.equal(fast.latency, 12);
  });
  it("asks at once again after a while, to see whether the engine is still slow", () => {
    const debounce = typing(150);
    debounce.took(answer(15));
    debounce.took({ ms: 300, answered: false, promptTokens: 0 });
    debounce.keystroke(60 * 150);
    assert.ok(debounce.delay() > 150, String(debounce.delay()));
    debounce.keystroke(60 * 150 + 3_100);
    assert.equal(debounce.delay(), 0);
  });
  it("takes an answer for more than what it was taken for", () => {
    const debounce = typing(150);
    debounce.took({ ms: 300, answered: false, promptTokens: 0 });
    debounce.took(answer(15));
    assert.equal(debounce.delay(), 0);
  });
  it("learns nothing from a prompt that had to be evaluated from its beginning", () => {
    const debounce = typing(150);
    debounce.took({ ms: 900, answered: true, promptTokens: 600 });
    debounce.took({ ms: 300, answered: false, promptTokens: 192 });
    assert.equal(debounce.delay(), 0);
  });
});
