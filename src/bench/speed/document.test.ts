import assert from "node:assert/strict";
import type { Bench } from "../common/environment";
import { speedMarkdown } from "./document";
import type { SpeedRow } from "./measure";
import { speedPlots } from "./plots";
import type { SpeedRecord } from "./records";
import { makeSpeedReport } from "./report";

const environment: Bench = {
  command: "lacuna bench speed",
  date: "2026-01-01",
  machine: { cpu: "cpu", cores: 2, memoryGiB: 8, system: "Linux", threads: 2 },
  versions: {},
};

const VALUES: SpeedRow = {
  ...{ decode: 30, stockDecode: 20, speedup: 1.5, speedupLow: 1.4, speedupHigh: 1.6, pairs: 9 },
  ...{ prefill: 100, prefillRatio: 0.9, attention: 1e6, output: 2e6, ffn: 3e6, cache: 4e3 },
  ...{ bytes: 6.004e6, limit: 2, resident: 2 ** 30, packed: 2 ** 20, loadMs: 1, packingMs: 2 },
  ...{ coldStartMs: 3000, coldTotalMs: 4000 },
};

const record = (model: string, name: string, share: number): SpeedRecord<SpeedRow> => ({
  machine: "m",
  model,
  experiment: "ratios",
  name,
  threads: 2,
  promptTokens: 64,
  decodeTokens: 32,
  share,
  values: VALUES,
});

describe("report of bench speed", () => {
  const model = "qwen2.5-coder-0.5b-random-v2.Q8_0.gguf";
  const records = [
    record(model, "0.4", 0.4),
    record(model, "0.54", 0.54),
    record(model, "stock", 1),
    record("mine.gguf", "stock", 1),
  ];
  const report = makeSpeedReport(records, environment);

  it("has stock first, then from everything down, other models after those with shapes", () => {
    assert.deepEqual(
      report.models.map((one) => [one.model, one.ratios.map(({ name }) => name)]),
      [
        [model, ["stock", "0.54", "0.4"]],
        ["mine.gguf", ["stock"]],
      ],
    );
  });
  it("says what was not measured", () => {
    assert.equal(report.notMeasured.length, 11);
    const markdown = speedMarkdown(report);
    assert.match(markdown, /qwen2\.5-coder-0\.5b \| 1\.50, 75 % +\| not measured/);
    assert.match(markdown, /## Threads\n\nNot measured/);
    assert.match(markdown, /\| 54 % of the FFN's bytes +\| 30\.0 +\| 1\.50 \(1\.40 to 1\.60\)/);
  });
  it("draws what has more than one point", () => {
    assert.match(speedPlots(report).get("speed.svg")!, /qwen2\.5-coder-0\.5b\.Q8_0/);
    assert.equal(speedPlots(makeSpeedReport([], environment)).size, 0);
  });
});
