import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { compileProgram, programFolder, PROGRAM_ENV } from "./program";

const ADDON = "native/addon";

/** Of the operation alone, without a model: the program says what it tries. */
describe("a token's choice, for all types, kernels, sizes and batches", function () {
  this.timeout(240_000);
  const folder = programFolder();

  /** @param limit number of random cases; all by default */
  function run(flags: readonly string[], limit?: number): string {
    const program = path.join(folder(), "choice");
    const kernels = readdirSync(ADDON).filter((name) => /^lacuna-planes.*\.cpp$/.test(name));
    const sources = [
      "native/test/kernels/choice.cpp",
      ...["lacuna-choice.cpp", ...kernels].map((name) => `${ADDON}/${name}`),
    ];
    compileProgram(program, [
      ...["-g1", "-pthread", ...flags, ...sources],
      // What only the addon calls needs the rest of it.
      ...["-ffunction-sections", "-Wl,--gc-sections"],
    ]);
    const { status, stdout, stderr } = spawnSync(program, limit === undefined ? [] : [String(limit)], {
      encoding: "utf8",
      env: { ...PROGRAM_ENV, UBSAN_OPTIONS: "halt_on_error=1:print_stacktrace=1" },
    });
    assert.equal(status, 0, `${stdout}\n${stderr}`);
    return stdout;
  }

  it("equals sums in float64", () => {
    const cases = Number(/^(\d+) cases, 0 failed/m.exec(run([]))?.[1]);
    assert.ok(cases >= 100, `${cases} cases`);
  });

  it("has no data race that ThreadSanitizer sees", function () {
    const trial = path.join(folder(), "trial.c");
    writeFileSync(trial, "int main(void) { return 0; }\n");
    execFileSync(process.env.CC ?? "cc", ["-fsanitize=thread", trial, "-o", `${trial}.out`], {
      env: PROGRAM_ENV,
    });
    if (spawnSync(`${trial}.out`, { env: PROGRAM_ENV }).status !== 0) {
      console.log(
        "    Not tested: ThreadSanitizer does not run here (its memory map needs vm.mmap_rnd_bits=28).",
      );
      this.skip();
    }
    assert.match(run(["-fsanitize=thread"], 30), /^30 cases, 0 failed/m);
  });

  it("stays within its memory, and within what C++ defines", function () {
    if (process.env.LACUNA_SANITIZED_BINS === undefined) {
      this.skip(); // `npm run test:sanitized` does this
    }
    run(["-fsanitize=address,undefined"]);
  });
});
