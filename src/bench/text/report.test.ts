import assert from "node:assert/strict";
import { textMarkdown } from "./markdown";
import { measure } from "./measures";
import { systemReports, textJson, type Answers, type TextReport } from "./report";

const NO_SYNTAX = { reads: (): boolean => false, parse: (): undefined => undefined };
const MIDDLES = ["a();", "b();\nc();"];

const answers = (name: string, texts: readonly string[]): Answers => ({
  name,
  texts,
  measured: texts.map((text, index) =>
    measure(
      { text, replaced: 0 },
      { prefix: "start();\n", middle: MIDDLES[index]!, suffix: "\n", language: "typescript" },
      NO_SYNTAX,
    ),
  ),
});

describe("the report of bench text", () => {
  const systems = systemReports(
    [answers("own", ["a();", "b();"]), answers("rival", ["", "start();"])],
    ["rest of line", "block"],
    "rival",
  );
  const report: TextReport = {
    environment: {
      command: "lacuna bench text",
      date: "2000-01-01",
      model: { name: "m.gguf", bytes: 1, sha256: "0" },
      machine: { cpu: "c", cores: 1, memoryGiB: 1, system: "s", threads: 1 },
      versions: {},
    },
    seed: 1,
    contextSize: 64,
    cases: MIDDLES.map((middle, index) => ({
      ...{ id: String(index), file: "f.ts", language: "typescript", middle },
      kind: ["rest of line", "block"][index]!,
    })),
    rival: "rival",
    systems,
  };

  it("takes means over the cases, by kind, and against the rival", () => {
    const [own, rival] = systems;
    assert.equal(own!.values.firstLine.mean, 1);
    assert.equal(own!.values.whole.mean, 0.5);
    assert.equal(own!.byKind.block!.whole.mean, 0);
    assert.equal(own!.difference!.firstLine.mean, 1);
    assert.equal(rival!.difference, undefined);
    assert.equal(rival!.values.empty.mean, 0.5);
  });

  it("takes rates of what is unwanted over what is shown", () => {
    assert.equal(systems[0]!.values.duplicatedLines.mean, NaN, "no line says anything");
    assert.equal(systems[1]!.values.duplicatedLines.mean, 1);
    assert.equal(
      systemReports([answers("silent", ["", ""])], ["block", "block"], undefined)[0]!.values.unbalanced.mean,
      NaN,
    );
  });

  it("is a document with a row for each system, and JSON with each text", () => {
    const markdown = textMarkdown(report);
    assert.match(markdown, /\| own +\| 100\.0 % \(100\.0 to 100\.0\) +\| 50\.0 %/);
    assert.match(markdown, /Against rival on the same cases/);
    const parsed = JSON.parse(textJson(report)) as TextReport;
    assert.deepEqual(parsed.systems[0]!.texts, ["a();", "b();"]);
    assert.deepEqual(Object.keys(parsed.systems[0]!.values.whole), ["mean", "low", "high"]);
  });
});
