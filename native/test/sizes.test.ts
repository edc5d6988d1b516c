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

describe("sizes of an attribution", () => {
  let fixture: NativeFixture;
  before(async () => void (fixture = await NativeFixture.create()));
  after(() => fixture.dispose());

  it("are those of up, activation and down at the predicting positions", async () => {
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
    const options = { window: WINDOW, metrics: ["griffin"], sizes: true, threads: 2 } as const;
    const result = await attributeAll(await fixture.load(model), tokens, options);
    assert.equal(result.sizes!.length, SHAPE.layers);
    const { ffn } = SHAPE;
    const rms = (value: (at: number) => number): Float64Array =>
      Float64Array.from({ length: ffn }, (_, row) => {
        let sum = 0;
        for (let t = WINDOW[0] - 1; t < WINDOW[1] - 1; t++) {
          sum += value(t * ffn + row) ** 2;
        }
        return Math.sqrt(sum / (WINDOW[1] - WINDOW[0]));
      });
    for (const [layer, { up, x, down }] of result.sizes!.entries()) {
      const [a, g] = [activations[layer]!, gates[layer]!];
      assert.ok(
        maxRelativeDifference(
          x,
          rms((at) => a[at]!),
        ) < 1e-3,
      );
      assert.ok(
        maxRelativeDifference(
          up,
          rms((at) => a[at]! / g[at]!),
        ) < 1e-3,
      );
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
    assert.equal(result.sizes, undefined);
  });
});
