import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  EngineClient,
  forkEngine,
  Ladder,
  rungFile,
  rungsFor,
  unwrap,
  type Descent,
} from "../../src/engine/client";
import { completion, errorOf, loadParams, root } from "./support";

const hostPath = path.join(root, "test/engine/dyingHost.mjs");
const [full, unpacked, plainest] = rungsFor("linux", "x64");

describe("an engine process that native code ends", () => {
  let folder: string;
  let descents: Descent[];
  let logs: string[];
  let starts: number;
  let client: EngineClient;

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "lacuna-ladder-"));
    mkdirSync(path.join(folder, "bins"));
    writeFileSync(path.join(folder, "bins/addon.node"), "");
    descents = [];
    logs = [];
  });
  afterEach(() => {
    client.dispose();
    rmSync(folder, { recursive: true });
  });

  function start(deaths: string): void {
    starts = 0;
    client = new EngineClient({
      spawn: (env) => {
        starts++;
        return forkEngine({ hostPath, env: { ...env, LACUNA_TEST_DEATHS: deaths } });
      },
      ladder: new Ladder(
        rungsFor("linux", "x64"),
        rungFile(path.join(folder, "state"), path.join(folder, "bins")),
        (descent) => descents.push(descent),
      ),
      onLog: (_, message) => logs.push(message),
      backOff: (failures) => (failures > 1 ? undefined : 0),
    });
  }
  const load = async (): Promise<unknown> => unwrap(await client.load(loadParams));
  const complete = async (): Promise<string> => unwrap(await client.complete(completion())).text;

  it("while it loads is started again one rung lower, and answers what it was asked", async () => {
    start("full load 1 SIGILL");
    await load();
    assert.equal(await complete(), "unpacked 1");
    assert.deepEqual(descents, [{ rung: unpacked, signal: "SIGILL" }]);
    assert.equal(starts, 2);
    const line = logs.find((text) => text.includes("SIGILL"));
    assert.ok(line?.includes(full.how) && line.includes(unpacked!.how), logs.join("\n"));
  });

  it("in its first request is started again one rung lower, which loads and answers it", async () => {
    start("full complete 1 SIGILL");
    await load();
    assert.equal(await complete(), "unpacked 1");
    assert.equal(await complete(), "unpacked 2");
    assert.equal(descents.length, 1);
  });

  it("on the next rung, too, ends on the plainest", async () => {
    start("full load 1 SIGSEGV,unpacked complete 1 SIGABRT");
    await load();
    assert.equal(await complete(), "x64 1");
    assert.deepEqual(descents, [{ rung: plainest, signal: "SIGABRT" }]);
  });

  it("in its tenth request costs that one, and starts where it was", async () => {
    start("full complete 10 SIGILL");
    await load();
    for (let i = 1; i < 10; i++) {
      assert.equal(await complete(), `full ${i}`);
    }
    const lost = errorOf(await client.complete(completion()));
    assert.equal(lost.code, "engine-crashed");
    assert.match(lost.message, /SIGILL/);
    assert.equal(await complete(), "full 1");
    assert.deepEqual(descents, []);
  });

  it("goes straight to the rung that works the next time, and tells nobody again", async () => {
    start("full load 1 SIGILL");
    await load();
    await complete();
    client.dispose();
    descents = [];
    start("full load 1 SIGILL");
    await load();
    assert.equal(await complete(), "unpacked 1");
    assert.equal(starts, 1);
    assert.deepEqual(descents, []);
  });

  it("begins at the top again with another binary", async () => {
    start("full load 1 SIGILL");
    await load();
    await complete();
    client.dispose();
    utimesSync(path.join(folder, "bins/addon.node"), 1, 1);
    start("");
    await load();
    assert.equal(await complete(), "full 1");
  });

  it("begins at the top again when a person restarts it", async () => {
    start("unpacked complete 7 SIGILL,full load 1 SIGILL");
    await load();
    await complete();
    client.restartEngine();
    await complete();
    assert.equal(descents.length, 2);
    assert.equal(readdirSync(path.join(folder, "state")).length, 1);
  });

  it("on every rung is a failure of its own, not of the processor", async () => {
    start("full load 1 SIGSEGV,unpacked load 1 SIGSEGV,x64 load 1 SIGSEGV");
    const failed = errorOf(await client.load(loadParams));
    assert.equal(failed.code, "engine-crashed");
    assert.match(failed.message, /SIGSEGV/);
    assert.deepEqual(descents, []);
    assert.throws(() => readdirSync(path.join(folder, "state")));
    // The next model that somebody chooses has all rungs again.
    const before = starts;
    assert.equal(errorOf(await client.load(loadParams)).code, "engine-crashed");
    assert.ok(starts - before >= 3, `${starts - before} starts`);
  });

  it("by what is not native code's doing starts where it was", async () => {
    start("full complete 1 SIGKILL");
    await load();
    assert.equal(errorOf(await client.complete(completion())).code, "engine-crashed");
    assert.equal(starts, 1);
    assert.deepEqual(descents, []);
  });
});
