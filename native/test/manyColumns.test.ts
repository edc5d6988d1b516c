import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { compileProgram, PROGRAM_ENV } from "./program";

const LLAMA = "native/.build/src/llama.cpp";
const BINS = path.resolve(`node_modules/node-llama-cpp/bins/linux-${process.arch}`);

/** Prompts: weights as the file has them, with 32 columns and more (patches 0007, 0012 and 0018), for the processor that this runs on. */
describe("products with many columns", function () {
  this.timeout(120_000);
  let folder: string;

  before(function () {
    folder = mkdtempSync(path.join(tmpdir(), "lacuna-columns-"));
    if (process.platform !== "linux" || !existsSync(LLAMA) || !existsSync(BINS)) {
      console.log("    Not tested: needs Linux and the sources of the native build (npm run build:native).");
      this.skip();
    }
  });
  after(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it("equal sums in float64, however many there are", () => {
    const program = path.join(folder, "columns");
    compileProgram(program, ["native/test/kernels/manyColumns.cpp"]);
    const { status, stdout, stderr } = spawnSync(program, { encoding: "utf8", env: PROGRAM_ENV });
    assert.equal(status, 0, `${stdout}\n${stderr}`);
    assert.match(stdout, /^198 cases, 0 failed/m);
  });
});
