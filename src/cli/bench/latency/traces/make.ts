/** Writes the traces that ship, out of held-out files: `npx tsx src/cli/bench/latency/traces/make.ts` in the repository. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { makeTrace, type Region } from "../makeTrace";

interface Source {
  readonly name: string;
  readonly source: string;
  readonly path: string;
  readonly language: string;
  /** Below `training/heldout`. */
  readonly file: string;
  readonly regions: readonly Region[];
  readonly seed: number;
}

const SOURCES: readonly Source[] = [
  {
    name: "typescript",
    source: "BufferSet.ts, xterm.js, MIT: see LICENSES.txt",
    path: "src/common/buffer/BufferSet.ts",
    language: "typescript",
    file: "@xterm__xterm/src__common__buffer__BufferSet.ts.txt",
    regions: [
      { from: 101, to: 107 },
      { from: 116, to: 118 },
      { from: 74, to: 78 },
    ],
    seed: 7,
  },
  {
    name: "javascript",
    source: "conversions.js, luxon, MIT: see LICENSES.txt",
    path: "src/impl/conversions.js",
    language: "javascript",
    file: "luxon/src__impl__conversions.js.txt",
    regions: [
      { from: 99, to: 101 },
      { from: 25, to: 33 },
      { from: 48, to: 48 },
    ],
    seed: 8,
  },
  {
    name: "python",
    source: "templating.py, Flask, BSD-3-Clause: see LICENSES.txt",
    path: "flask/templating.py",
    language: "python",
    file: "python3-flask/flask__templating.py.txt",
    regions: [
      { from: 113, to: 124 },
      { from: 93, to: 98 },
    ],
    seed: 9,
  },
];

for (const { file, regions, seed, ...about } of SOURCES) {
  const text = readFileSync(path.join("training/heldout", file), "utf8");
  const { events, ...head } = makeTrace({ ...about, text }, regions, seed);
  const lines = events.map((event) => `    ${JSON.stringify(event)}`).join(",\n");
  const json = `${JSON.stringify(head, undefined, 2).slice(0, -2)},\n  "events": [\n${lines}\n  ]\n}\n`;
  writeFileSync(path.join("src/cli/bench/latency/traces", `${about.name}.json`), json);
}
