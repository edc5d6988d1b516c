import assert from "node:assert/strict";
import { pointAt, summarise } from "./summary";

const point = (series: string, x: number, values: Record<string, number>) => ({ series, x, values });

describe("summary", () => {
  const cases = [
    [point("plain", 0.5, { loss: 2, dense: 1, kl: 1 }), point("other", 0.5, { loss: 3, dense: 1, kl: 2 })],
    [
      point("plain", 0.5, { loss: 4, dense: 3, kl: 3 }),
      point("other", 0.5, { loss: 4, dense: 3 }),
      point("plain", 0.2, { loss: 6, dense: 3, kl: 9 }),
    ],
  ];
  const [plain, other] = summarise(cases, (name) => (name === "plain" ? undefined : "plain"));

  it("has the relative rise of the mean loss", () => {
    assert.equal(pointAt(plain, 0.5)!.values.rise!.mean, 0.5);
    assert.equal(pointAt(plain, 0.2)!.values.rise!.mean, 1);
  });
  it("compares with the plain way on the same cases", () => {
    assert.equal(pointAt(other, 0.5)!.values.difference!.mean, 0.25);
    assert.equal(pointAt(plain, 0.5)!.values.difference, undefined);
  });
  it("averages over the cases that have a value", () => {
    assert.equal(pointAt(plain, 0.5)!.values.kl!.mean, 2);
    assert.equal(pointAt(other, 0.5)!.values.kl!.mean, 2);
    assert.equal(pointAt(plain, 0.2)!.cases, 1);
  });
  it("puts points in the order of x", () => {
    assert.deepEqual(
      plain!.points.map(({ x }) => x),
      [0.2, 0.5],
    );
  });
});
