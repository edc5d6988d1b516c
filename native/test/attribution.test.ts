import assert from "node:assert/strict";
import { createAttribution, type Aggregation } from "../../src/engine/native";
import { all, q4km, TestModel, type Shape, type TypeOf } from "./models/model";
import { referenceScores } from "./reference/metrics";
import { runReference } from "./reference/forward";
import { aligned, assertScores, METRICS, within } from "./scores";
import { attributeAll, NativeFixture, randomTokens } from "./support";

const SMALL: Shape = {
  arch: "llama",
  layers: 3,
  embedding: 48,
  ffn: 80,
  heads: 4,
  kvHeads: 2,
  headSize: 12,
  vocabulary: 300,
  tied: true,
};

/** Wide enough for K-quants, whose blocks are 256 values. */
const WIDE: Shape = { ...SMALL, layers: 2, embedding: 256, ffn: 512, headSize: 64 };

const SHAPES: Readonly<Record<string, Shape>> = {
  "llama, tied output, grouped queries": SMALL,
  "llama, untied, FFN biases, RoPE factors": { ...SMALL, tied: false, ffnBias: true, ropeFactors: true },
  "qwen2, biases, untied": { ...SMALL, arch: "qwen2", tied: false },
  "qwen2, one key/value head for each query head": { ...SMALL, arch: "qwen2", kvHeads: 4 },
  "qwen3, query and key norms, head size apart from the embedding": { ...SMALL, arch: "qwen3", headSize: 16 },
};

