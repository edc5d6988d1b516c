import assert from "node:assert/strict";
import { paired, pairedTable } from "./paired";
import type { KeyResult, Run } from "./replay";

const USAGE = {
  promptTokens: 0,
  generatedTokens: 0,
  cpuSeconds: undefined,
  residentBytes: undefined,
  requests: 0,
};
const run = (...keys: readonly Partial<KeyResult>[]): Run => ({
  keys: keys.map((key) => ({ gapMs: 100, ...key })),
  usage: USAGE,
  traceMs: 1000,
});

describe("systems on the same keys", () => {
  const own = [run({ firstMs: 1 }, { firstMs: 20, asked: true }, { firstMs: 500, asked: true })];
  const rival = [run({ firstMs: 40 }, { firstMs: 60 }, {})];

  it("are compared where both had text", () => {
    const found = paired(own, rival);
    assert.deepEqual(found?.all, {
      keys: 2,
      own: { p50: 1, p95: 20, p99: 20 },
      rival: { p50: 40, p95: 60, p99: 60 },
    });
    assert.deepEqual(found.asked?.own, { p50: 20, p95: 20, p99: 20 });
    assert.deepEqual(pairedTable(found, ["a", "b"])[1], [
      "first text, p50 (ms), 2 keys",
      "1",
      "40",
      "40.00 ×",
    ]);
  });

  it("are not compared where one never had any", () => {
    assert.equal(paired(own, [run({}, {}, {})]), undefined);
    assert.equal(paired(own, [run({ firstMs: 40 }, {}, {})])?.asked, undefined);
  });
});
