import assert from "node:assert/strict";
import type { LlamaContext } from "node-llama-cpp";
import { canMove, setAside, takeBack } from "../../src/engine/kvCache";
import { decode, evaluate } from "../../src/engine/native";
import { TestModel, type Shape } from "./models/model";
import { maxRelativeDifference, NativeFixture, randomTokens } from "./support";

const SHAPE: Shape = {
  arch: "llama",
  layers: 1,
  embedding: 64,
  ffn: 128,
  heads: 4,
  kvHeads: 2,
  headSize: 16,
  vocabulary: 300,
  tied: true,
};

describe("parts of a sequence that move", function () {
  this.timeout(60_000);
  let fixture: NativeFixture;
  let context: LlamaContext;
  const tokens = [...randomTokens(SHAPE, 60)];
  const part = (from: number, to: number): number[] => tokens.slice(from, to);

  before(async () => void (fixture = await NativeFixture.create()));
  afterEach(() => fixture.disposeModels());
  after(() => fixture.dispose());

  const start = async (shape: Shape = SHAPE): Promise<void> => {
    context = await fixture.context(await fixture.load(new TestModel(shape, () => "F32")));
    await feed(tokens, 0);
  };
  const feed = (input: readonly number[], position: number): Promise<unknown> =>
    decode(context, input, { position, outputs: 0 });

  /** ln p of what follows `sequence`, by the context that holds it, and by an empty one. */
  async function compare(sequence: readonly number[]): Promise<readonly [Float32Array, Float32Array]> {
    const labels = Int32Array.from({ length: 8 }, (_, index) => 7 + 31 * index);
    const input = [...labels].map((_, index) => 11 + 23 * index);
    const options = { position: sequence.length, outputs: input.length, labels };
    const moved = await decode(context, input, options);
    const fresh = await fixture.context(context.model);
    await decode(fresh, sequence, { position: 0, outputs: 0 });
    return [moved.logLikelihood, (await decode(fresh, input, options)).logLikelihood];
  }

  it("are as if they had been computed there, where nothing but their place changes", async () => {
    // Of one layer: keys and values are those of a token and its place.
    await start();
    assert.equal(canMove(context), true);
    setAside(context, 10, [
      { from: 40, to: 55, at: 12 },
      { from: 15, to: 30, at: 30 },
    ]);
    await feed([1, 2], 10);
    takeBack(context, 12, 0);
    await feed([3, 4, 5], 27);
    takeBack(context, 30, 1);
    const [moved, fresh] = await compare([...part(0, 10), 1, 2, ...part(40, 55), 3, 4, 5, ...part(15, 30)]);
    assert.ok(maxRelativeDifference(moved, fresh) < 1e-3);
  });

  it("come back where they were, in a model of any depth", async () => {
    await start({ ...SHAPE, layers: 3 });
    setAside(context, 20, [{ from: 20, to: 60, at: 20 }]);
    takeBack(context, 20, 0);
    const [moved, fresh] = await compare(tokens);
    assert.ok(maxRelativeDifference(moved, fresh) < 1e-4);
  });

  it("are forgotten with the next ones, and leave their room", async () => {
    await start();
    for (let round = 0; round < 20; round++) {
      setAside(context, 20, [{ from: 30, to: 60, at: 100 }]);
      await feed(part(20, 60), 20);
    }
    setAside(context, 60, []);
    assert.throws(() => takeBack(context, 60, 0), /no such part/);
    const [held, fresh] = await compare(tokens);
    assert.ok(maxRelativeDifference(held, fresh) < 1e-4);
  });

  it("have to be in the sequence, apart and in order, and to fit", async () => {
    await start();
    for (const parts of [
      [{ from: 5, to: 12, at: 20 }],
      [{ from: 30, to: 61, at: 20 }],
      [{ from: 30, to: 30, at: 20 }],
      [
        { from: 30, to: 40, at: 20 },
        { from: 39, to: 50, at: 30 },
      ],
      [
        { from: 30, to: 40, at: 20 },
        { from: 40, to: 50, at: 29 },
      ],
      [{ from: 30, to: 40, at: 250 }],
    ]) {
      assert.throws(() => setAside(context, 10, parts), /parts of a sequence must/);
    }
    setAside(context, 10, [{ from: 30, to: 40, at: 20 }]);
    assert.throws(() => takeBack(context, 10, 0), /no such part/);
    const { top1 } = await evaluate(context, Int32Array.from(tokens), {});
    assert.equal(top1.length, tokens.length - 1);
  });
});
