import assert from "node:assert/strict";
import { isWritten, linesAbove, linesBelow, writtenAbove, writtenBelow } from "./cursor";
import { at } from "./testing";

describe("the lines round the cursor", () => {
  for (const [text, above, below] of [
    ["a\nb\nc│d\ne\nf", ["a", "b"], ["e", "f"]],
    ["A\r\nb│\r\nE\r\n", ["A"], ["E", ""]],
    ["\n\nc│\n\n\ng\n", ["", ""], ["", "", "g", ""]],
    ["\n│\n", [""], [""]],
    ["a│b", [], []],
  ] as const) {
    it(`are those of ${JSON.stringify(text)}`, () => {
      const cursor = at(text);
      assert.deepEqual(linesAbove(cursor), above);
      assert.deepEqual(linesBelow(cursor), below);
      for (const most of [0, 1, 2, 9]) {
        assert.deepEqual(linesAbove(cursor, most), most === 0 ? [] : above.slice(-most));
        assert.deepEqual(linesBelow(cursor, most), below.slice(0, most));
      }
      assert.equal(writtenAbove(cursor), above.findLast(isWritten));
      assert.equal(writtenBelow(cursor), below.find(isWritten));
    });
  }
});
