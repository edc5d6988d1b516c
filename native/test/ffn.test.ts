import assert from "node:assert/strict";
import type { LlamaContext, LlamaModel } from "node-llama-cpp";
import {
  evaluate,
  evictDense,
  memory,
  setFfnActive,
  setFfnRows,
  type DownType,
} from "../../src/engine/native";
import { writeGguf } from "./models/gguf";
import { TestModel, type Shape, type TypeOf } from "./models/model";
import { Random } from "./models/random";
import { maxRelativeDifference, NativeFixture, randomTokens, relativeError, testGpu } from "./support";

const SHAPE: Shape = {
  arch: "llama",
  layers: 3,
  embedding: 256,
  ffn: 512,
  heads: 4,
  kvHeads: 2,
  headSize: 64,
  vocabulary: 300,
  tied: true,
  ffnBias: true,
};

/** Sums in another order; GPUs make F16 or TF32 of what they multiply, too. */
const ROUNDING = testGpu === false ? 1e-4 : 1e-3;

const all =
  (type: ReturnType<TypeOf>): TypeOf =>
  () =>
    type;

/** Random rows, not a prefix, a different number of them in each layer; none of the counts is a block multiple. */
function randomRows(shape: Shape, seed = 3): Int32Array[] {
  const random = new Random(seed);
  return [0.37, 0.61, 0.18].map((ratio) => random.subset(shape.ffn, Math.round(ratio * shape.ffn) | 1));
}

async function setAll(
  context: LlamaContext,
  rows: readonly (Int32Array | null)[],
  downType?: DownType,
): Promise<void> {
  for (const [layer, r] of rows.entries()) {
    await setFfnRows(context, layer, r, { threads: 2, ...(downType ? { downType } : {}) });
  }
}

