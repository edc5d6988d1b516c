import assert from "node:assert/strict";
import { availableParallelism } from "node:os";
import { evaluate } from "../../src/engine/native";
import { TestModel } from "./models/model";
import { SHAPE } from "./sparseShape";
import { NativeFixture, randomTokens } from "./support";

/** As where other programs are busy: most threads have no core when others wait for them. */
describe("more threads than cores", function () {
  this.timeout(120_000);
  let fixture: NativeFixture;

  before(async () => {
    fixture = await NativeFixture.create();
  });
  afterEach(() => fixture.disposeModels());
  after(() => fixture.dispose());

  it("leave the cores to those that they wait for, and compute the same", async () => {
    const model = await fixture.load(new TestModel(SHAPE, () => "F32"), { repack: false });
    const logits = async (threads: number): Promise<{ values: Float32Array; asleep: number }> => {
      const context = await model.createContext({ contextSize: 64, batchSize: 8, threads });
      const before = process.resourceUsage().voluntaryContextSwitches;
      const { logits: values } = await evaluate(context, randomTokens(SHAPE, 48), { logits: true });
      return { values: values!, asleep: process.resourceUsage().voluntaryContextSwitches - before };
    };
    const one = await logits(1);
    const many = await logits(Math.min(64, 4 * availableParallelism()));
    assert.deepEqual(many.values, one.values);
    if (process.platform === "linux") {
      // Who only spins gives up its core when the system takes it: some 50 times, instead of more than 1,000.
      assert.ok(many.asleep > 300, `${many.asleep} times asleep`);
    }
  });
});
