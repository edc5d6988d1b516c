import assert from "node:assert/strict";
import type { LlamaModel } from "node-llama-cpp";
import { createStudy, downNorms, type Study, type StudyMask } from "../../src/engine/study";
import { TestModel, type Shape } from "./models/model";
import { Random } from "./models/random";
import { runReference, type Masking } from "./reference/forward";
import { NativeFixture, randomTokens, relativeError } from "./support";

const SHAPE: Shape = {
  arch: "qwen3",
  layers: 3,
  embedding: 48,
  ffn: 80,
  heads: 4,
  kvHeads: 2,
  headSize: 16,
  vocabulary: 300,
  tied: true,
};
const N = 24;
const FROM = 14;
const R = N - 1 - FROM;

const range = (length: number): number[] => Array.from({ length }, (_, i) => i);

describe("study", function () {
  this.timeout(120_000);
  const test = new TestModel(SHAPE, () => "F32");
  const tokens = randomTokens(SHAPE, N);
  const random = new Random(3);
  const subsets = range(SHAPE.layers).map(() =>
    Uint8Array.from({ length: SHAPE.ffn }, () => (random.uniform() < 0.5 ? 1 : 0)),
  );
  let fixture: NativeFixture;
  let model: LlamaModel;
  let study: Study;

  before(async () => {
    fixture = await NativeFixture.create();
    model = await fixture.load(test);
    study = await createStudy(model, tokens, { from: FROM, keepActivations: true, threads: 2 });
  });
  after(async () => {
    study.dispose();
    await fixture.dispose();
  });

  const logitsOf = (masking?: Masking): Float64Array =>
    runReference(test, tokens, [1, N], undefined, masking).logits.values.slice(FROM * SHAPE.vocabulary);

  /** `f` at evaluated positions (all of them, with `from` 0); dense before. */
  const masking = (
    f: (layer: number, neuron: number, t: number, x: Float64Array, gate: Float64Array) => number,
    from = FROM,
  ): Masking => ({
    neurons: (layer, x, gate) =>
      x.map((v, i) => {
        const t = Math.floor(i / SHAPE.ffn);
        const row = (values: Float64Array): Float64Array =>
          values.subarray(t * SHAPE.ffn, (t + 1) * SHAPE.ffn);
        return t < from ? v : f(layer, i % SHAPE.ffn, t, row(x), row(gate));
      }),
  });

  async function assertLogits(
    layers: readonly StudyMask[],
    expected: Float64Array,
    densePrefix = true,
  ): Promise<void> {
    const { logits, logLikelihood, top1, kl } = await study.run({ layers, densePrefix, logits: true });
    assert.ok(relativeError(logits!, expected) < 1e-5, `${relativeError(logits!, expected)}`);
    const dense = logProbabilities(logitsOf());
    const masked = logProbabilities(expected);
    range(R).forEach((t) => {
      const at = t * SHAPE.vocabulary;
      const label = tokens[FROM + t + 1]!;
      assert.ok(Math.abs(logLikelihood[t]! - masked[at + label]!) < 1e-4);
      const row = masked.subarray(at, at + SHAPE.vocabulary);
      assert.equal(top1[t], row.indexOf(Math.max(...row)));
      const divergence = row.reduce((sum, q, j) => sum + Math.exp(dense[at + j]!) * (dense[at + j]! - q), 0);
      assert.ok(Math.abs(kl[t]! - divergence) < 1e-4 + 1e-4 * divergence, `${kl[t]} ${divergence}`);
    });
  }

  it("evaluates the dense model", () => {
    const expected = logProbabilities(logitsOf());
    range(R).forEach((t) => {
      const label = tokens[FROM + t + 1]!;
      assert.ok(Math.abs(study.dense.logLikelihood[t]! - expected[t * SHAPE.vocabulary + label]!) < 1e-4);
      assert.equal(study.dense.kl[t], 0);
    });
  });

  it("leaves the dense model as it is when nothing is left out", async () => {
    const { kl, active } = await study.run({ layers: range(SHAPE.layers).map(() => ({})) });
    assert.ok(kl.every((v) => Math.abs(v) < 1e-6));
    assert.deepEqual(
      [...active],
      range(SHAPE.layers).map(() => SHAPE.ffn),
    );
  });

  it("keeps a set of neurons, from the evaluated positions on or from the start", async () => {
    const layers = subsets.map((keep) => ({ keep }));
    const f = (layer: number, i: number, _: number, x: Float64Array): number => subsets[layer]![i]! * x[i]!;
    await assertLogits(layers, logitsOf(masking(f)));
    await assertLogits(layers, logitsOf(masking(f, 0)), false);
    const { active } = await study.run({ layers });
    assert.deepEqual(
      [...active],
      subsets.map((keep) => keep.reduce((sum, v) => sum + v, 0)),
    );
  });

  it("lets dropped neurons leave their means behind", async () => {
    const means = Float32Array.from({ length: SHAPE.ffn }, () => random.normal());
    await assertLogits(
      subsets.map((keep) => ({ keep, means })),
      logitsOf(masking((layer, i, _, x) => (subsets[layer]![i] ? x[i]! : means[i]!))),
    );
  });

  it("keeps other neurons for every token", async () => {
    const given = range(SHAPE.layers).map(() =>
      Uint8Array.from({ length: R * SHAPE.ffn }, () => (random.uniform() < 0.3 ? 1 : 0)),
    );
    await assertLogits(
      given.map((tokenKeep) => ({ tokenKeep })),
      logitsOf(masking((layer, i, t, x) => given[layer]![(t - FROM) * SHAPE.ffn + i]! * x[i]!)),
    );
  });

  it("leaves heads out", async () => {
    const heads = Uint8Array.of(1, 0, 1, 1);
    const layers = range(SHAPE.layers).map(() => ({ heads }));
    await assertLogits(layers, logitsOf({ head: (_, h) => heads[h]! }), false);
  });

  it("lets a token choose by the largest activations", async () => {
    const top = 20;
    await assertLogits(
      subsets.map((keep) => ({ keep, choice: { by: "x" as const, top } })),
      logitsOf(
        masking((layer, i, _, x) => {
          const kept = [...x].map((v, j) => (subsets[layer]![j] ? Math.abs(v) : -1));
          const least = [...kept].sort((a, b) => b - a)[top - 1]!;
          return kept[i]! >= least ? x[i]! : 0;
        }),
      ),
    );
  });

  it("lets a token choose by a threshold on the weighted gate", async () => {
    const weights = Float32Array.from({ length: SHAPE.ffn }, () => 0.5 + random.uniform());
    const threshold = 0.2;
    const isOver = (i: number, gate: Float64Array): boolean => Math.abs(gate[i]!) * weights[i]! >= threshold;
    const layers = subsets.map((keep) => ({ keep, choice: { by: "gate" as const, threshold, weights } }));
    await assertLogits(
      layers,
      logitsOf(masking((layer, i, _, x, gate) => (subsets[layer]![i] && isOver(i, gate) ? x[i]! : 0))),
    );
    const { active } = await study.run({ layers });
    active.forEach((count, layer) => {
      assert.ok(count > 0 && count < subsets[layer]!.reduce((sum, v) => sum + v, 0));
    });
  });

  it("shows the dense activations", () => {
    const pass = runReference(test, tokens, [1, N]);
    pass.neurons.forEach((x, layer) => {
      assert.ok(relativeError(study.activations(layer).x, x.values) < 1e-5);
    });
    assert.throws(() => study.activations(SHAPE.layers), /not kept/);
  });

  it("knows the norms of outgoing weights", () => {
    const { values, cols, rows } = test.matrix("blk.1.ffn_down.weight");
    const expected = range(cols).map((i) => Math.hypot(...range(rows).map((r) => values[r * cols + i]!)));
    assert.ok(relativeError(downNorms(model, 1), expected) < 1e-6);
  });

  it("refuses masks of the wrong size, and nothing to evaluate", async () => {
    await assert.rejects(study.run({ layers: [{}] }), /each layer/);
    const short = range(SHAPE.layers).map(() => ({ keep: new Uint8Array(3) }));
    await assert.rejects(study.run({ layers: short }), /wrong size/);
    const each = range(SHAPE.layers).map(() => ({ tokenKeep: new Uint8Array(R * SHAPE.ffn) }));
    await assert.rejects(study.run({ layers: each, densePrefix: false }), /dense prefix/);
    await assert.rejects(createStudy(model, tokens, { from: N - 1, threads: 1 }), /nothing to evaluate/);
    await assert.rejects(
      createStudy(model, Int32Array.of(1, 999), { from: 0, threads: 1 }),
      /not in the vocabulary/,
    );
  });
});

/** ln softmax of every row. */
function logProbabilities(logits: Float64Array): Float64Array {
  const n = SHAPE.vocabulary;
  return logits.map((v, i) => {
    const row = logits.subarray(Math.floor(i / n) * n, (Math.floor(i / n) + 1) * n);
    return v - Math.log(row.reduce((sum, w) => sum + Math.exp(w), 0));
  });
}