describe("packed FFN", function () {
  this.timeout(120_000);
  let fixture: NativeFixture;
  const tokens = randomTokens(SHAPE, 40);
  before(async () => void (fixture = await NativeFixture.create()));
  afterEach(() => fixture.disposeModels());
  after(() => fixture.dispose());

  const logits = async (context: LlamaContext): Promise<Float32Array> =>
    (await evaluate(context, tokens, { logits: true })).logits!;
  const denseLogits = async (model: LlamaModel): Promise<Float32Array> => {
    const context = await fixture.context(model);
    const res = await logits(context);
    await context.dispose();
    return res;
  };

  it("equals masking in F32, and restores the dense layers bit for bit", async () => {
    const model = new TestModel(SHAPE, all("F32"));
    const rows = randomRows(SHAPE);
    const context = await fixture.context(await fixture.load(model));
    const dense = await logits(context);
    await setAll(context, rows);
    const sparse = await logits(context);
    const masked = await denseLogits(await fixture.load(model.masked(rows)));
    assert.ok(maxRelativeDifference(dense, masked) > 0.05, "the mask changes something");
    const error = maxRelativeDifference(sparse, masked);
    assert.ok(error <= ROUNDING, `difference ${error}`);

    await setAll(context, [null, null, null]);
    assert.deepEqual(await logits(context), dense);
  });

  it("equals masking in F16, to the rounding that the dense model has itself", async () => {
    const model = new TestModel(SHAPE, all("F16"));
    const rows = randomRows(SHAPE);
    const loaded = await fixture.load(model);
    const context = await fixture.context(loaded);
    const dense = await logits(context);
    // one token at a time: the same sums in another order, so activations round to other halves
    const single = await loaded.createContext({
      contextSize: 256,
      batchSize: 1,
      threads: 2,
      flashAttention: false,
    });
    const rounding = relativeError(await logits(single), dense);

    await setAll(context, rows);
    const masked = await denseLogits(await fixture.load(model.masked(rows)));
    const error = relativeError(await logits(context), masked);
    assert.ok(error <= Math.max(rounding, ROUNDING), `difference ${error}, rounding ${rounding}`);
    assert.ok(rounding < 1e-3);
  });

  it("leaves the mean of the dropped neurons behind", async () => {
    const model = new TestModel(SHAPE, all("F32"));
    const rows = randomRows(SHAPE);
    const random = new Random(5);
    const means = rows.map(() => Float32Array.from({ length: SHAPE.ffn }, () => random.normal()));
    const context = await fixture.context(await fixture.load(model));
    for (const [layer, r] of rows.entries()) {
      await setFfnRows(context, layer, r, { threads: 2, means: means[layer]! });
    }
    const bias = rows.map((r, layer) => {
      const { rows: n, cols, values } = model.matrix(`blk.${layer}.ffn_down.weight`);
      const kept = new Set(r);
      return Float64Array.from({ length: n }, (_, o) => {
        let sum = 0;
        for (let i = 0; i < cols; i++) {
          sum += kept.has(i) ? 0 : values[o * cols + i]! * means[layer]![i]!;
        }
        return sum;
      });
    });
    const masked = await denseLogits(await fixture.load(model.masked(rows, bias)));
    const error = maxRelativeDifference(await logits(context), masked);
    assert.ok(error <= 1e-4, `difference ${error}`);
  });

  /** Largest relative error of the logits that packing adds, over the random models below; measured, with room. */
  const added: Readonly<Partial<Record<DownType, number>>> = {
    same: 0.12,
    F16: 0.02,
    Q8_0: 0.02,
    Q6_K: 0.03,
    Q5_K: 0.06,
    Q4_K: 0.12,
    Q4_0: 0.15,
  };
  for (const type of ["Q8_0", "Q4_K"] as const) {
    it(`states the error that packing ${type} adds, by type of down`, async () => {
      const model = new TestModel(SHAPE, all(type));
      const rows = randomRows(SHAPE);
      const masked = await denseLogits(await fixture.load(model.masked(rows)));
      // quantised activations are in the dense model too: what the exact packing shows is not ours
      const context = await fixture.context(await fixture.load(model));
      const floor = new Map<string, number>();
      for (const downType of Object.keys(added) as DownType[]) {
        await setAll(context, rows, downType);
        const error = relativeError(await logits(context), masked);
        floor.set(downType, error);
        assert.ok(error <= added[downType]!, `${type} with ${downType} down: ${error}`);
      }
      console.log(`        ${[...floor].map(([t, e]) => `${t} ${(100 * e).toFixed(2)} %`).join(", ")}`);
      assert.ok(floor.get("Q8_0")! <= floor.get("Q4_0")!);
    });
  }

  it("works on weights that were loaded repacked", async () => {
    const model = new TestModel(SHAPE, (name) => (name.includes("ffn_down") ? "Q8_0" : "Q4_K"));
    const rows = randomRows(SHAPE);
    const masked = await denseLogits(await fixture.load(model.masked(rows)));
    for (const repack of [false, true]) {
      const context = await fixture.context(await fixture.load(model, { repack }));
      await setAll(context, rows);
      // Their kernels round activations in blocks of different lengths.
      const error = relativeError(await logits(context), masked);
      assert.ok(error < 0.02, `${repack ? "repacked" : "mapped"}: ${error}`);
    }
  });

  it("keeps contexts apart", async () => {
    const model = new TestModel(SHAPE, all("F32"));
    const loaded = await fixture.load(model);
    const [a, b, c] = [
      await fixture.context(loaded),
      await fixture.context(loaded),
      await fixture.context(loaded),
    ];
    const dense = await logits(c);
    const [rowsA, rowsB] = [randomRows(SHAPE, 1), randomRows(SHAPE, 2)];
    await setAll(a, rowsA);
    const alone = await logits(a);
    await setAll(b, rowsB);
    await logits(b);
    assert.deepEqual(await logits(a), alone);
    assert.deepEqual(await logits(c), dense);
    await setAll(b, rowsA);
    assert.deepEqual(await logits(b), alone);
    assert.equal(memory(loaded, [a]).packedBytes, memory(loaded, [b]).packedBytes);
    assert.equal(memory(loaded, [c]).packedBytes, 0);
  });

  it("switches between dense and packed without losing either, nor the KV cache", async () => {
    const model = new TestModel(SHAPE, all("F32"));
    const context = await fixture.context(await fixture.load(model));
    const dense = await logits(context);
    await setAll(context, randomRows(SHAPE));
    const sparse = await logits(context);

    setFfnActive(context, false);
    // evaluate() goes through the packed FFN unless told otherwise: dense up to the last token is dense but for it
    const mixed = (await evaluate(context, tokens, { logits: true, denseUntil: tokens.length - 1 })).logits!;
    const last = (tokens.length - 1) * SHAPE.vocabulary;
    assert.deepEqual(mixed.slice(0, last), dense.slice(0, last));
    assert.notDeepEqual(mixed.slice(last), dense.slice(last));
    assert.notDeepEqual(mixed.slice(last), sparse.slice(last), "its keys and values came from the dense FFN");

    // the cache of node-llama-cpp's own sequence survives a change of the mask
    const sequence = context.getSequence();
    await sequence.evaluateWithoutGeneratingNewTokens([...tokens] as never[]);
    await setAll(context, randomRows(SHAPE, 9));
    assert.equal(sequence.nextTokenIndex, tokens.length);
    setFfnActive(context, true);
  });

  it("repacks only what changes", async () => {
    const context = await fixture.context(await fixture.load(new TestModel(SHAPE, all("Q8_0"))));
    const rows = randomRows(SHAPE);
    await setAll(context, rows);
    const before = await logits(context);
    const bytes = await setFfnRows(context, 1, rows[1]!, { threads: 1 });
    assert.ok(bytes > 0);
    assert.deepEqual(await logits(context), before);
    await setFfnRows(context, 1, null, { threads: 1 });
    assert.notDeepEqual(await logits(context), before);
    await setFfnRows(context, 1, rows[1]!, { threads: 1 });
    assert.deepEqual(await logits(context), before);
  });

  it("lets mapped dense weights leave memory, and reads them again", async function () {
    if (testGpu !== false) {
      this.skip(); // they are in the memory of the GPU
    }
    const model = await fixture.load(new TestModel(SHAPE, all("F16")), { repack: false });
    const context = await fixture.context(model);
    const dense = await logits(context);
    assert.ok(memory(model).mappedBytes > 0);
    assert.ok(evictDense(model) > 0);
    assert.deepEqual(await logits(context), dense);
  });

  it("never evicts repacked weights: they exist nowhere else", async () => {
    const model = await fixture.load(new TestModel(SHAPE, all("Q4_0")), { repack: true });
    const context = await fixture.context(model);
    const dense = await logits(context);
    evictDense(model);
    assert.deepEqual(await logits(context), dense);
  });

  it("refuses rows and layers that do not exist", async () => {
    const context = await fixture.context(await fixture.load(new TestModel(SHAPE, all("F32"))));
    const set = (layer: number, rows: number[]): Promise<number> =>
      setFfnRows(context, layer, Int32Array.from(rows), { threads: 1 });
    await assert.rejects(set(0, [1, 1]), /ascending, unique/);
    await assert.rejects(set(0, [2, 1]), /ascending, unique/);
    await assert.rejects(set(0, [0, 512]), /below 512/);
    await assert.rejects(set(0, []), /ascending/);
    await assert.rejects(set(3, [0]), /layer 3 does not exist/);
    await assert.rejects(setFfnRows(context, -1, null, { threads: 1 }), /does not exist/);
    await assert.rejects(
      setFfnRows(context, 0, Int32Array.of(0), { threads: 1, means: new Float32Array(3) }),
      /means must have 512/,
    );
  });

  it("does not combine with a LoRA adapter", async () => {
    const model = await fixture.load(new TestModel(SHAPE, all("F32")));
    const lora = fixture.newPath();
    const matrix = (name: string, rows: number, cols: number) => {
      const data = Buffer.from(new Float32Array(rows * cols).fill(0.01).buffer);
      return { name, shape: [cols, rows], typeId: 0, data };
    };
    writeGguf(
      lora,
      {
        "general.type": { str: "adapter" },
        "general.architecture": { str: "llama" },
        "adapter.type": { str: "lora" },
        "adapter.lora.alpha": { f32: 4 },
      },
      [
        matrix("blk.0.attn_q.weight.lora_a", 4, SHAPE.embedding),
        matrix("blk.0.attn_q.weight.lora_b", SHAPE.heads * SHAPE.headSize, 4),
      ],
    );
    const context = await model.createContext({
      contextSize: 128,
      batchSize: 64,
      lora: { adapters: [{ filePath: lora }] },
    });
    const dense = await logits(context);
    await assert.rejects(setFfnRows(context, 0, Int32Array.of(1, 2), { threads: 1 }), /LoRA adapters cannot/);
    assert.deepEqual(await logits(context), dense, "the dense path stays");
  });
});
