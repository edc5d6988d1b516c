import assert from "node:assert/strict";
import { linesAbove, linesBelow, nearAbove, nearBelow, writtenAbove, writtenBelow } from "./cursor";
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
        assert.deepEqual(nearAbove(cursor, most), most === 0 ? [] : above.slice(-most));
        assert.deepEqual(nearBelow(cursor, most), below.slice(0, most));
      }
      const isWritten = (line: string): boolean => line !== "";
      assert.equal(
        writtenAbove(cursor),
        above.findLast((line) => isWritten(line)),
      );
      assert.equal(writtenBelow(cursor), below.find(isWritten));
    });
  }
});
