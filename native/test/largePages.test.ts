import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import type { LlamaModel } from "node-llama-cpp";
import {
  evaluate,
  evictDense,
  largePageBytes,
  leaveLargePages,
  memory,
  moveToLargePages,
  type WeightPart,
} from "../../src/engine/native";
import { TestModel } from "./models/model";
import { SHAPE } from "./sparseShape";
import { NativeFixture, randomTokens } from "./support";

const MODES = "/sys/kernel/mm/transparent_hugepage/enabled";
const shape = { ...SHAPE, tied: true };

/** Weights that are copied from the mapped file take its place, bit for bit, and give it back. */
describe("large pages", function () {
  this.timeout(60_000);
  let fixture: NativeFixture;

  before(async function () {
    fixture = await NativeFixture.create();
    if (
      process.platform !== "linux" ||
      !existsSync(MODES) ||
      readFileSync(MODES, "utf8").includes("[never]")
    ) {
      console.log(
        "    Not tested: this system has no large pages for who asks (transparent_hugepage/enabled).",
      );
      this.skip();
    }
  });
  afterEach(() => fixture.disposeModels());
  after(() => fixture.dispose());

  const logits = async (model: LlamaModel): Promise<Float32Array> => {
    const context = await model.createContext({ contextSize: 64, batchSize: 8, threads: 2 });
    return (await evaluate(context, randomTokens(shape, 24), { logits: true })).logits!;
  };

  /** Resolves to the turns that it took, and the bytes. */
  async function moveAll(model: LlamaModel, part: WeightPart, maxBytes: number): Promise<[number, number]> {
    let turns = 0;
    let bytes = 0;
    for (let moved; (moved = await moveToLargePages(model, part, { maxBytes, threads: 2 })) > 0; turns++) {
      assert.ok(moved <= maxBytes);
      bytes += moved;
    }
    return [turns, bytes];
  }

  it("hold the file's own weights while they are used, piece by piece", async () => {
    const model = await fixture.load(new TestModel(shape, () => "F32"), { repack: false });
    const expected = await logits(model);
    const { mappedBytes } = memory(model);

    const [turns, others] = await moveAll(model, "others", 100_000);
    assert.ok(turns > 1, `${turns} turns`);
    assert.deepEqual(await logits(model), expected);
    const [, ffn] = await moveAll(model, "ffn", Number.MAX_SAFE_INTEGER);
    assert.ok(others > 0 && ffn > 0);
    assert.equal(largePageBytes(model), others + ffn);
    assert.equal(memory(model).mappedBytes, mappedBytes);
    assert.deepEqual(await logits(model), expected);

    assert.equal(evictDense(model), 0, "nothing of them may be given up: it could not be read again");
    assert.deepEqual(await logits(model), expected);

    leaveLargePages(model, "ffn");
    assert.equal(largePageBytes(model), others);
    assert.ok(evictDense(model) > 0);
    assert.deepEqual(await logits(model), expected);
    assert.deepEqual(await moveAll(model, "ffn", Number.MAX_SAFE_INTEGER), [1, ffn]);
    assert.deepEqual(await logits(model), expected);
  });

  it("are left in the middle of a move", async () => {
    const model = await fixture.load(new TestModel(shape, () => "F32"), { repack: false });
    const expected = await logits(model);
    await moveToLargePages(model, "ffn", { maxBytes: 100_000, threads: 1 });
    leaveLargePages(model, "ffn");
    assert.equal(largePageBytes(model), 0);
    assert.deepEqual(await logits(model), expected);
  });
});
