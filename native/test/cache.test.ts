import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import type { LlamaContext } from "node-llama-cpp";
import { cacheBytes, releaseCache } from "../../src/engine/kvCache";
import { evaluate } from "../../src/engine/native";
import { TestModel } from "./models/model";
import { SHAPE } from "./sparseShape";
import { NativeFixture, randomTokens } from "./support";

const CONTEXT = 4096;
const MODES = "/sys/kernel/mm/transparent_hugepage/enabled";
const largePagesAlways = (): boolean => existsSync(MODES) && readFileSync(MODES, "utf8").includes("[always]");

/** A new KV cache takes no memory before tokens are written to it. */
describe("KV cache", function () {
  this.timeout(60_000);
  let fixture: NativeFixture;
  before(async () => {
    fixture = await NativeFixture.create();
  });
  afterEach(() => fixture.disposeModels());
  after(() => fixture.dispose());

  const logits = async (context: LlamaContext): Promise<Float32Array> =>
    (await evaluate(context, randomTokens(SHAPE, 24), { logits: true })).logits!;

  it("computes the same after it has let go of its pages, and takes them as it fills", async () => {
    const model = await fixture.load(new TestModel(SHAPE, () => "F32"));
    const create = (): Promise<LlamaContext> =>
      model.createContext({ contextSize: CONTEXT, batchSize: 8, threads: 2 });
    const stock = await create();
    const context = await create();
    const whole = cacheBytes(context);
    assert.ok(whole >= 2 * SHAPE.layers * CONTEXT * SHAPE.kvHeads * SHAPE.headSize * 2);
    releaseCache(context);
    const released = cacheBytes(context);
    assert.deepEqual(await logits(context), await logits(stock));
    if (process.platform === "linux") {
      // Its first and last page may be shared with others.
      assert.ok(released <= 0.01 * whole, `${released} of ${whole} bytes after it was released`);
      const filled = cacheBytes(context);
      // Where large pages are given to who does not ask, one holds all of this cache.
      assert.ok(
        filled > released && (filled < whole || largePagesAlways()),
        `${filled} of ${whole} bytes with 24 tokens`,
      );
    }
  });

  it("is refused for a context that is disposed of", async () => {
    const model = await fixture.load(new TestModel(SHAPE, () => "F32"));
    const context = await model.createContext({ contextSize: CONTEXT });
    await context.dispose();
    assert.throws(() => cacheBytes(context), /disposed/);
  });
});
