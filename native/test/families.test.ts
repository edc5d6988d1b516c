import assert from "node:assert/strict";
import type { LlamaContext, LlamaModel } from "node-llama-cpp";
import {
  createAttribution,
  evaluate,
  makePlanes,
  setFfnChoice,
  setFfnRows,
  sparsitySupport,
  type FfnChoiceOptions,
} from "../../src/engine/native";
import { FAMILIES, familyOf, type Architecture } from "./models/families";
import { all, q4km, TestModel, type Shape, type TypeOf } from "./models/model";
import { Random } from "./models/random";
import { runReference } from "./reference/forward";
import { referenceScores } from "./reference/metrics";
import { aligned, assertScores, METRICS, within } from "./scores";
import { attributeAll, maxRelativeDifference, NativeFixture, randomTokens, relativeError } from "./support";

const shapeOf = (arch: Architecture): Shape => ({
  arch,
  layers: familyOf(arch).unrotated ?? 3,
  embedding: 48,
  ffn: 80,
  heads: 4,
  kvHeads: arch.startsWith("gemma3") ? 1 : 2,
  headSize: 12,
  vocabulary: 300,
  tied: arch.startsWith("gemma"),
});

/** Of blocks of 256 values. */
const wideShapeOf = (arch: Architecture): Shape => ({
  ...shapeOf(arch),
  layers: 2,
  embedding: 256,
  ffn: 512,
  headSize: 64,
});

/** Rows that blocks of 256 values cannot fill: what files hold instead. */
const FALLBACKS: TypeOf = (name) =>
  name.endsWith("norm.weight") || name.endsWith("bias")
    ? "F32"
    : name.includes("ffn_down")
      ? "Q6_K"
      : /attn_v|token_embd|output\.weight/.test(name)
        ? "Q8_0"
        : "Q5_0";

describe("RoPE for long contexts", () => {
  it("has other factors, as the context that decodes", async () => {
    const fixture = await NativeFixture.create();
    const shape: Shape = { ...shapeOf("phi3"), longContext: true };
    const model = new TestModel(shape, all("F32"));
    const tokens = randomTokens(shape, 12);
    // A model of 512 tokens was trained on 512 first, if it does not say otherwise.
    const options = { window: [1, 12], metrics: ["gxo"], contextSize: 513 } as const;
    const actual = await attributeAll(await fixture.load(model), tokens, options);
    assertScores(actual, referenceScores(model, tokens, [1, 12], 0), ["gxo"], within(1e-5));
    await fixture.dispose();
  });
});

describe("a family that is not understood", () => {
  it("runs dense, and says why", async () => {
    const fixture = await NativeFixture.create();
    const model = await fixture.load(new TestModel({ ...shapeOf("llama"), named: "xverse" }, all("F32")));
    const tokens = randomTokens(shapeOf("llama"), 8);
    const reason = "runs dense: general.architecture xverse is not supported yet";
    const support = sparsitySupport(model);
    assert.deepEqual([support.supported, support.reason, support.choiceReason], [false, reason, reason]);
    assert.throws(
      () => createAttribution(model, tokens, { window: [1, 8], metrics: ["gxo"], threads: 1 }),
      new RegExp(reason),
    );
    assert.equal((await evaluate(await fixture.context(model), tokens)).top1.length, 7);
    await fixture.dispose();
  });
});

