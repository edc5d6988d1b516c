import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Store } from "./store";

describe("store of measured cases", () => {
  const directory = mkdtempSync(path.join(tmpdir(), "lacuna-store-"));
  const file = path.join(directory, "deep", "cases.jsonl");
  after(() => {
    rmSync(directory, { recursive: true });
  });
  const points = [{ series: "snip", x: 0.4, values: { loss: 1.23456789, bytes: 7_486_336 } }];

  it("remembers across runs, rounded", () => {
    new Store(file, false).add("a", points);
    assert.deepEqual(new Store(file, false).get("a"), [
      { series: "snip", x: 0.4, values: { loss: 1.234568, bytes: 7_486_336 } },
    ]);
  });
  it("skips a line that was cut off", () => {
    appendFileSync(file, '{"key":"b","points":[{"ser');
    const store = new Store(file, false);
    assert.equal(store.get("b"), undefined);
    assert.ok(store.get("a"));
    store.add("c", points);
    assert.ok(new Store(file, false).get("c"));
  });
  it("starts afresh when asked to", () => {
    assert.equal(new Store(file, true).get("a"), undefined);
  });
  it("says what to do when it cannot write", () => {
    assert.throws(() => new Store(path.join(file, "x.jsonl"), false), /Choose another --out/);
    if (process.platform === "linux") {
      assert.throws(
        () => new Store("/proc/lacuna/x.jsonl", false),
        /^Error: Cannot use \/proc\/lacuna\/x\.jsonl: permission denied\. Choose another --out\.$/,
      );
    }
  });
});
