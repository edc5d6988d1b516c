import assert from "node:assert/strict";
import { percentiles } from "../common/percentiles";
import type { Run } from "./replay";
import { summarise, table } from "./summary";

const run = (firstMs: readonly (number | undefined)[], overrides: Partial<Run["usage"]> = {}): Run => ({
  keys: firstMs.map((ms) => ({ gapMs: 100, ...(ms === undefined ? {} : { firstMs: ms, fullMs: 2 * ms }) })),
  usage: {
    promptTokens: 20,
    generatedTokens: 40,
    cpuSeconds: 3,
    residentBytes: 2 ** 21,
    requests: 2,
    ...overrides,
  },
  traceMs: 30_000,
});

describe("latency summary", () => {
  it("takes percentiles by nearest rank", () => {
    const values = Array.from({ length: 100 }, (_, i) => i + 1);
    assert.deepEqual(percentiles(values), { p50: 50, p95: 95, p99: 99 });
    assert.deepEqual(percentiles([7]), { p50: 7, p95: 7, p99: 7 });
    assert.equal(percentiles([]), undefined);
  });

  it("counts per key and per minute of typing", () => {
    const summary = summarise("a", [run([10, undefined]), run([30, 50])]);
    assert.equal(summary.keys, 4);
    assert.equal(summary.answered, 0.75);
    assert.deepEqual(summary.first, { p50: 30, p95: 50, p99: 50 });
    assert.equal(summary.firstAsked, undefined);
    assert.equal(summary.full?.p50, 60);
    assert.equal(summary.promptTokensPerKey, 10);
    assert.equal(summary.generatedTokensPerKey, 20);
    assert.equal(summary.cpuSecondsPerMinute, 6);
    assert.equal(summary.residentMiB, 2);
  });

  it("tells how tokens were written, where a system does", () => {
    const decoding = { tokens: 40, ms: 20, proposed: 8, accepted: 2 };
    const rows = new Map(
      table([
        summarise("own", [run([10], { decoding }), run([10], { decoding })]),
        summarise("b", [run([10])]),
      ]).map(([label, ...cells]) => [label, cells]),
    );
    assert.deepEqual(rows.get("milliseconds per token written"), ["0.50", "not measured", ""]);
    assert.deepEqual(rows.get("drafted tokens that the model wrote, too (%)"), ["25.0", "not measured", ""]);
    assert.ok(!table([summarise("b", [run([10])])]).some(([label]) => label!.startsWith("drafted")));
  });

  it("tells what came late, what was read again and what was a fragment, where a system does", () => {
    const late: Run = {
      ...run([10], { againTokens: 5, offers: { texts: 4, fragments: 1 } }),
      keys: [{ gapMs: 2_000, firstMs: 900 }, { gapMs: 2_000, firstMs: 100 }, { gapMs: 900 }, { gapMs: 700 }],
    };
    const rows = new Map(
      table([summarise("own", [late]), summarise("b", [run([10])])]).map(([label, ...cells]) => [
        label,
        cells,
      ]),
    );
    assert.deepEqual(rows.get("keys with text later than 750 ms, of those that waited for it (%)"), [
      "50.0",
      "not measured",
      "",
    ]);
    assert.deepEqual(rows.get("of these, read before (%)"), ["25.0", "not measured", ""]);
    assert.deepEqual(rows.get("fragments, of the suggestions shown (%)"), ["25.0", "not measured", ""]);
  });

  it("says what was not measured, and compares the second system with the first", () => {
    const own = summarise("own", [run([10])]);
    const rival = summarise("rival", [run([40], { cpuSeconds: undefined })]);
    const rows = new Map(table([own, rival]).map(([label, ...cells]) => [label, cells]));
    assert.deepEqual(rows.get(""), ["own", "rival", "ratio"]);
    assert.deepEqual(rows.get("first text, p50 (ms)"), ["10", "40", "4.00 ×"]);
    assert.deepEqual(rows.get("CPU seconds per minute of typing"), ["6.0", "not measured", ""]);
    assert.equal(table([own])[0]!.length, 2);
  });
});
