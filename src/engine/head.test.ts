import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { missesTooOften, readMisses, writeMisses } from "./headMisses";
import { rowsFor } from "./headRows";
import { whyInFull } from "./headScreen";

describe("misses of a screened head", () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), "lacuna-misses-"))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("are too many above one in a thousand, which one alone never is", () => {
    const tooOften = (missed: number, checked: number): boolean => missesTooOften({ missed, checked });
    assert.equal(tooOften(1, 1), false);
    assert.equal(tooOften(2, 3), true);
    assert.equal(tooOften(2, 1999), true);
    assert.equal(tooOften(2, 2000), false);
    assert.equal(tooOften(5, 4000), true);
  });

  it("are remembered, and forgotten when they cannot be read", async () => {
    const file = path.join(folder, "a.json");
    assert.deepEqual(await readMisses(file), { checked: 0, missed: 0 });
    await writeMisses(file, { checked: 7, missed: 1 });
    assert.deepEqual(await readMisses(file), { checked: 7, missed: 1 });
    for (const bad of [
      "",
      "{",
      '{"version":2,"checked":1,"missed":1}',
      '{"version":1,"checked":"x","missed":1}',
    ]) {
      writeFileSync(file, bad);
      assert.deepEqual(await readMisses(file), { checked: 0, missed: 0 });
    }
    await writeMisses(path.join(folder, "no/folder"), { checked: 1, missed: 0 });
  });
});

describe("whether a head is screened", () => {
  it("is for large vocabularies only, and not where the engine cannot", () => {
    const kernels = ["avx2", "scalar"];
    assert.equal(whyInFull({ rows: 8192 }, kernels), undefined);
    assert.match(whyInFull({ rows: 8191 }, kernels)!, /8191 tokens/);
    assert.equal(whyInFull({ rows: 100_000, reason: "it is on a GPU" }, kernels), "it is on a GPU");
    assert.match(whyInFull({ rows: 100_000 }, ["scalar"])!, /vector instructions/);
  });
});

describe("rows of a screened head", () => {
  it("are more for texts with other scripts than Latin", () => {
    assert.equal(rowsFor("const größe = 'é'; // €", "→ 1"), 3072);
    assert.equal(rowsFor("", ""), 3072);
    for (const text of ["設定", "если", "ユーザー", "مرحبا", "λ"]) {
      assert.equal(rowsFor("const a = 1;", `// ${text}`), 6144, text);
    }
  });
});
