import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import type { Point } from "../common/store";
import type { QualityReport } from "../quality/report";
import { summarise } from "../quality/summary";
import { readEvidence } from "./command";
import { evidenceReadme, WRITTEN } from "./readme";
import { list, smallestWithin, verdictOf } from "./verdict";

const point = (series: string, x: number, loss: number, more: Record<string, number> = {}): Point => ({
  series,
  x,
  values: { loss, dense: 2, top1: 1, ...more },
});

/** Two cases that agree. */
const twice = (points: readonly Point[]): Point[][] => [[...points], [...points]];

function report(sections: Record<string, Point[][]>): QualityReport {
  const plainOf = (name: string): string | undefined =>
    name === "corrected-gxo" ? undefined : "corrected-gxo";
  return {
    environment: {
      command: "lacuna bench quality",
      date: "2026-01-01",
      model: { name: "m.gguf", bytes: 2 ** 20, sha256: "ab".repeat(32) },
      machine: { cpu: "cpu", cores: 2, memoryGiB: 8, system: "Linux", threads: 1 },
      versions: {},
    },
    metric: "wanda",
    seed: 1,
    cases: [{ id: "1", file: "a.ts", language: "TypeScript", kind: "block" }],
    sections: Object.fromEntries(
      Object.entries(sections).map(([name, cases]) => [name, summarise(cases, plainOf)]),
    ),
  };
}

describe("what follows from the evidence", () => {
  it("is read off intervals", () => {
    assert.equal(verdictOf({ mean: -1, low: -2, high: -0.1 }), "better");
    assert.equal(verdictOf({ mean: 1, low: 0.1, high: 2 }), "worse");
    assert.equal(verdictOf({ mean: 1, low: -0.1, high: 2 }), "no difference");
    assert.equal(list(["a", "b", "c"]), "a, b and c");
  });

  it("trusts no share below one that loses too much", () => {
    const [series] = summarise(
      twice([point("a", 0.3, 2.02), point("a", 0.5, 2.5), point("a", 0.7, 2.06), point("a", 1, 2)]),
    );
    assert.equal(smallestWithin(series, 0.05)!.x, 0.7);
  });

  it("names winners and losers by the results", () => {
    const metrics = (wanda: number, gxo: number): Point[][] =>
      twice([
        point("corrected-gxo", 0.5, 2.4),
        point("wanda", 0.5, wanda),
        point("gxo", 0.5, gxo),
        point("corrected-gxo", 0.7, 2.1),
      ]);
    const good = evidenceReadme({ quality: report({ metrics: metrics(2.2, 3) }) });
    assert.match(good, /Corrected GxO is beaten by wanda; it beats gxo;/);
    assert.match(good, /The default, wanda, loses least/);
    assert.match(good, /\| one mask for the file, wanda +\| dense only/);
    const bad = evidenceReadme({ quality: report({ metrics: metrics(3, 2.2) }) });
    assert.match(bad, /Corrected GxO is beaten by gxo; it beats wanda;/);
    assert.match(bad, /The correction does not help here/);
    assert.match(bad, /gxo loses least \(10\.0 % .*; the default, wanda, 50\.0 %/);
  });

  it("says what the product loses and its guard lets through", () => {
    const engine = twice([
      point("engine", 0.3, 2.4, { exactDense: 0, similarity: 0.1 }),
      point("engine", 0.5, 2.02, { exactDense: 1, similarity: 0.2 }),
      point("engine", 1, 2, { exactDense: 1, similarity: 0.2 }),
      point("guard", 0.05, 2.02, { ratio: 0.5, kept: 1 }),
    ]);
    const text = evidenceReadme({ quality: report({ engine }) });
    assert.match(text, /stays under 5 % down to 50 % of the FFN's bytes\*\* \(mean 1\.0 %/);
    assert.match(text, /it chooses 50 % of the FFN on average/);
    assert.match(text, /of `bench quality`: metrics, completions/);
  });

  it("is what docs/evidence says, where that is written from its results", () => {
    const folder = path.resolve("docs/evidence");
    const file = path.join(folder, "README.md");
    const written = existsSync(file) ? readFileSync(file, "utf8") : "";
    if (written.includes(WRITTEN)) {
      assert.equal(written, evidenceReadme(readEvidence(folder)));
    }
  });
});
