import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { modelPath } from "../testModel";
import { errorLine, run, Scratch } from "./support";

interface Report {
  readonly environment: { readonly command: string };
  readonly traces: readonly { readonly events: number }[];
  readonly systems: readonly {
    readonly name: string;
    readonly keys: number;
    readonly promptTokensPerKey: number;
    readonly requestsPerKey: number;
  }[];
}

const typed = "total += item.price;";
const trace = {
  name: "short",
  source: "this test",
  path: "sum.js",
  language: "javascript",
  text: "function sum(items) {\n  let total = 0;\n  for (const item of items) {\n    \n  }\n  return total;\n}\n",
  offset: 73,
  events: Array.from(typed).map((text) => ({ ms: 120, text })),
};

describe("lacuna bench latency", () => {
  let scratch: Scratch;
  before(() => {
    scratch = new Scratch();
  });
  after(() => {
    scratch.remove();
  });

  it("replays a trace and writes what it measured", async () => {
    const file = scratch.file("trace.json", JSON.stringify(trace));
    const out = path.join(scratch.directory, "evidence");
    const words = ["bench", "latency", "--trace", file, "--model", modelPath, "--server", "none"];
    const measured = await run([...words, "--rounds", "1", "--threads", "1", "--out", out, "--json"]);
    assert.equal(measured.code, 0, measured.stderr);
    const report = JSON.parse(measured.stdout) as Report;
    const [lacuna] = report.systems;
    assert.equal(report.systems.length, 1);
    assert.equal(lacuna!.keys, typed.length);
    assert.ok(lacuna!.requestsPerKey > 0 && lacuna!.promptTokensPerKey > 0);
    // The file is evaluated once, and every key but its own tokens and one more.
    assert.ok(lacuna!.promptTokensPerKey < 10, `${lacuna!.promptTokensPerKey} tokens per key`);
    assert.deepEqual(JSON.parse(readFileSync(path.join(out, "latency.json"), "utf8")), report);
    assert.ok(!report.environment.command.includes(scratch.directory), report.environment.command);
    assert.match(
      readFileSync(path.join(out, "latency.md"), "utf8"),
      /\| first text, p50 \(ms\) \| (\d+|not measured) \|/,
    );
  });

  it("refuses what is no trace, no server and no speed, in a line", async () => {
    const bad = scratch.file("bad.json", "[]");
    for (const [words, message] of [
      [["--trace", bad], /bad\.json is not a trace: /],
      [["--trace", "/nowhere.json"], /There is no readable file at \/nowhere\.json\.$/],
      [["--server", "/nowhere"], /There is no llama-server at \/nowhere\.$/],
      [["--speed", "0"], /--speed must be above 0/],
    ] as const) {
      const failed = await run(["bench", "latency", "--model", modelPath, ...words]);
      assert.notEqual(failed.code, 0);
      assert.match(errorLine(failed), message);
    }
    assert.ok(existsSync(bad));
  });
});
