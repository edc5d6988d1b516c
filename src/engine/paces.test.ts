import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Gate } from "./gate";
import { PaceFile } from "./paceFile";
import { Paces } from "./paces";

const turns = { gate: new Gate(), signal: new AbortController().signal };
const DAY = 24 * 60 * 60_000;

describe("what sparse decoding costs on a machine", () => {
  let folder: string;
  let file: string;
  let measured: number[];
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "lacuna-paces-"));
    file = path.join(folder, "storage", "paces.json");
    measured = [];
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const asked = (ms: Readonly<Record<number, number>>, kept?: PaceFile): Paces =>
    new Paces((ratio) => {
      measured.push(ratio);
      return Promise.resolve(ms[ratio]!);
    }, kept);
  const kept = (use = "model", now?: () => number): PaceFile => new PaceFile(file, [use], now);

  it("pays where a token is clearly faster than a dense one", async () => {
    const paces = asked({ 1: 100, 0.7: 97, 0.54: 80 });
    assert.equal(paces.pays(0.54), undefined);
    assert.equal(await paces.ask(0.7, turns), false);
    assert.equal(await paces.ask(0.54, turns), true);
    assert.equal(await paces.ask(0.7, turns), false);
    assert.deepEqual(measured, [1, 0.7, 0.54], "each once");
    assert.deepEqual([paces.pays(0.7), paces.pays(0.54)], [false, true]);
  });

  it("measures what others are compared with once", async () => {
    const paces = asked({ 1: 100, 0.4: 50 });
    await paces.measureDense(turns);
    await paces.measureDense(turns);
    await paces.ask(0.4, turns);
    assert.deepEqual(measured, [1, 0.4]);
  });

  it("is known after a restart, of the same model on the same machine", async () => {
    await asked({ 1: 100, 0.4: 99 }, kept()).ask(0.4, turns);
    assert.equal(asked({}, kept()).pays(0.4), false);
    assert.equal(asked({}, kept("another")).pays(0.4), undefined);
    await asked({ 1: 10, 0.4: 5, 0.6: 6 }, kept("another")).ask(0.4, turns);
    assert.deepEqual([...kept().read()], [[0.4, 0.99]], "the others stay");
    assert.deepEqual(readdirSync(path.dirname(file)), ["paces.json"], "nothing half-written is left");
  });

  it("is asked anew after a week, and when the clock has gone back", async () => {
    let time = 20_000 * DAY;
    await asked(
      { 1: 100, 0.4: 50 },
      kept("model", () => time),
    ).ask(0.4, turns);
    const known = (): boolean | undefined =>
      asked(
        {},
        kept("model", () => time),
      ).pays(0.4);
    time += 6 * DAY;
    assert.equal(known(), true);
    time += 2 * DAY;
    assert.equal(known(), undefined);
    time -= 30 * DAY;
    assert.equal(known(), undefined);
  });

  it("does without a file that is damaged or cannot be written", async () => {
    kept().add(0.4, 0.5);
    const whole = readFileSync(file, "utf8");
    for (const text of [whole.slice(0, 20), "[]", "null", '{"x":5}', whole.replace("0.5", '"fast"')]) {
      writeFileSync(file, text);
      assert.deepEqual([...kept().read()], [], text);
    }
    assert.equal(await asked({ 1: 100, 0.4: 50 }, kept()).ask(0.4, turns), true);
    assert.deepEqual([...kept().read()], [[0.4, 0.5]]);
    writeFileSync(path.join(folder, "file"), "");
    const nowhere = new PaceFile(path.join(folder, "file", "paces.json"), ["model"]);
    assert.equal(await asked({ 1: 100, 0.4: 50 }, nowhere).ask(0.4, turns), true);
  });

  it("keeps nothing of a measurement that fails", async () => {
    const paces = new Paces(() => Promise.reject(new Error("cancelled")), kept());
    await assert.rejects(paces.ask(0.4, turns), /cancelled/);
    assert.equal(paces.pays(0.4), undefined);
    assert.deepEqual([...kept().read()], []);
  });
});
