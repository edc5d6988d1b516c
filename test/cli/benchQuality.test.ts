import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { modelPath } from "../testModel";
import { errorLine, run, Scratch } from "./support";

interface Report {
  readonly cases: readonly { readonly file: string }[];
  readonly environment: { readonly model: { readonly sha256: string } };
  readonly engine: readonly Readonly<Record<"share" | "bytes" | "rise" | "low" | "high" | "agree", number>>[];
  readonly sections: Record<
    string,
    readonly {
      readonly name: string;
      readonly points: readonly {
        readonly x: number;
        readonly values: Record<string, { readonly mean: number }>;
      }[];
    }[]
  >;
}

describe("lacuna bench quality", function () {
  this.timeout(120_000);
  const scratch = new Scratch();
  after(() => {
    scratch.remove();
  });
  const out = path.join(scratch.directory, "evidence");
  const args = [
    ...["bench", "quality", "--model", modelPath, "--out", out, "--cases", "2", "--json"],
    ...["--sections", "metrics,engine,completions", "--metrics", "snip,random", "--metric", "snip"],
  ];
  const stored = (): string => readFileSync(path.join(out, "cases.jsonl"), "utf8");

  it("measures held-out files, and goes on where it stopped", async () => {
    const first = await run(args);
    assert.equal(first.code, 0, first.stderr);
    const report = JSON.parse(first.stdout) as Report;
    assert.equal(report.cases.length, 2);
    assert.match(report.environment.model.sha256, /^[0-9a-f]{64}$/);
    assert.deepEqual(readFileSync(path.join(out, "quality.json"), "utf8"), first.stdout);
    for (const file of ["metrics.svg", "engine.svg", "completions.svg", "quality.md"]) {
      assert.ok(readFileSync(path.join(out, file), "utf8").length > 500, file);
    }

    const value = (series: string, x: number, name: string): number => {
      const found = report.sections.metrics!.find((one) => one.name === series)!;
      return found.points.find((point) => point.x === x)!.values[name]!.mean;
    };
    assert.ok(Math.abs(value("snip", 1, "rise")) < 1e-4 && value("snip", 1, "top1") === 1);
    assert.ok(value("random", 0.3, "kl") > value("snip", 0.3, "kl"));
    assert.ok(value("snip", 0.1, "kl") > value("snip", 0.7, "kl"));

    const { engine } = report;
    assert.deepEqual(
      engine.map(({ share }) => share),
      [0.3, 0.4, 0.5, 0.54, 0.6, 0.7, 0.8, 0.9],
    );
    for (const { share, bytes, rise, low, high, agree } of engine) {
      assert.ok(Math.abs(bytes - share) < 0.01 && low <= rise && rise <= high && agree > 0.5 && agree <= 1);
    }
    assert.ok(engine[0]!.rise > engine[5]!.rise);

    const before = stored();
    const again = await run(args);
    assert.equal(again.code, 0, again.stderr);
    assert.equal(stored(), before);
    assert.deepEqual((JSON.parse(again.stdout) as Report).sections, report.sections);
  });

  it("lets processes share the cases", async () => {
    const shared = path.join(scratch.directory, "shared");
    const words = args.map((word) => (word === out ? shared : word));
    const sharing = await run([...words, "--jobs", "2"]);
    assert.equal(sharing.code, 0, sharing.stderr);
    const alone = JSON.parse(readFileSync(path.join(out, "quality.json"), "utf8")) as Report;
    assert.deepEqual((JSON.parse(sharing.stdout) as Report).sections, alone.sections);
    const broken = await run([...words, "--jobs", "2", "--shard", "3/2"]);
    assert.equal(broken.code, 2);
    assert.match(errorLine(broken), /--shard takes 1\/2/);
  });

  it("says what is wrong with what it was asked for", async () => {
    const section = await run(["bench", "quality", "--sections", "everything"]);
    assert.equal(section.code, 2);
    assert.match(errorLine(section), /no section "everything"\. Choose from metrics/);
    const files = await run(["bench", "quality", "--model", modelPath, "--files", "nowhere/*.ts"]);
    assert.equal(files.code, 1);
    assert.match(errorLine(files), /matches nowhere/);
    const short = scratch.file("short.ts", "const a = 1;\n");
    const tooShort = await run([...args.slice(0, 9), "--files", short]);
    assert.equal(tooShort.code, 1);
    assert.match(errorLine(tooShort), /long enough/);
  });
});
