import assert from "node:assert/strict";
import type { LlamaModel } from "node-llama-cpp";
import { evaluate } from "../../src/engine/native";
import { TestModel } from "./models/model";
import { SHAPE } from "./sparseShape";
import { maxRelativeDifference, NativeFixture, randomTokens } from "./support";

/** Weights that stay mapped are repacked on the way to a product with many columns (patch 0007), and then used in the same way. */
describe("mapped FFN weights", function () {
  this.timeout(60_000);
  let fixture: NativeFixture;

  before(async () => void (fixture = await NativeFixture.create()));
  afterEach(() => fixture.disposeModels());
  after(() => fixture.dispose());

  const logits = async (model: LlamaModel, count: number, threads: number): Promise<Float32Array> => {
    const context = await model.createContext({
      contextSize: 256,
      batchSize: 64,
      threads,
      flashAttention: false,
    });
    return (await evaluate(context, randomTokens(SHAPE, count), { logits: true })).logits!;
  };

  for (const type of ["Q4_0", "Q4_K", "Q6_K"] as const) {
    it(`give the same logits as repacked ones: ${type}`, async () => {
      const random = new TestModel(SHAPE, (name) => (name.includes("ffn_") ? type : "F32"));
      const mapped = await fixture.load(random, { repack: false });
      const repacked = await fixture.load(random, { repack: true });
      // whole groups of four columns, some left over, more than one batch; chunks of rows that no tile divides
      for (const [count, threads] of [
        [16, 1],
        [19, 3],
        [84, 2],
      ] as const) {
        const expected = await logits(repacked, count, threads);
        const difference = maxRelativeDifference(await logits(mapped, count, threads), expected);
        assert.ok(difference < 1e-5, `${count} tokens, ${threads} threads: ${difference}`);
      }
    });
  }
});
