import assert from "node:assert/strict";
import type { LlamaModel } from "node-llama-cpp";
import { evaluate, memory, trimMemory } from "../../src/engine/native";
import { TestModel } from "./models/model";
import { runReference } from "./reference/forward";
import { SHAPE } from "./sparseShape";
import { NativeFixture, randomTokens, relativeError } from "./support";

/** Weights that stay mapped are unpacked on the way to a product with many columns (patches 0007, 0012 and 0018). */
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

  for (const type of ["Q4_0", "Q5_0", "Q8_0", "Q4_K", "Q5_K", "Q6_K"] as const) {
    it(`give logits as near to the reference's as repacked ones: ${type}`, async () => {
      const random = new TestModel(SHAPE, (name) => (name.includes("ffn_") ? type : "F32"));
      const mapped = await fixture.load(random, { repack: false });
      const repacked = await fixture.load(random, { repack: true });
      // fewer columns than tiles have, some left over, more than one batch; chunks of rows that no tile divides
      for (const [count, threads] of [
        [16, 1],
        [19, 3],
        [84, 2],
      ] as const) {
        const tokens = randomTokens(SHAPE, count + 1);
        const reference = runReference(random, tokens, [1, tokens.length]).logits.values;
        const error = relativeError(await logits(mapped, count, threads), reference);
        const allowed = 1.3 * relativeError(await logits(repacked, count, threads), reference);
        assert.ok(error < allowed, `${count} tokens, ${threads} threads: ${error}, allowed ${allowed}`);
      }
    });
  }
});

describe("trimming memory", function () {
  this.timeout(60_000);
  let fixture: NativeFixture;

  before(async () => void (fixture = await NativeFixture.create()));
  afterEach(() => fixture.disposeModels());
  after(() => fixture.dispose());

  for (const tied of [false, true]) {
    it(`gives back mapped embeddings${tied ? " unless they are the output layer" : ""}, which are read again`, async function () {
      const shape = { ...SHAPE, vocabulary: 8_192, tied };
      const model = await fixture.load(new TestModel(shape, () => "F32"), { repack: false });
      const logits = async (): Promise<Float32Array> => {
        const context = await model.createContext({ contextSize: 64, batchSize: 8, threads: 1 });
        return (await evaluate(context, randomTokens(shape, 8), { logits: true })).logits!;
      };
      const expected = await logits();
      const before = memory(model);
      trimMemory(model);
      const after = memory(model);
      assert.deepEqual(await logits(), expected);
      if (before.anonymousBytes === 0) {
        console.log("      Not tested: this system does not tell what is resident of files.");
        this.skip();
      }
      const ofFiles = ({ residentBytes, anonymousBytes }: typeof before): number =>
        residentBytes - anonymousBytes;
      const share = (ofFiles(before) - ofFiles(after)) / (shape.vocabulary * shape.embedding * 4);
      assert.ok(tied ? share < 0.1 : share > 0.9, `${share} of the embeddings`);
    });
  }
});
