import assert from "node:assert/strict";
import type { LlamaContext, LlamaModel } from "node-llama-cpp";
import {
  evaluate,
  ffnCounters,
  memory,
  setFfnRows,
  sparseKernels,
  sparsitySupport,
  type FfnRowsOptions,
} from "../../src/engine/native";
import type { StorageType } from "./models/blocks";
import { TestModel, type Shape } from "./models/model";
import { Random } from "./models/random";
import { runReference } from "./reference/forward";
import { SHAPE, THRESHOLD } from "./sparseShape";
import { maxRelativeDifference, NativeFixture, randomTokens, relativeError } from "./support";

type Options = Omit<FfnRowsOptions, "threads">;

/** Random rows in each layer; none of the counts is a multiple of anything. */
const randomRows = ({ ffn, layers }: Shape, seed = 3): Int32Array[] => {
  const random = new Random(seed);
  return Array.from({ length: layers }, (_, il) =>
    random.subset(ffn, Math.round((0.7 - 0.2 * il) * ffn) | 1),
  );
};

/** The middle of the widest gap between values within a quarter of `about`; 0 for 0. */
function widestGap(values: Float64Array, about: number): number {
  const near = values.filter((value) => Math.abs(value - about) <= about / 4).sort();
  let widest = 0;
  let middle = about;
  for (let i = 1; i < near.length; i++) {
    if (near[i]! - near[i - 1]! > widest) {
      widest = near[i]! - near[i - 1]!;
      middle = (near[i]! + near[i - 1]!) / 2;
    }
  }
  return middle;
}

