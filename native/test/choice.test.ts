import assert from "node:assert/strict";
import type { LlamaContext, LlamaModel } from "node-llama-cpp";
import { DocumentContext } from "../../src/engine/document";
import {
  choiceKernels,
  chosenTokens,
  dropPlanes,
  evaluate,
  makePlanes,
  memory,
  planeBytes,
  setFfnActive,
  setFfnChoice,
  setFfnRows,
  sparsitySupport,
  type FfnChoiceOptions,
  type PlaneSizes,
} from "../../src/engine/native";
import type { StorageType } from "./models/blocks";
import { TestModel } from "./models/model";
import { SHAPE } from "./sparseShape";
import { maxRelativeDifference, NativeFixture, randomTokens, relativeError } from "./support";

/** Stage by stage and for all types of weights: `choiceKernels.test.ts`. Here: as a part of a model. */
describe("a token's choice in a model", function () {
  this.timeout(240_000);
  let fixture: NativeFixture;
  before(async () => void (fixture = await NativeFixture.create()));
  afterEach(() => fixture.disposeModels());
  after(() => fixture.dispose());

  const tokens = randomTokens(SHAPE, 40);
  const ones = new Float32Array(SHAPE.ffn).fill(1);
  const EVERYTHING: FfnChoiceOptions = {
    gateWeights: ones,
    downWeights: ones,
    gate: SHAPE.ffn,
    down: SHAPE.ffn,
    full: SHAPE.ffn,
  };
  const SOME = { ...EVERYTHING, gate: 300, down: 200, full: 80 };

  const load = (type: StorageType): Promise<LlamaModel> =>
    fixture.load(
      new TestModel(SHAPE, (name) => (name.endsWith("norm.weight") || name.endsWith("bias") ? "F32" : type)),
    );
  const context = (model: LlamaModel, batchSize = 64, threads = 2): Promise<LlamaContext> =>
    model.createContext({ contextSize: 256, batchSize, threads, flashAttention: false });
  const logits = async (c: LlamaContext): Promise<Float32Array> =>
    (await evaluate(c, tokens, { logits: true })).logits!;
  async function choose(c: LlamaContext, options: FfnChoiceOptions): Promise<void> {
    for (let layer = 0; layer < SHAPE.layers; layer++) {
      await makePlanes(c.model, layer, 2);
      setFfnChoice(c, layer, options);
    }
  }

  it("is as dense where everything is read", async () => {
    for (const type of ["Q4_0", "Q4_1", "Q8_0", "Q4_K", "Q6_K"] as const) {
      const model = await load(type);
      const dense = await logits(await context(model));
      for (const kernels of choiceKernels(model)) {
        const c = await context(model);
        await choose(c, { ...EVERYTHING, kernels });
        const error = relativeError(await logits(c), dense);
        // Activations are rounded to int8 in other groups than ggml's.
        assert.ok(error < 0.02, `${type}, ${kernels}: ${error}`);
        await choose(c, { ...SOME, kernels });
        assert.ok(relativeError(await logits(c), dense) > error, "something is left out");
      }
    }
  });

  it("does not depend on threads, batches, or kernels beyond rounding", async () => {
    const model = await load("Q4_K");
    const first = await context(model, 64, 1);
    await choose(first, { ...SOME, kernels: "scalar" });
    const expected = await logits(first);
    for (const [batchSize, threads] of [
      [64, 3],
      [7, 2],
      [1, 2],
    ] as const) {
      const c = await context(model, batchSize, threads);
      await choose(c, SOME);
      // A neuron near a limit may be chosen or not.
      assert.ok(relativeError(await logits(c), expected) < 0.02, `${batchSize}, ${threads}`);
    }
    const [a, b] = [await context(model), await context(model)];
    await choose(a, SOME);
    await choose(b, SOME);
    assert.deepEqual(await logits(a), await logits(b));
  });

  it("loses less the more is read", async () => {
    const model = await load("Q4_K");
    const dense = await logits(await context(model));
    const c = await context(model);
    const errors: number[] = [];
    for (const share of [0.2, 0.5, 1]) {
      const count = (of: number): number => Math.round(of * share * SHAPE.ffn);
      await choose(c, { ...EVERYTHING, gate: count(1), down: count(0.8), full: count(0.4) });
      errors.push(relativeError(await logits(c), dense));
    }
    assert.ok(errors[0]! > errors[1]! && errors[1]! > errors[2]!, errors.join(" "));
  });

  it("goes by the weights", async () => {
    const model = await load("Q4_K");
    const c = await context(model);
    const half = ones.map((_, row) => (row < SHAPE.ffn / 2 ? 1 : 0));
    await choose(c, { ...SOME, gateWeights: half });
    const one = await logits(c);
    await choose(c, { ...SOME, gateWeights: half.map((weight) => 1 - weight) });
    assert.ok(maxRelativeDifference(await logits(c), one) > 0.01);
  });

  it("counts tokens, shares planes between contexts, and leaves the others dense", async () => {
    const model = await load("Q4_K");
    const [a, b] = [await context(model), await context(model)];
    const dense = await logits(b);
    await choose(a, SOME);
    const bytes = planeBytes(model);
    assert.ok(bytes > 0);
    await logits(a);
    assert.equal(chosenTokens(a), tokens.length * SHAPE.layers);
    assert.equal(chosenTokens(b), 0);
    assert.deepEqual(await logits(b), dense);
    await choose(b, SOME);
    assert.equal(planeBytes(model), bytes);
    setFfnActive(a, false);
    assert.equal((await evaluate(a, tokens, { denseUntil: tokens.length })).top1.length, tokens.length - 1);
    dropPlanes(model);
    assert.equal(planeBytes(model), 0);
    await logits(b); // what is in use stays
    for (let layer = 0; layer < SHAPE.layers; layer++) {
      await setFfnRows(b, layer, null, { threads: 1 });
    }
    assert.deepEqual(await logits(b), dense);
  });

  it("gives planes' memory back with the last context, not with JavaScript's garbage", async function () {
    if (process.platform !== "linux") {
      console.log("      Not tested: this system does not tell what is resident.");
      this.skip();
    }
    const shape = { ...SHAPE, embedding: 512, ffn: 2048, headSize: 128 };
    const model = await fixture.load(
      new TestModel(shape, (name) =>
        name.endsWith("norm.weight") || name.endsWith("bias") ? "F32" : "Q8_0",
      ),
    );
    const { planes } = sparsitySupport(model) as { planes: readonly PlaneSizes[] };
    const document = await DocumentContext.create(model, 64, 1);
    for (let layer = 0; layer < shape.layers; layer++) {
      await makePlanes(model, layer, 1);
    }
    const some = new Float32Array(shape.ffn).fill(1);
    const layers = planes.map(() => ({ gateWeights: some, downWeights: some }));
    document.choose(layers, 0.6, planes);
    await document.next([1]);
    const bytes = planeBytes(model);
    assert.ok(bytes > 4 * 2 ** 20, String(bytes));
    await document.dispose();
    const before = memory(model).anonymousBytes;
    dropPlanes(model);
    const freed = before - memory(model).anonymousBytes;
    assert.ok(freed > 0.9 * bytes, `${freed} of ${bytes}`);
  });

  it("says what planes hold, and what dense reads", async () => {
    const model = await load("Q4_K");
    const { planes } = sparsitySupport(model);
    assert.equal(planes!.length, SHAPE.layers);
    const { file, up, gate, down, shared, rest } = planes![0]!;
    const matrix = (SHAPE.ffn * SHAPE.embedding * 4.5) / 8;
    assert.equal(file, 3 * matrix);
    assert.ok(up === gate && up < 0.95 * matrix && down < 0.8 * matrix);
    // All of it, and the scales of up and gate again.
    assert.ok(up + gate + down + shared + rest > file && up + gate + down + shared + rest < 1.4 * file);
  });

  it("refuses what does not fit, by name", async () => {
    const model = await load("Q4_K");
    const c = await context(model);
    assert.throws(() => setFfnChoice(c, 0, EVERYTHING), /not in planes/);
    await makePlanes(model, 0, 1);
    await assert.rejects(makePlanes(model, 9, 1), /does not exist/);
    assert.throws(
      () => setFfnChoice(c, 0, { ...EVERYTHING, gateWeights: ones.slice(1) }),
      /weights for each/,
    );
    assert.throws(() => setFfnChoice(c, 0, { ...EVERYTHING, gate: 10 }), /each stage/);
    assert.throws(() => setFfnChoice(c, 0, { ...EVERYTHING, kernels: "best" }), /no kernels called best/);
    const plain = await load("F16");
    const { planes, choiceReason } = sparsitySupport(plain);
    assert.equal(planes, undefined);
    assert.match(choiceReason!, /type f16/);
    assert.throws(() => void makePlanes(plain, 0, 1), /type f16/);
  });
});
