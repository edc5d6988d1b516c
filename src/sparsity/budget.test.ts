import assert from "node:assert/strict";
import { errorBudget, layerScales, massBudget, roundRows, uniformBudget } from "./budget";
import { random } from "./testing";

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

describe("roundRows", () => {
  it("rounds to the nearest multiple", () => {
    assert.equal(roundRows(0.4, 1024, 32), 416);
    assert.equal(roundRows(0.3, 8960, 32), 2688);
  });

  it("keeps at least one multiple and at most everything", () => {
    assert.equal(roundRows(0.001, 1024, 32), 32);
    assert.equal(roundRows(1, 1000, 32), 1000);
    assert.equal(roundRows(0.999, 1000, 32), 992);
    assert.equal(roundRows(0.5, 20, 32), 20);
  });

  it("refuses ratios outside (0, 1]", () => {
    for (const ratio of [0, -0.1, 1.01, NaN, Infinity]) {
      assert.throws(() => roundRows(ratio, 64, 32), RangeError);
    }
  });
});

describe("uniformBudget", () => {
  it("follows each layer's own size", () => {
    assert.deepEqual(uniformBudget([64, 128], 0.5, { multiple: 32 }), [32, 64]);
  });
});

describe("massBudget", () => {
  const options = { multiple: 4, minRatio: 0.1, maxRatio: 0.9 };

  it("gives more rows to the layer whose mass is spread out", () => {
    const peaked = Float32Array.from({ length: 64 }, (_, i) => (i < 4 ? 100 : 0.001));
    const flat = new Float32Array(64).fill(1);
    const [first, second] = massBudget([peaked, flat], 0.5, options);
    assert.equal(first! + second!, 64);
    assert.ok(second! > first!);
  });

  it("ignores the scale of a layer's scores", () => {
    const next = random(3);
    const a = Float32Array.from({ length: 64 }, next);
    const b = Float32Array.from({ length: 64 }, () => next() ** 4);
    const scaled = b.map((score) => score * 1024);
    assert.deepEqual(massBudget([a, b], 0.4, options), massBudget([a, scaled], 0.4, options));
  });

  it("is the uniform budget for equal layers", () => {
    const layer = Float32Array.from({ length: 64 }, (_, i) => 64 - i);
    const counts = massBudget([layer, layer], 0.5, options);
    assert.equal(sum(counts), 64);
    assert.ok(Math.abs(counts[0]! - counts[1]!) <= options.multiple);
  });

  it("holds total, bounds and multiples for any scores", () => {
    const next = random(11);
    for (let round = 0; round < 40; round++) {
      const size = 4 * (8 + Math.floor(next() * 40));
      const layers = Array.from({ length: 1 + Math.floor(next() * 8) }, () =>
        Float32Array.from({ length: size }, () => next() ** 3 - 0.1),
      );
      const ratio = 0.15 + next() * 0.7;
      const counts = massBudget(layers, ratio, options);
      assert.equal(
        sum(counts),
        sum(
          uniformBudget(
            layers.map(() => size),
            ratio,
            options,
          ),
        ),
      );
      for (const count of counts) {
        assert.equal(count % options.multiple, 0);
        assert.ok(count >= roundRows(options.minRatio, size, options.multiple));
        assert.ok(count <= roundRows(options.maxRatio, size, options.multiple));
      }
    }
  });

  it("copes with layers without any positive score", () => {
    assert.deepEqual(massBudget([new Float32Array(40).fill(-1)], 0.5, options), [20]);
  });
});

describe("errorBudget", () => {
  const options = { multiple: 4, minRatio: 0.05, maxRatio: 1 };
  const next = random(5);
  const layer = Float32Array.from({ length: 64 }, () => next() ** 4);

  it("gives a layer that contributes less fewer rows", () => {
    const counts = [1, 10, 1000].map((factor) => {
      const quieter = layer.map((value) => value / factor);
      const [loud, quiet] = errorBudget([layer, quieter], 0.5, options);
      assert.equal(loud! + quiet!, 64);
      return quiet!;
    });
    assert.ok(counts[0]! > counts[1]! && counts[1]! > counts[2]!, counts.join(" "));
  });

  it("keeps the rows whose scaled contributions are largest", () => {
    const layers = [
      layer,
      Float32Array.from({ length: 64 }, () => 3 * next()),
      layer.map((value) => 2 * value),
    ];
    const scales = layerScales(layers);
    const rowwise = { ...options, multiple: 1 };
    const counts = errorBudget(layers, 0.4, rowwise);
    const scaled = layers.map((values, index) =>
      values
        .map((value) => value * scales[index]!)
        .sort()
        .reverse(),
    );
    const leastKept = Math.min(...scaled.map((values, index) => values[counts[index]! - 1]!));
    const mostDropped = Math.max(...scaled.map((values, index) => values[counts[index]!] ?? 0));
    assert.ok(leastKept >= mostDropped, `${leastKept} ${mostDropped}`);
  });

  it("does not take a single loud neuron for a loud layer", () => {
    const wide = Float32Array.from({ length: 512 }, () => next() ** 4);
    const outlier = wide.slice();
    outlier[7] = 1e4;
    const [usual, withOutlier] = layerScales([wide, outlier]);
    assert.ok(Math.abs(withOutlier! / usual! - 1) < 0.01, `${usual} ${withOutlier}`);
    const few = new Float32Array(512);
    few[3] = 1;
    assert.equal(layerScales([few])[0], 1, "unless it has no others");
  });

  it("is the uniform budget for equal layers, and copes with silent ones", () => {
    const counts = errorBudget([layer, layer], 0.5, options);
    assert.equal(sum(counts), 64);
    assert.ok(Math.abs(counts[0]! - counts[1]!) <= options.multiple);
    assert.deepEqual(errorBudget([layer, new Float32Array(64)], 0.5, options), [60, 4]);
    assert.deepEqual(errorBudget([new Float32Array(40)], 0.5, options), [20]);
  });
});
