import assert from "node:assert/strict";
import { measure, measuredAt, type MeasuredData } from "./measured";

describe("measured speeds", () => {
  const fast = { tokens: 20, tokensPerSecond: 100 };
  it("are kept by model and share", () => {
    const data = measure(measure({}, "a", 0.4, fast, 5), "a", 1, { tokens: 20, tokensPerSecond: 50 }, 9);
    assert.deepEqual(measuredAt(data, "a", 0.41), { tokensPerSecond: 100, residentBytes: 5 });
    assert.deepEqual(measuredAt(data, "a", 1), { tokensPerSecond: 50, residentBytes: 9 });
    assert.equal(measuredAt(data, "b", 1), undefined);
    assert.equal(measuredAt(data, "a", 0.3), undefined);
  });
  it("move towards what is seen", () => {
    const data = measure(measure({}, "a", 1, fast, 1), "a", 1, { tokens: 20, tokensPerSecond: 200 }, 1);
    assert.equal(Math.round(measuredAt(data, "a", 1)!.tokensPerSecond), 130);
  });
  it("ignore completions too short to tell", () => {
    assert.deepEqual(measure({}, "a", 1, { tokens: 2, tokensPerSecond: 900 }, 1), {});
  });
  it("forget models that were not used for long", () => {
    let data: MeasuredData = {};
    for (let i = 0; i < 30; i++) {
      data = measure(data, `m${i}`, 1, fast, 1);
    }
    assert.equal(Object.keys(data).length, 20);
    assert.ok(measuredAt(data, "m29", 1));
  });
});
