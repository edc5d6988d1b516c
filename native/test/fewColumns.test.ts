import assert from "node:assert/strict";
import { evaluate } from "../../src/engine/native";
import type { StorageType } from "./models/blocks";
import { TestModel, type Shape } from "./models/model";
import { runReference } from "./reference/forward";
import { SHAPE } from "./sparseShape";
import { cosine, NativeFixture, randomTokens } from "./support";

/** Eight rows are taken at once where that is faster: the output has some left over. */
const WIDE: Shape = { ...SHAPE, arch: "qwen2", vocabulary: 325, tied: false, ffnBias: false };

/** Rows of an odd number of blocks, of which a vector of AVX-512 takes two. */
const ODD: Shape = { ...WIDE, embedding: 160, ffn: 352, heads: 5, kvHeads: 1, headSize: 32 };

const SHAPES = {
  ...{ Q4_0: ODD, Q4_1: ODD, Q5_0: ODD, Q5_1: ODD, Q8_0: ODD },
  ...{ Q4_K: WIDE, Q5_K: WIDE, Q6_K: WIDE },
} as const;

/** Decoding, drafts and short prompts: weights as the file has them, with up to 15 columns (patch 0013). */
describe("products with few columns", function () {
  this.timeout(60_000);
  let fixture: NativeFixture;

  before(async function () {
    fixture = await NativeFixture.create();
    if (process.arch !== "x64") {
      console.log(`    Not tested: there are no such kernels for ${process.arch}.`);
      this.skip();
    }
  });
  afterEach(() => fixture.disposeModels());
  after(() => fixture.dispose());

  for (const [type, shape] of Object.entries(SHAPES) as [StorageType, Shape][]) {
    it(`give a column what it gets alone, and the reference's logits: ${type}`, async () => {
      const model = new TestModel(shape, () => type);
      const loaded = await fixture.load(model, { repack: false });
      const tokens = randomTokens(shape, 17);
      const logits = async (batchSize: number, threads: number): Promise<Float32Array> => {
        const context = await loaded.createContext({ contextSize: 256, batchSize, threads });
        return (await evaluate(context, tokens.subarray(0, -1), { logits: true })).logits!;
      };
      const alone = await logits(1, 1);
      for (const [batchSize, threads] of [
        [2, 2],
        [3, 1],
        [4, 3],
        [7, 1],
        [15, 2],
      ] as const) {
        assert.deepEqual(await logits(batchSize, threads), alone, `batches of ${batchSize}`);
      }
      const expected = runReference(model, tokens, [1, tokens.length]).logits.values;
      for (let t = 0; t < tokens.length - 1; t++) {
        const range = [t * shape.vocabulary, (t + 1) * shape.vocabulary] as const;
        const similarity = cosine(alone.subarray(...range), expected.subarray(...range));
        assert.ok(similarity > 0.999, `position ${t}: cosine ${similarity}`);
      }
    });
  }
});
