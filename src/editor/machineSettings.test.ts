import assert from "node:assert/strict";
import { machineValue, type SettingPlaces, type Side } from "./machineSettings";

const LOCAL: Side = { runsOn: "local", inBrowser: false, remoteName: "ssh-remote" };
const REMOTE: Side = { ...LOCAL, runsOn: "remote" };
const BROWSER: Side = { ...REMOTE, inBrowser: true };

describe("settings of a machine in a remote window", () => {
  const value = (places: SettingPlaces, side: Side, name = "model", exists = true) =>
    machineValue(name, places, side, () => exists);

  it("are the user's own where Lacuna runs on the user's machine", () => {
    assert.deepEqual(value({ globalLocalValue: "/m" }, LOCAL), { value: "/m" });
    const both = value({ globalLocalValue: "/m", globalRemoteValue: "/r" }, LOCAL);
    assert.equal(both.value, "/m");
    assert.match(
      both.ignored!,
      /^Setting lacuna\.model of ssh-remote \("\/r"\) is ignored: .* your own settings\.$/,
    );
    const remote = value({ globalRemoteValue: 8 }, LOCAL, "threads");
    assert.equal(remote.value, undefined);
    assert.match(remote.ignored!, /lacuna\.threads of ssh-remote \(8\) is ignored/);
  });

  it("are the remote machine's where Lacuna runs there, else the user's own", () => {
    const both = value({ globalLocalValue: 4, globalRemoteValue: 8 }, REMOTE, "threads");
    assert.equal(both.value, 8);
    assert.match(both.ignored!, /lacuna\.threads of your own machine \(4\) is ignored/);
    assert.deepEqual(value({ globalLocalValue: 4 }, REMOTE, "threads"), { value: 4 });
    assert.deepEqual(value({ globalLocalValue: "/m" }, REMOTE), { value: "/m" });
    assert.deepEqual(value({ globalLocalValue: 8, globalRemoteValue: 8 }, REMOTE, "threads"), { value: 8 });
  });

  it("are no model that is on the other machine, and say so", () => {
    const missing = value({ globalLocalValue: "/m" }, REMOTE, "model", false);
    assert.equal(missing.value, undefined);
    assert.match(
      missing.ignored!,
      /"\/m"\) is ignored: Lacuna runs on ssh-remote, where there is no such file/,
    );
    assert.deepEqual(value({ globalLocalValue: "" }, REMOTE, "model", false), { value: "" });
    // What is set for the machine itself is an error there, and is told as one.
    assert.deepEqual(value({ globalRemoteValue: "/r" }, REMOTE, "model", false), { value: "/r" });
  });

  it("are the user's own in a browser, which has no files", () => {
    assert.deepEqual(value({ globalLocalValue: "/m" }, BROWSER, "model", false), { value: "/m" });
    assert.deepEqual(value({ globalLocalValue: "/m", globalRemoteValue: "/r" }, BROWSER), { value: "/r" });
  });

  it("are the workspace's before all others", () => {
    const places = { globalLocalValue: 1, globalRemoteValue: 2, workspaceValue: 3 };
    for (const side of [LOCAL, REMOTE, BROWSER]) {
      assert.deepEqual(value(places, side, "threads"), { value: 3 });
      assert.deepEqual(value({ ...places, workspaceFolderValue: 4 }, side, "threads"), { value: 4 });
    }
  });

  it("are left to the defaults where nobody has set them", () => {
    for (const side of [LOCAL, REMOTE, BROWSER]) {
      assert.deepEqual(value({}, side), { value: undefined });
    }
  });
});