describe("attribution", function () {
  this.timeout(120_000);
  let fixture: NativeFixture;
  before(async () => void (fixture = await NativeFixture.create()));
  afterEach(() => fixture.disposeModels());
  after(() => fixture.dispose());

  describe("the reference", () => {
    it("agrees with finite differences of itself", () => {
      const model = new TestModel({ ...SMALL, arch: "qwen3", headSize: 16 }, all("F32"));
      const tokens = randomTokens(model.shape, 10);
      const pass = runReference(model, tokens, [3, 10]);
      const F = (factor: number): number =>
        runReference(model, tokens, [3, 10], { layer: 1, unit: "neurons", factor }).F;
      const step = 1e-5;
      const difference = (F(1 + step) - F(1 - step)) / (2 * step);
      const x = pass.neurons[1]!;
      let expected = 0;
      for (let i = 2 * x.cols; i < x.values.length; i++) {
        expected += x.values[i]! * x.grad[i]!;
      }
      assert.ok(Math.abs(difference - expected) < 1e-6 * Math.abs(expected), `${difference} ${expected}`);
    });
  });

  for (const [name, shape] of Object.entries(SHAPES)) {
    it(`equals the reference in F32: ${name}`, async () => {
      const model = new TestModel(shape, all("F32"));
      const tokens = randomTokens(shape, 24);
      const window = [1, 24] as const;
      const actual = await attributeAll(await fixture.load(model), tokens, {
        window,
        metrics: METRICS,
        threads: 2,
      });
      const expected = referenceScores(model, tokens, window, 0);
      assert.ok(Math.abs(actual.F - expected.F) < 1e-5 * Math.abs(expected.F), `F ${actual.F} ${expected.F}`);
      assertScores(actual, expected, METRICS, within(1e-5));
    });
  }

  it("counts only the window's labels, and ignores tokens after it", async () => {
    const model = new TestModel(SHAPES["qwen2, biases, untied"]!, all("F32"));
    const tokens = randomTokens(model.shape, 24);
    const window = [9, 20] as const;
    const loaded = await fixture.load(model);
    const actual = await attributeAll(loaded, tokens, { window, metrics: METRICS });
    assertScores(actual, referenceScores(model, tokens, window, 0), METRICS, within(1e-5));

    const other = tokens.slice();
    other.fill(5, 20);
    const same = await attributeAll(loaded, other, { window, metrics: METRICS });
    assert.deepEqual(same.neurons, actual.neurons);
  });

  it("integrates gradients", async () => {
    for (const window of [
      [1, 12],
      [5, 12],
    ] as const) {
      const model = new TestModel({ ...SMALL, layers: 2, arch: "qwen3" }, all("F32"));
      const tokens = randomTokens(model.shape, 12);
      const actual = await attributeAll(await fixture.load(model), tokens, {
        window,
        metrics: ["ig", "gxo"],
        igSteps: 4,
      });
      assertScores(actual, referenceScores(model, tokens, window, 4), ["ig", "gxo"], within(1e-5));
    }
  });

  it("gives the same scores when layers are recomputed", async () => {
    const model = new TestModel({ ...SMALL, layers: 5 }, all("F32"));
    const tokens = randomTokens(model.shape, 24);
    const loaded = await fixture.load(model);
    const kept = await attributeAll(loaded, tokens, { window: [5, 24], metrics: METRICS });
    const recomputed = await attributeAll(loaded, tokens, {
      window: [5, 24],
      metrics: METRICS,
      keepBytes: 1,
    });
    assert.ok(recomputed.peakBytes < kept.peakBytes, `${recomputed.peakBytes} ${kept.peakBytes}`);
    assertScores(recomputed, referenceScores(model, tokens, [5, 24], 0), METRICS, within(1e-5));
  });

  const quantised: readonly (readonly [name: string, typeOf: TypeOf, limit: number])[] = [
    ["F16", all("F16"), 0.9999],
    ["BF16", all("BF16"), 0.9999],
    ["Q8_0", all("Q8_0"), 0.999],
    ["Q4_0", all("Q4_0"), 0.998],
    ["Q5_K", all("Q5_K"), 0.998],
    ["Q6_K", all("Q6_K"), 0.998],
    ["Q4_K_M", q4km, 0.998],
  ];
  for (const [name, typeOf, limit] of quantised) {
    for (const repack of [false, true]) {
      it(`follows the reference in ${name}${repack ? ", repacked" : ""}`, async () => {
        const model = new TestModel({ ...WIDE, arch: "qwen2", tied: false }, typeOf);
        const tokens = randomTokens(model.shape, 48);
        const window = [1, 48] as const;
        const loaded = await fixture.load(model, { repack });
        const actual = await attributeAll(loaded, tokens, { window, metrics: METRICS });
        assertScores(actual, referenceScores(model, tokens, window, 0), METRICS, aligned(limit));

        // eight-bit activations, when memory for more is short
        const tight = await attributeAll(loaded, tokens, { window, metrics: METRICS, keepBytes: 400_000 });
        assertScores(tight, referenceScores(model, tokens, window, 0), METRICS, aligned(limit));
      });
    }
  }

  it("repeats the random baseline for a seed", async () => {
    const model = new TestModel(SMALL, all("F32"));
    const loaded = await fixture.load(model);
    const run = async (seed: number): Promise<readonly Float32Array[]> =>
      (await attributeAll(loaded, randomTokens(SMALL, 8), { window: [1, 8], metrics: ["random"], seed }))
        .neurons.random!;
    const [first, again, other] = [await run(1), await run(1), await run(2)];
    assert.deepEqual(first, again);
    assert.notDeepEqual(first, other);
    assert.notDeepEqual(first[0], first[1]);
  });

  describe("for studies", () => {
    const model = new TestModel({ ...SMALL, arch: "qwen3", headSize: 16 }, all("F32"));
    const tokens = randomTokens(model.shape, 16);
    const window: readonly [number, number] = [5, 16];
    const gradientMetrics = ["corrected-gxo", "corrected-gxo-weighted", "gxo", "snip", "gradient"] as const;

    it("attributes other labels than the text's own tokens", async () => {
      const labels = randomTokens(model.shape, 11, 9);
      const actual = await attributeAll(await fixture.load(model), tokens, {
        window,
        metrics: ["gxo"],
        labels,
      });
      const expected = referenceScores(model, tokens, window, 0, labels);
      assert.ok(Math.abs(actual.F - expected.F) < 1e-5 * Math.abs(expected.F));
      assertScores(actual, expected, ["gxo"], within(1e-5));
    });

    it("keeps the values of every token, each attributed alone", async () => {
      const { tokens: values } = await attributeAll(await fixture.load(model), tokens, {
        window,
        metrics: gradientMetrics,
        ownTerm: true,
        tokenScores: true,
      });
      for (let t = window[0]; t < window[1]; t++) {
        const expected = referenceScores(model, tokens, [t, t + 1], 0).neurons;
        for (const metric of gradientMetrics) {
          expected[metric]!.forEach((layer, il) => {
            const at = (t - window[0]) * layer.length;
            const actual = values[metric]![il]!.subarray(at, at + layer.length);
            within(2e-5)(actual, layer, `${metric} of layer ${il} at ${t}`);
          });
        }
      }
    });

    it("aggregates by norm and from means", async () => {
      const loaded = await fixture.load(model);
      const attributed = (aggregation: Aggregation): ReturnType<typeof attributeAll> =>
        attributeAll(loaded, tokens, { window, metrics: gradientMetrics, tokenScores: true, aggregation });
      const plain = await attributed("mean");
      const norm = await attributed("norm");
      const size = model.shape.ffn;
      plain.tokens["corrected-gxo"]!.forEach((values, il) => {
        const rows = Array.from({ length: values.length / size }, (_, t) =>
          values.subarray(t * size, (t + 1) * size),
        );
        const mean = Float64Array.from({ length: size }, (_, i) =>
          rows.reduce((sum, row) => sum + row[i]! / rows.length, 0),
        );
        within(1e-5)(plain.neurons["corrected-gxo"]![il]!, mean, `mean of layer ${il}`);
        const relative = Float64Array.from({ length: size }, (_, i) =>
          Math.hypot(...rows.map((row) => row[i]! / Math.hypot(...row))),
        );
        within(1e-5)(norm.neurons["corrected-gxo"]![il]!, relative, `norm of layer ${il}`);
      });
      const ofMean = await attributed("of-mean");
      plain.neurons.gradient!.forEach((gradient, il) => {
        const size = Math.hypot(...gradient);
        const expected = Float64Array.from(gradient, (g, i) => {
          const x = plain.means[il]![i]!;
          return g * x + 0.5 * Math.abs(x) * size;
        });
        within(1e-5)(ofMean.neurons["corrected-gxo"]![il]!, expected, `of the mean of layer ${il}`);
      });
    });

    it("refuses labels that do not fit", async () => {
      const loaded = await fixture.load(model);
      const attributed = (labels: Int32Array): ReturnType<typeof attributeAll> =>
        attributeAll(loaded, tokens, { window, metrics: ["gxo"], labels });
      await assert.rejects(attributed(Int32Array.of(1)), /a label for each position/);
      await assert.rejects(attributed(new Int32Array(11).fill(999)), /label is not in the vocabulary/);
    });
  });

  it("goes layer by layer, and says how far it is", async () => {
    const model = new TestModel(SMALL, all("F32"));
    const job = createAttribution(await fixture.load(model), randomTokens(SMALL, 8), {
      window: [1, 8],
      metrics: ["corrected-gxo"],
      threads: 1,
    });
    assert.throws(() => job.result(), /not done/);
    const first = job.step();
    assert.throws(() => void job.step(), /running/);
    const seen = [await first];
    while (seen.at(-1)!.phase !== "done") {
      seen.push(await job.step());
    }
    assert.ok(seen.length >= 2 * SMALL.layers);
    assert.ok(seen.every((p, i) => i === 0 || p.fraction >= seen[i - 1]!.fraction));
    assert.equal(seen.at(-1)!.fraction, 1);
    job.dispose();
    assert.throws(() => void job.step(), /disposed/);
  });

  it("refuses windows outside the tokens and tokens outside the vocabulary", async () => {
    const model = await fixture.load(new TestModel(SMALL, all("F32")));
    for (const window of [
      [0, 8],
      [4, 4],
      [1, 9],
    ] as const) {
      assert.throws(
        () => createAttribution(model, randomTokens(SMALL, 8), { window, metrics: ["gxo"], threads: 1 }),
        /window is not inside/,
      );
    }
    const job = createAttribution(model, Int32Array.of(1, 2, 999), {
      window: [1, 3],
      metrics: ["gxo"],
      threads: 1,
    });
    await assert.rejects(job.step(), /not in the vocabulary/);
  });
});
