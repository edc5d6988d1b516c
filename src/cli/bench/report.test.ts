import assert from "node:assert/strict";
import type { Round } from "./messages";
import { formatReport, rowsOf, type Measured } from "./report";

const round = (milliseconds: number, bytesPerToken: number): Round => ({
  prefillMs: 500,
  tokenMs: [milliseconds * 9, milliseconds, milliseconds],
  memory: { residentBytes: 2 ** 30, mappedBytes: 0, packedBytes: 2 ** 20 },
  bytesPerToken,
});
const measured = (name: string, bytesPerToken: number, milliseconds: readonly number[]): Measured => ({
  configuration: {
    name,
    stock: name === "stock",
    activeRatio: 1,
    levels: { staticRatio: 1, dynamicRatio: 1 },
  },
  started: { loadMs: 1, packingMs: 2 },
  rounds: milliseconds.map((ms) => round(ms, bytesPerToken)),
  coldStartMs: 3,
});

describe("bench report", () => {
  const rows = rowsOf([measured("stock", 1000, [10, 20, 40]), measured("0.4", 500, [5, 11, 25])], 100);

  it("compares within rounds, so that what slows a round slows both", () => {
    assert.deepEqual(rows[0]!.decode, { median: 50, min: 25, max: 100 });
    assert.equal(rows[0]!.speedup, 1);
    // 2, 1.818 and 1.6 times stock of the same round.
    assert.ok(Math.abs(rows[1]!.speedup - 20 / 11) < 1e-12);
    assert.equal(rows[1]!.byteRatioLimit, 2);
    assert.ok(Math.abs(rows[1]!.shareOfLimit - 10 / 11) < 1e-12);
    assert.equal(rows[0]!.prefill.median, 200);
  });

  it("prints a row for every configuration, aligned", () => {
    const attribution = { tokens: 256, forwardMs: 10, backwardMs: 20, peakBytes: 2 ** 20 };
    const run = { model: "m.gguf", threads: 2, promptTokens: 100, decodeTokens: 3, rounds: 3 };
    const lines = formatReport({ ...run, rows, attribution })
      .trimEnd()
      .split("\n");
    assert.equal(lines.length, 5);
    assert.equal(new Set(lines.slice(1, 4).map((line) => line.length)).size, 1);
    assert.match(lines[3]!, /^0\.4 .* 1\.82 .* 2\.00 .* 91 %/);
    assert.match(lines[4]!, /forward 10 ms, backward 20 ms/);
  });
});
