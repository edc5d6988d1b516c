import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { compileProgram, runProgram, TARGET } from "./package";

const ADDON = "native/addon";

/** Each type of up with each of down, once; where no instruction is emulated, the program's own number. */
const CASES = TARGET === `${process.platform}-${process.arch}` ? [] : ["64"];

/** As native/test/choiceKernels.test.ts does it for this machine's build, by the package's compiler and for its processors. */
describe(`a token's choice in the package for ${TARGET}`, function () {
  this.timeout(600_000);
  let folder: string;

  before(() => void (folder = mkdtempSync(path.join(tmpdir(), "lacuna-variants-"))));
  after(() => rmSync(folder, { recursive: true, force: true }));

  it("equals sums in float64", () => {
    const program = path.join(folder, "choice");
    const kernels = readdirSync(ADDON).filter((name) => /^lacuna-planes.*\.cpp$/.test(name));
    const sources = ["lacuna-choice.cpp", ...kernels].map((name) => `${ADDON}/${name}`);
    compileProgram(program, [
      ...["native/test/kernels/choice.cpp", ...sources, "-pthread"],
      // What only the addon calls needs the rest of it.
      ...["-ffunction-sections", "-Wl,--gc-sections"],
    ]);
    const { status, signal, stdout, stderr } = runProgram(program, CASES);
    assert.equal(signal ?? status, 0, `${stdout}\n${stderr}`);
    const cases = Number(/^(\d+) cases, 0 failed/m.exec(stdout)?.[1]);
    assert.ok(cases >= 64, `${cases} cases`);
  });
});
