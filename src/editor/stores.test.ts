import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { totals } from "../completion/statistics";
import { StatisticsStore } from "./statisticsStore";

describe("StatisticsStore", () => {
  let folder: string;
  const warnings: string[] = [];
  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), "lacuna-statistics-"));
    warnings.length = 0;
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const open = (file = path.join(folder, "sub", "statistics.json")): StatisticsStore =>
    new StatisticsStore(file, (message) => warnings.push(message));

  it("adds up what two windows see", async () => {
    const [a, b] = [open(), open()];
    a.add({ kind: "shown" });
    b.add({ kind: "shown" });
    b.add({ kind: "accepted", characters: 5 });
    await Promise.all([a.flush(), b.flush()]);
    a.add({ kind: "shown" });
    await a.flush();
    const later = open();
    await later.open();
    // Simultaneous writers may lose one another's last flush, never the file.
    assert.ok(totals(later.data).shown >= 2);
    assert.deepEqual(readdirSync(path.join(folder, "sub")), ["statistics.json"]);
  });
  it("shows what is not written yet", () => {
    const store = open();
    store.add({ kind: "shown" });
    assert.equal(totals(store.data).shown, 1);
    return store.flush();
  });
  it("starts anew from a damaged file", async () => {
    const file = path.join(folder, "statistics.json");
    writeFileSync(file, '{"version":1,"days":');
    const store = open(file);
    store.add({ kind: "shown" });
    await store.flush();
    assert.equal(Object.keys((JSON.parse(readFileSync(file, "utf8")) as { days: object }).days).length, 1);
    assert.deepEqual(warnings, []);
  });
  it("goes on where no folder can be made, and says so", async function () {
    if (process.platform !== "linux") {
      this.skip(); // there is no such place elsewhere
    }
    const store = open("/proc/lacuna/statistics.json");
    store.add({ kind: "shown" });
    await store.flush();
    assert.equal(totals(store.data).shown, 1);
    assert.match(warnings.join(), /^Statistics could not be written: EPERM: no folder can be made in \/proc/);
  });
  it("goes on when nothing can be written, and says so once", async () => {
    const blocked = path.join(folder, "file");
    writeFileSync(blocked, "not a folder");
    const store = open(path.join(blocked, "statistics.json"));
    for (let i = 0; i < 3; i++) {
      store.add({ kind: "shown" });
      await store.flush();
    }
    assert.equal(totals(store.data).shown, 3);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0]!, /^Statistics could not be written: /);
  });
});
