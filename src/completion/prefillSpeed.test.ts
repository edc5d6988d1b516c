import assert from "node:assert/strict";
import { PrefillSpeed } from "./prefillSpeed";

describe("PrefillSpeed", () => {
  it("knows a small model from a large one", () => {
    const small = new PrefillSpeed();
    small.evaluated({ tokens: 660, ms: 110 });
    assert.ok(small.isCheap(1_024));
    const large = new PrefillSpeed();
    large.evaluated({ tokens: 660, ms: 6_000 });
    assert.ok(!large.isCheap(1_024));
  });

  it("does nothing for a cursor as long as it knows nothing", () => {
    const speed = new PrefillSpeed();
    assert.ok(!speed.isCheap(100));
    speed.evaluated({ tokens: 3, ms: 1 });
    assert.ok(!speed.isCheap(100));
    speed.evaluated({ tokens: 600, ms: 100 });
    speed.forget();
    assert.ok(!speed.isCheap(100));
  });

  it("follows a machine that becomes slower", () => {
    const speed = new PrefillSpeed();
    speed.evaluated({ tokens: 600, ms: 100 });
    for (let i = 0; i < 5; i++) {
      speed.evaluated({ tokens: 600, ms: 1_200 });
    }
    assert.ok(!speed.isCheap(1_024));
  });
});
