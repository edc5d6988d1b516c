import assert from "node:assert/strict";
import {
  dayOf,
  NO_STATISTICS,
  parseStatistics,
  percentile,
  record,
  totals,
  type StatisticsEvent,
} from "./statistics";

const after = (...events: StatisticsEvent[]): typeof NO_STATISTICS =>
  events.reduce((data, event) => record(data, event, "2026-01-02"), NO_STATISTICS);

describe("statistics", () => {
  it("counts by day", () => {
    const data = after(
      { kind: "shown" },
      { kind: "shown" },
      { kind: "accepted", characters: 12 },
      { kind: "acceptedMore", characters: 3 },
      { kind: "kept", characters: 10 },
    );
    assert.deepEqual(data.days, {
      "2026-01-02": { shown: 2, accepted: 1, acceptedCharacters: 15, keptCharacters: 10 },
    });
    assert.deepEqual(totals(record(data, { kind: "shown" }, "2026-01-03")).shown, 3);
  });
  it("keeps two months of days", () => {
    let data = NO_STATISTICS;
    for (let i = 0; i < 80; i++) {
      data = record(data, { kind: "shown" }, dayOf(new Date(2026, 0, 1 + i)));
    }
    const days = Object.keys(data.days);
    assert.equal(days.length, 60);
    assert.equal(days.at(-1), "2026-03-21");
  });
  it("keeps the newest latencies", () => {
    let data = NO_STATISTICS;
    for (let ms = 0; ms < 600; ms++) {
      data = record(data, { kind: "latency", ms }, "2026-01-02");
    }
    assert.equal(data.latencies.length, 500);
    assert.equal(data.latencies.at(-1), 599);
  });
  it("finds percentiles by nearest rank", () => {
    assert.equal(percentile([], 0.5), undefined);
    assert.equal(percentile([7], 0.95), 7);
    assert.equal(percentile([4, 1, 3, 2], 0.5), 2);
    assert.equal(
      percentile(
        Array.from({ length: 100 }, (_, i) => i + 1),
        0.95,
      ),
      95,
    );
  });
  it("reads back what it wrote", () => {
    const data = after({ kind: "shown" }, { kind: "latency", ms: 12 });
    assert.deepEqual(parseStatistics(JSON.parse(JSON.stringify(data))), data);
  });
  it("reads nothing from damaged storage", () => {
    for (const damaged of [
      undefined,
      null,
      3,
      "x",
      [],
      {},
      { version: 2 },
      { version: 1, days: 4, latencies: "x" },
    ]) {
      assert.deepEqual(parseStatistics(damaged), NO_STATISTICS);
    }
    const half = {
      version: 1,
      days: { "2026-01-02": { shown: -1, accepted: "x" }, nonsense: {} },
      latencies: [1, "x", -2],
    };
    assert.deepEqual(parseStatistics(half), {
      version: 1,
      days: { "2026-01-02": { shown: 0, accepted: 0, acceptedCharacters: 0, keptCharacters: 0 } },
      latencies: [1],
    });
  });
});
