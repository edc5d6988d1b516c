import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { Garbage } from "./garbage";

const MIB = 2 ** 20;

describe("garbage", () => {
  it("is collected when the heap has grown, not again when it stays", () => {
    let [heap, runs] = [60 * MIB, 0];
    const garbage = new Garbage(
      () => {
        heap = 20 * MIB;
        runs++;
      },
      () => heap,
    );
    garbage.collect();
    assert.equal(runs, 1);
    heap = 25 * MIB;
    garbage.collect();
    assert.equal(runs, 1);
    heap = 30 * MIB;
    garbage.collect();
    assert.equal(runs, 2);
  });

  it("is collected by V8 itself, without a flag on its command line", async () => {
    const thing = new WeakRef({});
    await setImmediate(); // until then the engine keeps what a WeakRef was made for
    assert.ok(thing.deref() !== undefined);
    await setImmediate();
    new Garbage().collect();
    assert.equal(thing.deref(), undefined);
  });
});
