import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { isDischarging } from "./powerSupply";

describe("isDischarging", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), "lacuna-power-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function supply(name: string, files: Readonly<Record<string, string>>): void {
    mkdirSync(path.join(folder, name));
    for (const [file, text] of Object.entries(files)) {
      writeFileSync(path.join(folder, name, file), `${text}\n`);
    }
  }

  it("sees a battery that is being discharged", async () => {
    supply("AC", { type: "Mains", online: "0" });
    supply("BAT0", { type: "Battery", status: "Discharging" });
    assert.equal(await isDischarging(folder), true);
  });

  it("sees one that is full or charged", async () => {
    supply("BAT0", { type: "Battery", status: "Charging" });
    supply("BAT1", { type: "Battery", status: "Full" });
    assert.equal(await isDischarging(folder), false);
  });

  it("takes the battery of a mouse for what it is", async () => {
    supply("hidpp_battery_0", { type: "Battery", scope: "Device", status: "Discharging" });
    assert.equal(await isDischarging(folder), false);
    supply("BAT0", { type: "Battery", scope: "System", status: "Discharging" });
    assert.equal(await isDischarging(folder), true);
  });
});
