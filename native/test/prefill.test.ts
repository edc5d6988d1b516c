import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { evaluate } from "../../src/engine/native";
import type { StorageType } from "./models/blocks";
import { TestModel, type Shape } from "./models/model";
import { runReference } from "./reference/forward";
import { SHAPE } from "./sparseShape";
import { cosine, NativeFixture, randomTokens } from "./support";

/** Rows and columns that every layout for a processor's kernels takes. */
const WIDE: Shape = { ...SHAPE, arch: "qwen2", vocabulary: 320, tied: false, ffnBias: false };

/** Prompts and single tokens through the layouts that this processor's kernels like best: AMX's tiles, repacked rows. */
describe("repacked weights", function () {
  this.timeout(60_000);
  let fixture: NativeFixture;

  before(async () => {
    fixture = await NativeFixture.create();
    const flags = existsSync("/proc/cpuinfo") ? readFileSync("/proc/cpuinfo", "utf8") : "";
    console.log(`    ${flags.includes(" amx_int8") ? "With" : "Without"} AMX on this processor.`);
  });
  afterEach(() => fixture.disposeModels());
  after(() => fixture.dispose());

  for (const type of ["Q4_0", "Q4_1", "Q5_0", "Q8_0", "Q4_K", "Q5_K", "Q6_K"] satisfies StorageType[]) {
    it(`follow the reference in ${type}`, async () => {
      const model = new TestModel(WIDE, () => type);
      const loaded = await fixture.load(model, { repack: true });
      // tiles of rows that are full, that are not, and single ones
      const tokens = randomTokens(WIDE, 46);
      const expected = runReference(model, tokens, [1, tokens.length]).logits.values;
      for (const [batchSize, threads] of [
        [64, 2],
        [7, 1],
        [1, 1],
      ] as const) {
        const context = await loaded.createContext({
          ...{ contextSize: 256, batchSize, threads, flashAttention: false },
        });
        const { logits } = await evaluate(context, tokens.subarray(0, -1), { logits: true });
        for (let t = 0; t < tokens.length - 1; t++) {
          const range = [t * WIDE.vocabulary, (t + 1) * WIDE.vocabulary] as const;
          const similarity = cosine(logits!.subarray(...range), expected.subarray(...range));
          assert.ok(similarity > 0.999, `position ${t}, batches of ${batchSize}: cosine ${similarity}`);
        }
      }
    });
  }
});