describe("thresholds inside the packed FFN", function () {
  this.timeout(240_000);
  let fixture: NativeFixture;
  before(async () => void (fixture = await NativeFixture.create()));
  afterEach(() => fixture.disposeModels());
  after(() => fixture.dispose());

  const tokens = randomTokens(SHAPE, 10);
  const context = (model: LlamaModel, batchSize = 64, threads = 2): Promise<LlamaContext> =>
    model.createContext({ contextSize: 256, batchSize, threads, flashAttention: false });
  const logits = async (c: LlamaContext): Promise<Float32Array> =>
    (await evaluate(c, tokens, { logits: true })).logits!;

  async function setAll(
    c: LlamaContext,
    rows: readonly Int32Array[],
    { thresholds, ...options }: Options & { readonly thresholds?: readonly number[] },
  ): Promise<void> {
    for (const [layer, r] of rows.entries()) {
      const threshold = thresholds === undefined ? {} : { threshold: thresholds[layer]! };
      await setFfnRows(c, layer, r, { threads: 2, ...threshold, ...options });
    }
  }

  /**
   * A selection of about `about` in float64: zeros where the kernels do not read. The thresholds are where no neuron is near, so
   * that rounding (keys and values have 16 bits) does not decide which are active.
   */
  function reference(
    model: TestModel,
    rows: readonly Int32Array[],
    about: number,
    weights?: Float32Array,
  ): { readonly logits: Float64Array; readonly active: number; readonly thresholds: number[] } {
    let active = 0;
    const thresholds: number[] = [];
    const inputs = Int32Array.of(...tokens, 3);
    const select = (il: number, values: Float64Array, gate: Float64Array): Float64Array => {
      const { ffn } = model.shape;
      const sizes = gate.map((value, at) => Math.abs(value) * (weights?.[at % ffn] ?? 1));
      const kept = new Set(rows[il]);
      const threshold = widestGap(
        sizes.filter((_, at) => kept.has(at % ffn)),
        about,
      );
      thresholds.push(threshold);
      return values.map((value, at) => {
        const isActive = kept.has(at % ffn) && sizes[at]! >= threshold;
        active += isActive ? 1 : 0;
        return isActive ? value : 0;
      });
    };
    const pass = runReference(model, inputs, [1, inputs.length], undefined, { neurons: select });
    return { logits: pass.logits.values, active, thresholds };
  }

  it("knows this processor's kernels, and always the scalar ones", async () => {
    const names = sparseKernels(await fixture.load(new TestModel(SHAPE, () => "F32")));
    assert.equal(names.at(-1), "scalar");
    assert.equal(new Set(names).size, names.length);
  });

  it("equals a computation of the same selection, for all kernels and sizes of a batch", async () => {
    const model = new TestModel(SHAPE, () => "F32");
    const rows = randomRows(SHAPE);
    const loaded = await fixture.load(model);
    const all = reference(model, rows, 0);
    const expected = reference(model, rows, THRESHOLD);
    const share = expected.active / all.active;
    assert.ok(share > 0.25 && share < 0.75, `${share} of the neurons are active`);
    assert.ok(relativeError(all.logits, expected.logits) > 0.01, "the threshold changes something");
    for (const kernels of sparseKernels(loaded)) {
      for (const batchSize of [64, 9, 8, 2, 1]) {
        const c = await context(loaded, batchSize, 1);
        await setAll(c, rows, { thresholds: expected.thresholds, kernels });
        const error = maxRelativeDifference(await logits(c), expected.logits);
        assert.ok(error <= 2e-4, `${kernels}, batches of ${batchSize}: difference ${error}`);
        await c.dispose();
      }
    }
  });

  it("counts what it reads", async () => {
    const model = new TestModel(SHAPE, () => "F32");
    const rows = randomRows(SHAPE);
    const c = await context(await fixture.load(model), 7);
    assert.deepEqual(ffnCounters(c), { tokens: 0, active: 0, candidates: 0 });
    const { active, thresholds } = reference(model, rows, THRESHOLD);
    await setAll(c, rows, { thresholds });
    await logits(c);
    const kept = rows.reduce((sum, { length }) => sum + length, 0);
    assert.deepEqual(ffnCounters(c), {
      tokens: tokens.length * SHAPE.layers,
      active,
      candidates: tokens.length * kept,
    });
  });

  it("weighs neurons", async () => {
    const model = new TestModel(SHAPE, () => "F32");
    const rows = randomRows(SHAPE);
    const random = new Random(8);
    const thresholdWeights = Float32Array.from({ length: SHAPE.ffn }, () => 3 * random.uniform());
    const loaded = await fixture.load(model);
    const c = await context(loaded);
    const expected = reference(model, rows, THRESHOLD, thresholdWeights);
    assert.ok(relativeError(expected.logits, reference(model, rows, THRESHOLD).logits) > 0.01);
    for (const kernels of sparseKernels(loaded)) {
      await setAll(c, rows, { thresholds: expected.thresholds, thresholdWeights, kernels });
      const error = maxRelativeDifference(await logits(c), expected.logits);
      assert.ok(error <= 2e-4, `${kernels}: difference ${error}`);
    }
  });

  it("leaves the mean of the dropped neurons behind, as without thresholds", async () => {
    const rows = randomRows(SHAPE);
    const random = new Random(5);
    const means = Float32Array.from({ length: SHAPE.ffn }, () => random.normal());
    const c = await context(await fixture.load(new TestModel(SHAPE, () => "F32")));
    await setAll(c, rows, { means });
    const packed = await logits(c);
    await setAll(c, rows, { means, threshold: 0 });
    const error = maxRelativeDifference(await logits(c), packed);
    assert.ok(error <= 1e-5, `difference ${error}`);
  });

  // Down is quantised along other blocks than in the packed FFN, and ggml rounds activations on the way into it. Measured, with room.
  const rounding: Readonly<Record<StorageType, number>> = {
    F32: 1e-4,
    F16: 0.005,
    BF16: 0.02,
    Q8_0: 0.02,
    Q4_0: 0.02,
    Q4_1: 0.02,
    Q5_0: 0.02,
    Q4_K: 0.02,
    Q5_K: 0.02,
    Q6_K: 0.02,
  };
  for (const type of Object.keys(rounding) as StorageType[]) {
    it(`equals the packed FFN at threshold 0 and a computation of the same selection above, in ${type}`, async () => {
      const model = new TestModel(SHAPE, () => type);
      const rows = randomRows(SHAPE);
      const loaded = await fixture.load(model);
      const packedContext = await context(loaded);
      await setAll(packedContext, rows, {});
      const packed = await logits(packedContext);
      // quantised activations are in the packed model, too: what they do to it is no error of the thresholds
      const floor = relativeError(packed, reference(model, rows, 0).logits);
      const expected = reference(model, rows, THRESHOLD);
      const { thresholds } = expected;

      const results: Float32Array[] = [];
      for (const kernels of sparseKernels(loaded)) {
        const c = await context(loaded);
        await setAll(c, rows, { threshold: 0, kernels });
        const atZero = relativeError(await logits(c), packed);
        assert.ok(atZero <= rounding[type], `${kernels}: ${atZero} from the packed FFN`);
        await setAll(c, rows, { thresholds, kernels });
        results.push(await logits(c));
        const above = relativeError(results.at(-1)!, expected.logits);
        assert.ok(
          above <= 2 * floor + rounding[type],
          `${kernels}: ${above} from the selection, ${floor} packed`,
        );
        await c.dispose();
      }
      for (const result of results) {
        const error = relativeError(result, results[0]!);
        assert.ok(error <= 5e-3, `kernels differ by ${error}`);
      }
    });
  }

  const odd: readonly (readonly [Partial<Shape>, StorageType])[] = [
    [{ embedding: 80, heads: 2, kvHeads: 1, headSize: 40, ffn: 333 }, "F32"],
    [{ embedding: 80, heads: 2, kvHeads: 1, headSize: 40, ffn: 333 }, "F16"],
    [{ embedding: 96, heads: 3, kvHeads: 1, headSize: 32, ffn: 352 }, "Q8_0"],
    [{ embedding: 96, heads: 3, kvHeads: 1, headSize: 32, ffn: 352 }, "Q4_0"],
    [{ embedding: 224, heads: 7, kvHeads: 1, headSize: 32, ffn: 352 }, "Q8_0"],
    [{ embedding: 768, heads: 12, kvHeads: 2, headSize: 64, ffn: 768 }, "Q4_K"],
    [{ embedding: 768, heads: 12, kvHeads: 2, headSize: 64, ffn: 256 }, "Q6_K"],
  ];
  for (const [size, type] of odd) {
    it(`works where n_embd is ${size.embedding}, in ${type}`, async () => {
      const shape = { ...SHAPE, ...size };
      const model = new TestModel(shape, () => type);
      const rows = randomRows(shape);
      const loaded = await fixture.load(model);
      const floor = relativeError(
        await logits(
          await (async () => {
            const c = await context(loaded);
            await setAll(c, rows, {});
            return c;
          })(),
        ),
        reference(model, rows, 0).logits,
      );
      const expected = reference(model, rows, THRESHOLD);
      for (const kernels of sparseKernels(loaded)) {
        const c = await context(loaded, 1);
        await setAll(c, rows, { thresholds: expected.thresholds, kernels });
        const error = relativeError(await logits(c), expected.logits);
        assert.ok(error <= 2 * floor + rounding[type], `${kernels}: ${error}, packed ${floor}`);
        await c.dispose();
      }
    });
  }

  it("stores down in other types", async () => {
    const model = new TestModel(SHAPE, () => "Q4_K");
    const rows = randomRows(SHAPE);
    const loaded = await fixture.load(model);
    const { logits: expected, thresholds } = reference(model, rows, THRESHOLD);
    const c = await context(loaded);
    const bytes = [];
    for (const [downType, tolerance] of [
      ["F16", 0.02],
      ["Q8_0", 0.02],
      ["Q4_0", 0.15],
    ] as const) {
      await setAll(c, rows, { thresholds, downType });
      bytes.push(memory(loaded, [c]).packedBytes);
      const error = relativeError(await logits(c), expected);
      assert.ok(error <= tolerance, `${downType}: ${error}`);
    }
    assert.ok(bytes[0]! > bytes[1]! && bytes[1]! > bytes[2]!);
    await assert.rejects(setAll(c, rows, { threshold: 0, downType: "Q6_K" }), /cannot be stored as q6_K/);
  });

  it("does not depend on the number of threads, nor on who is first", async () => {
    const small: Shape = { ...SHAPE, layers: 1, embedding: 64, heads: 1, kvHeads: 1, ffn: 128 };
    const loaded = await fixture.load(new TestModel(small, () => "Q8_0"));
    const rows = randomRows(small);
    const few = tokens.slice(0, 6); // threads that wait for a processor take long
    const run = async (c: LlamaContext): Promise<Float32Array> =>
      (await evaluate(c, few, { logits: true })).logits!;
    const results: Float32Array[] = [];
    for (const [threads, batchSize] of [
      [1, 1],
      [2, 1],
      [3, 10],
      [4, 1],
      [5, 2],
      [6, 1],
      [7, 3],
      [8, 5],
      [8, 6],
    ] as const) {
      const c = await context(loaded, batchSize, threads);
      await setAll(c, rows, { threshold: THRESHOLD });
      results.push(await run(c));
      assert.deepEqual(await run(c), results.at(-1), "the same numbers every time");
      await c.dispose();
    }
    for (const result of results) {
      const error = maxRelativeDifference(result, results[0]!);
      assert.ok(error <= 1e-5, `difference ${error}`);
    }
  });

  it("takes no more memory than the packed FFN, and another threshold packs nothing anew", async () => {
    const loaded = await fixture.load(new TestModel(SHAPE, () => "Q8_0"), { repack: false });
    const rows = [0, 1].map(() => Int32Array.from({ length: 256 }, (_, i) => i));
    const [a, b] = [await context(loaded), await context(loaded)];
    await setAll(a, rows, {});
    await setAll(b, rows, { threshold: 0 });
    const { packedBytes } = memory(loaded, [a]);
    const row = (SHAPE.embedding / 32) * 34; // of gate, of up, and a column of down
    const record = Math.ceil((Math.ceil(row / 32) * 32 + row) / 64) * 64;
    const biases = 4 * SHAPE.embedding; // of down; and of gate, whose size is that of the layer's rows
    const perLayer = 256 * (row + record) + biases + 4 * 256;
    const amx = 256 * (SHAPE.embedding / 32) * 4; // its layout of gate has the sum of each block, too, in four bytes
    const thresholds = memory(loaded, [b]).packedBytes;
    assert.ok(
      [0, amx].some(
        (more) => thresholds - 2 * (perLayer + more) >= 0 && thresholds - 2 * (perLayer + more) < 1024,
      ),
      `${thresholds} for ${perLayer}`,
    );
    assert.ok(Math.abs(thresholds / packedBytes - 1) < 0.05);

    const everything = await logits(b);
    await setAll(b, rows, { threshold: 1e9 });
    const nothing = await logits(b);
    assert.notDeepEqual(nothing, everything);
    await setAll(b, rows, { threshold: 0 });
    assert.deepEqual(await logits(b), everything);
    assert.equal(ffnCounters(b).tokens, 3 * tokens.length * SHAPE.layers, "the counters went on");
  });

  it("gives way to the packed FFN and to the dense one", async () => {
    const loaded = await fixture.load(new TestModel(SHAPE, () => "F32"));
    const rows = randomRows(SHAPE);
    const c = await context(loaded);
    const dense = await logits(c);
    await setAll(c, rows, {});
    const packed = await logits(c);
    await setAll(c, rows, { threshold: THRESHOLD });
    assert.notDeepEqual(await logits(c), packed);
    await setAll(c, rows, {});
    assert.deepEqual(await logits(c), packed);
    for (let layer = 0; layer < SHAPE.layers; layer++) {
      await setFfnRows(c, layer, null, { threads: 1 });
    }
    assert.deepEqual(await logits(c), dense);
  });

  it("refuses what it does not have", async () => {
    const loaded = await fixture.load(new TestModel(SHAPE, () => "F32"));
    assert.equal(sparsitySupport(loaded).thresholdsReason, undefined);
    const c = await context(loaded);
    const rows = randomRows(SHAPE);
    await assert.rejects(setAll(c, rows, { threshold: 0, kernels: "mmx" }), /no kernels called mmx/);
    await assert.rejects(
      setAll(c, rows, { threshold: 0, thresholdWeights: new Float32Array(3) }),
      /weights must have 512/,
    );
  });
});
