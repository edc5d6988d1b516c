import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { modelPath } from "../testModel";
import { errorLine, run, Scratch } from "./support";

interface Report {
  readonly environment: { readonly command: string };
  readonly cases: readonly { readonly id: string; readonly kind: string }[];
  readonly systems: readonly {
    readonly name: string;
    readonly values: Readonly<Record<string, { readonly mean: number }>>;
    readonly texts: readonly string[];
  }[];
}

describe("lacuna bench text", () => {
  let scratch: Scratch;
  before(() => {
    scratch = new Scratch();
  });
  after(() => {
    scratch.remove();
  });

  it("completes holes in several ways, and writes what it measured", async () => {
    const out = path.join(scratch.directory, "evidence");
    const words = ["bench", "text", "--model", modelPath, "--server", "none", "--cases", "2", "--out", out];
    const measured = await run([...words, "--lead-lines", "1", "--active", "dense,0.6", "--json"]);
    assert.equal(measured.code, 0, measured.stderr);
    const report = JSON.parse(measured.stdout) as Report;
    assert.equal(report.cases.length, 2);
    assert.deepEqual(
      report.systems.map(({ name }) => name),
      ["Lacuna, dense, 1 lead line", "Lacuna, 0.6, 1 lead line"],
    );
    for (const { texts, values } of report.systems) {
      assert.equal(texts.length, 2);
      assert.equal(
        values.empty!.mean.toFixed(3),
        (texts.filter((text) => text === "").length / 2).toFixed(3),
      );
    }
    assert.ok(!report.environment.command.includes(scratch.directory), report.environment.command);
    assert.deepEqual(JSON.parse(readFileSync(path.join(out, "text.json"), "utf8")), report);
    assert.match(readFileSync(path.join(out, "text.md"), "utf8"), /\| Lacuna, dense, 1 lead line +\| \d/);
  });

  it("refuses what it cannot measure, in a line", async () => {
    for (const [words, message] of [
      [["--lead-lines", "2,x"], /--lead-lines are whole numbers from 0 to 100, not x\.$/],
      [["--active", "2"], /--active must be above 0/],
      [["--files", "/nowhere/*.ts"], /No source file matches/],
      [["--server", "/nowhere"], /There is no llama-server at \/nowhere\.$/],
    ] as const) {
      const failed = await run(["bench", "text", "--model", modelPath, "--server", "none", ...words]);
      assert.notEqual(failed.code, 0);
      assert.match(errorLine(failed), message);
    }
  });

  it("is listed with the other benches, which have to be named", async () => {
    const { code, stdout } = await run(["bench"]);
    assert.equal(code, 0);
    for (const name of ["speed", "quality", "latency", "text"]) {
      assert.match(stdout, new RegExp(`^  bench ${name} `, "m"));
    }
    assert.match(errorLine(await run(["bench", "nothing"])), /There is no command "bench nothing"\./);
  });
});
