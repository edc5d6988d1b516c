import assert from "node:assert/strict";
import type { DecodeOptions, DecodeResult } from "./native";
import { Sequence } from "./sequence";

/** A model whose next token is always the last one plus one. */
class Successor {
  readonly calls: string[] = [];
  length = 0;

  constructor(private readonly isRecurrent = false) {}

  readonly decode = (tokens: readonly number[], options: DecodeOptions): Promise<DecodeResult> => {
    const { position, outputs, labels = [] } = options;
    this.calls.push(`${position}:${tokens.join(",")}`);
    if (this.isRecurrent && position < this.length && position > 0) {
      return Promise.reject(new Error("the model cannot go back in its sequence"));
    }
    this.length = position + tokens.length;
    const next = Int32Array.from(tokens.slice(tokens.length - outputs), (token) => token + 1);
    return Promise.resolve({ next, logLikelihood: Float32Array.from(labels, (label) => -label) });
  };
}

describe("Sequence", () => {
  it("continues where it ends and goes back when told", async () => {
    const model = new Successor();
    const sequence = new Sequence(model.decode, 8);
    await sequence.decode([1, 2, 3], { outputs: 0 });
    sequence.truncate(2);
    const { next } = await sequence.decode([7, 8], { outputs: 2 });
    assert.deepEqual([...next], [8, 9]);
    assert.deepEqual(sequence.tokens, [1, 2, 7, 8]);
    assert.deepEqual(model.calls, ["0:1,2,3", "2:7,8"]);
  });

  it("chooses across the border of two batches", async () => {
    const model = new Successor();
    const sequence = new Sequence(model.decode, 4);
    const labels = Int32Array.of(50, 60, 70);
    const result = await sequence.decode([1, 2, 3, 4, 5, 6], { outputs: 3, labels });
    assert.deepEqual(model.calls, ["0:1,2,3,4", "4:5,6"]);
    assert.deepEqual([...result.next], [5, 6, 7]);
    assert.deepEqual([...result.logLikelihood], [-50, -60, -70]);
  });

  it("begins anew with a model that cannot go back", async () => {
    const model = new Successor(true);
    const sequence = new Sequence(model.decode, 8);
    await sequence.decode([1, 2, 3], { outputs: 0 });
    sequence.truncate(2);
    assert.deepEqual([...(await sequence.decode([9], { outputs: 1 })).next], [10]);
    assert.deepEqual(model.calls, ["0:1,2,3", "2:9", "0:1,2", "2:9"]);
    assert.deepEqual(sequence.tokens, [1, 2, 9]);
  });

  it("goes on with parts that were set aside, and forgets them when something else follows", async () => {
    const model = new Successor();
    const calls: string[] = [];
    const sequence = new Sequence(model.decode, 8, {
      setAside: (position, parts) =>
        void calls.push(`${position}: ${parts.map(({ from, to, at }) => `${from}-${to} at ${at}`).join()}`),
      takeBack: (position, index) => void calls.push(`${position}: ${index}`),
    });
    await sequence.decode([1, 2, 3, 4, 5, 6], { outputs: 0 });
    const parts = [
      { from: 4, to: 6, at: 2 },
      { from: 2, to: 3, at: 5 },
    ];
    sequence.setAside(1, parts);
    assert.equal(sequence.takeBack(), 0);
    assert.equal(sequence.awaits([1, 7, 5, 6, 7, 3], 1), true);
    assert.equal(sequence.awaits([1, 7, 5, 6, 7, 4], 1), false);
    assert.equal(sequence.awaits([1, 7, 5, 6, 7, 3], 3), false);
    await sequence.decode([7], { outputs: 0 });
    assert.equal(sequence.takeBack(), 2);
    assert.deepEqual(sequence.tokens, [1, 7, 5, 6]);
    assert.equal(sequence.nextPart, 5);
    await sequence.decode([8, 9], { outputs: 0 });
    assert.equal(sequence.nextPart, undefined);
    assert.deepEqual(sequence.tokens, [1, 7, 5, 6, 8, 9]);
    assert.deepEqual(calls, ["1: 4-6 at 2,2-3 at 5", "2: 0", "4: "]);
    assert.deepEqual(model.calls, ["0:1,2,3,4,5,6", "1:7", "4:8,9"]);
  });

  it("holds nothing of what failed", async () => {
    const sequence = new Sequence(() => Promise.reject(new Error("llama_decode failed")), 8);
    await assert.rejects(sequence.decode([1], { outputs: 1 }), /llama_decode failed/);
    assert.deepEqual(sequence.tokens, []);
  });
});