for (const arch of Object.keys(FAMILIES) as Architecture[]) {
  describe(`the family ${arch}`, function () {
    this.timeout(120_000);
    let fixture: NativeFixture;
    before(async () => void (fixture = await NativeFixture.create()));
    afterEach(() => fixture.disposeModels());
    after(() => fixture.dispose());

    const shape = shapeOf(arch);
    const tokens = randomTokens(shape, 24);
    const window = [7, 24] as const;
    const evaluated = async (context: LlamaContext): Promise<Float32Array> =>
      (await evaluate(context, tokens, { logits: true })).logits!;
    const dense = async (model: LlamaModel): Promise<Float32Array> => evaluated(await fixture.context(model));

    it("is what llama.cpp computes", async () => {
      const model = new TestModel(shape, all("F32"));
      const { logits } = runReference(model, tokens, [1, 24]);
      const actual = await dense(await fixture.load(model));
      const error = relativeError(actual.subarray(0, logits.values.length), logits.values);
      // Its keys and values are halves, and its GELU comes from a table of halves.
      assert.ok(error < 2e-3, `relative error ${error}`);
    });

    it("has a reference that agrees with finite differences of itself", () => {
      const model = new TestModel({ ...shape, layers: 2 }, all("F32"));
      for (const unit of ["neurons", "heads"] as const) {
        const { values, grad, cols } = runReference(model, tokens, [7, 16])[unit][1]!;
        const F = (factor: number): number =>
          runReference(model, tokens, [7, 16], { layer: 1, unit, factor }).F;
        const step = 1e-5;
        const difference = (F(1 + step) - F(1 - step)) / (2 * step);
        const expected = values.subarray(6 * cols).reduce((sum, x, i) => sum + x * grad[6 * cols + i]!, 0);
        // Where a norm follows, a factor changes next to nothing: then the rounding of F counts.
        const limit = 1e-6 * Math.abs(expected) + 1e-9 * Math.abs(F(1));
        assert.ok(Math.abs(difference - expected) < limit, `${difference} ${expected}`);
      }
    });

    it("has the reference's gradients in F32, for every metric", async () => {
      const model = new TestModel(shape, all("F32"));
      const actual = await attributeAll(await fixture.load(model), tokens, { window, metrics: METRICS });
      const expected = referenceScores(model, tokens, window, 0);
      assert.ok(Math.abs(actual.F - expected.F) < 1e-5 * Math.abs(expected.F), `F ${actual.F} ${expected.F}`);
      assertScores(actual, expected, METRICS, within(1e-5));
    });

    it("has them when layers are computed again, and integrated", async () => {
      const model = new TestModel({ ...shape, layers: 2 }, all("F32"));
      const few = tokens.slice(0, 12);
      const loaded = await fixture.load(model);
      const expected = referenceScores(model, few, [5, 12], 3);
      const metrics = ["ig", "gxo"] as const;
      const options = { window: [5, 12], metrics, igSteps: 3 } as const;
      assertScores(await attributeAll(loaded, few, options), expected, metrics, within(1e-5));
      const again = await attributeAll(loaded, few, { ...options, metrics: ["gxo"], keepBytes: 1 });
      assertScores(again, expected, ["gxo"], within(1e-5));
    });

    it("follows them in Q4_K", async () => {
      const model = new TestModel(wideShapeOf(arch), q4km);
      const loaded = await fixture.load(model);
      const actual = await attributeAll(loaded, tokens, { window, metrics: METRICS });
      // The mean gradient of a head is what is left of many that cancel out.
      assertScores(actual, referenceScores(model, tokens, window, 0), METRICS, (a, b, what) => {
        aligned(what.includes("heads") ? 0.998 : 0.999)(a, b, what);
      });
    });

    it("is packed as it is masked", async () => {
      const model = new TestModel(shape, all("F32"));
      const random = new Random(5);
      const rows = Array.from({ length: shape.layers }, () => random.subset(shape.ffn, 37));
      const context = await fixture.context(await fixture.load(model));
      const before = await evaluated(context);
      for (const [layer, kept] of rows.entries()) {
        await setFfnRows(context, layer, kept, { threads: 2 });
      }
      const masked = await dense(await fixture.load(model.masked(rows)));
      assert.ok(maxRelativeDifference(before, masked) > 0.02, "the mask changes something");
      const error = maxRelativeDifference(await evaluated(context), masked);
      assert.ok(error < 2e-4, `difference ${error}`);
    });

    for (const [types, typeOf, embedding] of [
      ["Q4_K_M", q4km, 256],
      ["what Q4_K_M is for rows of other lengths", FALLBACKS, 96],
    ] as const) {
      it(`lets a token choose, of ${types}, and is as dense where it reads everything`, async () => {
        const wide = { ...wideShapeOf(arch), embedding, headSize: embedding / 4 };
        const loaded = await fixture.load(new TestModel(wide, typeOf));
        const before = await dense(loaded);
        const context = await fixture.context(loaded);
        const errors: number[] = [];
        for (const [gate, down, full] of [
          [wide.ffn, wide.ffn, wide.ffn],
          [300, 200, 80],
        ] as const) {
          const ones = new Float32Array(wide.ffn).fill(1);
          const options: FfnChoiceOptions = { gateWeights: ones, downWeights: ones, gate, down, full };
          for (let layer = 0; layer < wide.layers; layer++) {
            await makePlanes(loaded, layer, 2);
            setFfnChoice(context, layer, options);
          }
          errors.push(relativeError(await evaluated(context), before));
        }
        // Activations are rounded to int8 in other groups than ggml's.
        assert.ok(errors[0]! < 0.03 && errors[1]! > errors[0]!, errors.join(" "));
        assert.equal(sparsitySupport(loaded).choiceReason, undefined);
      });
    }
  });
}
