import assert from "node:assert/strict";
import { linesAbove, linesBelow } from "./cursor";
import { at } from "./testing";

describe("the lines round the cursor", () => {
  it("are those of the text that is asked for, whatever was asked before", () => {
    const [one, two, none] = [at("a\nb\nc│d\ne\nf"), at("A\r\nb│\r\nE\r\n"), at("a│b")];
    for (let round = 0; round < 2; round++) {
      for (const [cursor, above, below] of [
        [one, ["a", "b"], ["e", "f"]],
        [two, ["A"], ["E", ""]],
        [{ prefix: one.prefix, suffix: two.suffix }, ["a", "b"], ["E", ""]],
        [none, [], []],
      ] as const) {
        assert.deepEqual(
          linesAbove(cursor).map((line) => line.trimEnd()),
          above,
        );
        assert.deepEqual(linesBelow(cursor), below);
      }
    }
  });
});
