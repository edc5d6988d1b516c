import assert from "node:assert/strict";
import type { LlamaContext, LlamaModel } from "node-llama-cpp";
import { decode, evaluate, keepThreads, type DecodeOptions } from "../../src/engine/native";
import { TestModel, type Shape } from "./models/model";
import { maxRelativeDifference, NativeFixture, randomTokens } from "./support";

const SHAPE: Shape = {
  arch: "llama",
  layers: 2,
  embedding: 64,
  ffn: 128,
  heads: 4,
  kvHeads: 2,
  headSize: 16,
  vocabulary: 300,
  tied: true,
};

describe("decode", function () {
  this.timeout(60_000);
  let fixture: NativeFixture;
  let model: LlamaModel;
  let context: LlamaContext;
  const tokens = [...randomTokens(SHAPE, 40)];
  /** From a teacher-forced evaluation: the choice after each of `tokens`, the logits, and ln p of what follows. */
  let expected: number[];
  let logits: Float32Array;
  let logLikelihood: Float32Array;

  before(async () => {
    fixture = await NativeFixture.create();
    model = await fixture.load(new TestModel(SHAPE, () => "F32"));
    const evaluated = await evaluate(await fixture.context(model), Int32Array.from([...tokens, tokens[0]!]), {
      logits: true,
    });
    expected = [...evaluated.top1];
    logits = evaluated.logits!;
    logLikelihood = evaluated.logLikelihood;
  });
  beforeEach(async () => void (context = await fixture.context(model)));
  afterEach(() => context.dispose());
  after(() => fixture.dispose());

  const next = async (
    input: readonly number[],
    position: number,
    outputs: number,
    options: Partial<DecodeOptions> = {},
  ): Promise<number[]> => [...(await decode(context, input, { position, outputs, ...options })).next];

  it("predicts from the last tokens of a batch", async () => {
    assert.deepEqual(await next(tokens, 0, 40), expected);
    assert.deepEqual(await next(tokens, 0, 3), expected.slice(-3));
    assert.deepEqual(await next(tokens, 0, 0), []);
  });

  it("goes on where the sequence ends", async () => {
    await next(tokens.slice(0, 25), 0, 0);
    assert.deepEqual(await next(tokens.slice(25, 26), 25, 1), [expected[25]]);
    assert.deepEqual(await next(tokens.slice(26), 26, 1), [expected[39]]);
  });

  it("goes back in the sequence and forgets what came after", async () => {
    await next([...tokens.slice(0, 10), 5, 6, 7], 0, 0);
    assert.deepEqual(await next(tokens.slice(10, 20), 10, 10), expected.slice(10, 20));
  });

  it("chooses among the allowed tokens only", async () => {
    const allowed = Int32Array.of(11, 200, 42, 7);
    const row = logits.subarray(39 * SHAPE.vocabulary, 40 * SHAPE.vocabulary);
    const best = [...allowed].reduce((a, b) => (row[b]! > row[a]! ? b : a));
    assert.deepEqual(await next(tokens, 0, 1, { allowed }), [best]);
  });

  it("scores labels", async () => {
    const labels = Int32Array.from([...tokens.slice(31), tokens[0]!]);
    const scored = await decode(context, tokens, { position: 0, outputs: 10, labels });
    assert.ok(maxRelativeDifference(scored.logLikelihood, logLikelihood.slice(-10)) < 1e-4);
  });

  it("keeps its threads for the next token, and for other contexts", async () => {
    const contexts = await Promise.all(
      [2, 3, 2, 1].map((threads) =>
        model.createContext({ contextSize: 256, batchSize: 64, threads, flashAttention: false }),
      ),
    );
    contexts.slice(1).forEach(keepThreads); // the first one's end with every token
    await Promise.all(
      contexts.map(async (own) => {
        for (let position = 0; position < tokens.length; position += 8) {
          const piece = tokens.slice(position, position + 8);
          assert.deepEqual(
            [...(await decode(own, piece, { position, outputs: 8 })).next],
            expected.slice(position, position + 8),
          );
        }
      }),
    );
    const evaluated = await evaluate(contexts[1]!, Int32Array.from(tokens));
    assert.deepEqual([...evaluated.top1], expected.slice(0, evaluated.top1.length));
  });

  it("refuses what cannot be", async () => {
    await next(tokens.slice(0, 4), 0, 0);
    await assert.rejects(next(tokens.slice(0, 2), 5, 1), /does not reach position 5/);
    await assert.rejects(next(tokens.slice(0, 2), 4, 3), /more outputs/);
    await assert.rejects(next([300], 4, 1), /vocabulary/);
    await assert.rejects(next([5], 4, 1, { allowed: Int32Array.of(-1) }), /vocabulary/);
    await assert.rejects(next([5], 4, 1, { labels: Int32Array.of(5, 6) }), /as many labels/);
    await assert.rejects(next([], 4, 0), /between 1 and 64/);
    await assert.rejects(next(Array<number>(65).fill(5), 4, 0), /between 1 and 64/);
    assert.deepEqual(await next(tokens.slice(4, 6), 4, 1), [expected[5]]);
  });

  it("refuses tokens beyond the context", async () => {
    for (let position = 0; position < 256; position += 64) {
      await next(Array<number>(64).fill(5), position, 0);
    }
    await assert.rejects(next([5], 256, 1), /do not fit/);
  });
});
