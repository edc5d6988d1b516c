import assert from "node:assert/strict";
import { linePlot } from "./svg";

describe("line plot", () => {
  const axis = { label: "share", format: String };
  const series = [
    {
      name: "a < b",
      points: [
        { x: 0, y: 1, low: 0.5, high: 2 },
        { x: 1, y: 100 },
      ],
    },
    { name: "other", points: [{ x: 0.5, y: 10 }], scattered: true },
  ];
  const svg = linePlot({ title: "T & U", x: axis, y: { ...axis, log: true }, series });

  it("draws every series, with points, whiskers and a legend", () => {
    assert.equal(svg.match(/<circle /g)!.length, 3);
    assert.equal(svg.match(/<polyline /g)!.length, 1);
    assert.match(svg, /stroke-opacity/);
    assert.match(svg, /a &lt; b/);
    assert.match(svg, /T &amp; U/);
  });
  it("places values: the middle of a logarithmic axis is the geometric mean", () => {
    const [low, high, middle] = [...svg.matchAll(/<circle cx="[\d.]+" cy="([\d.]+)"/g)].map((m) =>
      Number(m[1]),
    );
    assert.ok(low! > middle! && middle! > high!);
    assert.ok(Math.abs(middle! - (low! + high!) / 2) < 0.2);
  });
  it("has no number that is not one", () => assert.doesNotMatch(svg, /NaN|Infinity/));
});
