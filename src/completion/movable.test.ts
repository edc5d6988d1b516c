import assert from "node:assert/strict";
import { movableParts } from "./movable";

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);
const [SUFFIX, MIDDLE] = [9_001, 9_002];

/** A prompt for a cursor in a document whose tokens are 0, 1, 2, …, with what has been typed there. */
const prompt = (cursor: number, end: number, typed: readonly number[] = []): number[] => [
  ...range(0, cursor),
  SUFFIX,
  ...range(cursor, end),
  MIDDLE,
  ...typed,
];

/** What a prompt becomes, with each token of a part in brackets; the others are evaluated. */
function evaluated(held: readonly number[], wanted: readonly number[], cursor: number): number[] {
  const kept = wanted.findIndex((token, index) => held[index] !== token);
  const parts = movableParts(held, wanted, kept, { cursor, end: wanted.indexOf(MIDDLE) });
  const tokens: number[] = [];
  let at = kept;
  for (const part of parts) {
    assert.ok(part.at >= at);
    assert.deepEqual(held.slice(part.from, part.to), wanted.slice(part.at, part.at + part.to - part.from));
    tokens.push(...wanted.slice(at, part.at));
    at = part.at + part.to - part.from;
  }
  return [...tokens, ...wanted.slice(at)];
}

describe("movableParts", () => {
  it("takes over all but what is near the cursor when it goes back", () => {
    const tokens = evaluated(prompt(500, 700), prompt(200, 700), 200);
    assert.deepEqual(tokens, [SUFFIX, ...range(200, 264), MIDDLE]);
  });

  it("takes over all but what is near the cursor when it goes forward", () => {
    const tokens = evaluated(prompt(200, 700), prompt(500, 800), 500);
    assert.deepEqual(tokens, [...range(436, 500), SUFFIX, ...range(500, 564), ...range(700, 800), MIDDLE]);
  });

  it("takes over what has been typed meanwhile, which stood last", () => {
    const typed = range(5_000, 5_100);
    const wanted = [...range(0, 200), SUFFIX, ...range(200, 500), ...typed, ...range(500, 700), MIDDLE];
    const tokens = evaluated(prompt(500, 700, typed), wanted, 200);
    assert.deepEqual(tokens, [SUFFIX, ...range(200, 264), MIDDLE]);
  });

  it("leaves out a few tokens in a row, and uses none twice", () => {
    const piece = range(300, 340);
    const held = [...range(0, 100), SUFFIX, ...range(100, 200), ...piece, ...range(5_000, 5_020), MIDDLE];
    const wanted = [
      ...range(0, 50),
      SUFFIX,
      ...range(50, 200),
      ...piece,
      6_000,
      ...piece,
      ...range(5_000, 5_020),
      MIDDLE,
    ];
    assert.deepEqual(evaluated(held, wanted, 50), [
      SUFFIX,
      ...range(50, 114),
      6_000,
      ...piece,
      ...range(5_000, 5_020),
      MIDDLE,
    ]);
  });

  it("moves nothing where one types on, or where nothing is the same", () => {
    const held = prompt(200, 400, range(5_000, 5_050));
    const landmarks = { cursor: 200, end: 401 };
    assert.deepEqual(movableParts(held, [...held, 6_000, 6_001], held.length, landmarks), []);
    assert.deepEqual(movableParts(range(0, 400), range(10_000, 10_402), 0, landmarks), []);
  });
});
