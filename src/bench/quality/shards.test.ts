import assert from "node:assert/strict";
import { parseShard, shardArguments } from "./shards";

describe("shards of a bench", () => {
  it("are counted from one", () => {
    assert.deepEqual(parseShard("1/2"), { index: 0, count: 2 });
    assert.deepEqual(parseShard("3/3"), { index: 2, count: 3 });
    for (const word of ["0/2", "3/2", "1", "1/2/3", "a/b", ""]) {
      assert.equal(parseShard(word), undefined, word);
    }
  });

  it("get the parent's words without those that are for the parent", () => {
    const words = ["bench", "quality", "--jobs", "2", "--cases", "8", "--fresh"];
    assert.deepEqual(shardArguments(words, 1, 2), [
      ...["bench", "quality", "--cases", "8", "--shard", "2/2"],
    ]);
    assert.deepEqual(shardArguments(["bench", "quality", "--jobs=4"], 0, 4), [
      ...["bench", "quality", "--shard", "1/4"],
    ]);
  });
});
