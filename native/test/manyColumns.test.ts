import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import path from "node:path";
import { compileProgram, programFolder, PROGRAM_ENV } from "./program";

/** Prompts: weights as the file has them, with 32 columns and more (patches 0007, 0012 and 0018), for the processor that this runs on. */
describe("products with many columns", function () {
  this.timeout(120_000);
  const folder = programFolder();

  it("equal sums in float64, however many there are", () => {
    const program = path.join(folder(), "columns");
    compileProgram(program, ["native/test/kernels/manyColumns.cpp"]);
    const { status, stdout, stderr } = spawnSync(program, { encoding: "utf8", env: PROGRAM_ENV });
    assert.equal(status, 0, `${stdout}\n${stderr}`);
    assert.match(stdout, /^198 cases, 0 failed/m);
  });
});
