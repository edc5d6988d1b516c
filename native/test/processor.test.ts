import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { headKernels } from "../../src/engine/head";
import { choiceKernels } from "../../src/engine/native";
import { TestModel } from "./models/model";
import { SHAPE } from "./sparseShape";
import { NativeFixture } from "./support";

const CPU = "/proc/cpuinfo";
const AVX2 = ["avx2", "fma", "f16c"];
const AVX512 = [...AVX2, "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512_vnni"];

/** Whatever the addon was compiled by: to be slow is no error that another test would see. */
describe("kernels of the addon", () => {
  let fixture: NativeFixture;
  before(async () => void (fixture = await NativeFixture.create()));
  after(() => fixture.dispose());

  it("are those that this processor can run, the fastest first", async function () {
    if (process.arch === "x64" && !existsSync(CPU)) {
      console.log(`      Not tested: needs ${CPU}.`);
      this.skip();
    }
    const x64 = (): string[] => {
      const flags = new Set(/^flags\s*:(.*)/m.exec(readFileSync(CPU, "utf8"))![1]!.split(" "));
      const has = (names: string[]): boolean => names.every((name) => flags.has(name));
      return [...(has(AVX512) ? ["avx512"] : []), ...(has(AVX2) ? ["avx2"] : [])];
    };
    const expected = [
      ...(process.arch === "x64" ? x64() : process.arch === "arm64" ? ["neon"] : []),
      "scalar",
    ];
    const model = await fixture.load(new TestModel(SHAPE, () => "F16"));
    assert.deepEqual(headKernels(model), expected);
    assert.deepEqual(choiceKernels(model), expected);
  });
});
