import assert from "node:assert/strict";
import { TestModel, type Shape } from "./models/model";
import { runReference } from "./reference/forward";
import { attributeAll, maxRelativeDifference, NativeFixture, randomTokens } from "./support";

const SHAPE: Shape = {
  arch: "qwen2",
  layers: 2,
  embedding: 64,
  ffn: 96,
  heads: 2,
  kvHeads: 1,
  headSize: 32,
  vocabulary: 300,
  tied: true,
};
const WINDOW = [5, 40] as const;
const BINS = 32;

describe("gates of an attribution", () => {
  let fixture: NativeFixture;
  before(async () => void (fixture = await NativeFixture.create()));
  after(() => fixture.dispose());

  it("are those of the predicting positions, by size, of every neuron", async () => {
    const model = new TestModel(SHAPE, () => "F32");
    const tokens = randomTokens(SHAPE, WINDOW[1]);
    const gates: Float64Array[] = [];
    const activations: Float64Array[] = [];
    runReference(model, tokens, WINDOW, undefined, {
      neurons: (_, x, gate) => {
        gates.push(gate);
        activations.push(x);
        return x;
      },
    });
    const options = { window: WINDOW, metrics: ["griffin"], gates: true, threads: 2 } as const;
    const result = await attributeAll(await fixture.load(model), tokens, options);
    assert.equal(result.gates!.length, SHAPE.layers);
    const positions = WINDOW[1] - WINDOW[0];
    for (const [layer, { histogram, up, down }] of result.gates!.entries()) {
      assert.equal(histogram.length, SHAPE.ffn * BINS);
      const expected = new Uint16Array(histogram.length);
      const meanUp = new Float64Array(SHAPE.ffn);
      const { ffn } = SHAPE;
      for (let t = WINDOW[0] - 1; t < WINDOW[1] - 1; t++) {
        for (let row = 0; row < ffn; row++) {
          const gate = gates[layer]![t * ffn + row]!;
          const bin = Math.floor(2 * Math.log2(Math.abs(gate)) + 24);
          expected[row * BINS + Math.max(0, Math.min(BINS - 1, bin))]!++;
          meanUp[row]! += Math.abs(activations[layer]![t * ffn + row]! / gate) / positions;
        }
      }
      // A value on the border of two bins may be rounded into the other one.
      const moved = histogram.reduce((sum, count, at) => sum + Math.abs(count - expected[at]!), 0) / 2;
      assert.ok(moved <= 3, `${moved} of ${ffn * positions} values are in another bin`);
      assert.ok(maxRelativeDifference(up, meanUp) < 1e-3);
      const { values, rows, cols } = model.weights.get(`blk.${layer}.ffn_down.weight`)!;
      const norms = Float64Array.from({ length: cols }, (_, row) =>
        Math.hypot(...Array.from({ length: rows }, (_, i) => values[i * cols + row]!)),
      );
      assert.ok(maxRelativeDifference(down, norms) < 1e-5);
    }
  });

  it("are left out unless asked for", async () => {
    const model = await fixture.load(new TestModel(SHAPE, () => "F32"));
    const tokens = randomTokens(SHAPE, WINDOW[1]);
    const result = await attributeAll(model, tokens, { window: WINDOW, metrics: ["griffin"] });
    assert.equal(result.gates, undefined);
  });
});
