/**
 * Writes the traces that ship, out of held-out files: `npx tsx src/cli/bench/latency/traces/make.ts` in the repository. Other files of the same projects come
 * from the corpus that step 1 of training/README.md makes.
 */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { makeTrace, type Region } from "../makeTrace";

/** Lines of a file, counted from 1. */
interface Part {
  readonly path: string;
  readonly from: number;
  readonly to: number;
}

interface Source {
  readonly name: string;
  readonly source: string;
  readonly path: string;
  readonly language: string;
  /** Below `training/heldout`. */
  readonly file: string;
  /** In the corpus. */
  readonly package: string;
  /** Other files that the extension would look at, as far as it does. */
  readonly files: readonly Part[];
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
    package: "@xterm/xterm",
    files: [
      { path: "src/common/buffer/Buffer.ts", from: 1, to: 64 },
      { path: "src/common/buffer/BufferLine.ts", from: 1, to: 64 },
      { path: "src/common/buffer/BufferRange.ts", from: 1, to: 64 },
    ],
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
    package: "luxon",
    files: [
      { path: "src/impl/util.js", from: 1, to: 340 },
      { path: "src/impl/diff.js", from: 1, to: 64 },
      { path: "src/impl/digits.js", from: 1, to: 64 },
      { path: "src/impl/english.js", from: 1, to: 64 },
      { path: "src/errors.js", from: 1, to: 64 },
    ],
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
    package: "python3-flask",
    files: [
      { path: "flask/globals.py", from: 1, to: 200 },
      { path: "flask/helpers.py", from: 84, to: 162 },
      { path: "flask/signals.py", from: 1, to: 64 },
      { path: "flask/testing.py", from: 1, to: 64 },
      { path: "flask/typing.py", from: 1, to: 64 },
      { path: "flask/__init__.py", from: 1, to: 64 },
    ],
    regions: [
      { from: 113, to: 124 },
      { from: 93, to: 98 },
    ],
    seed: 9,
  },
];

const corpus = readFileSync("training/.work/corpus.jsonl", "utf8")
  .split("\n")
  .filter((line) => line !== "")
  .map(
    (line) => JSON.parse(line) as { readonly package: string; readonly path: string; readonly text: string },
  );

function partOf(
  owner: string,
  { path: file, from, to }: Part,
): { readonly path: string; readonly text: string } {
  const found = corpus.find((other) => other.package === owner && other.path === file);
  if (found === undefined) {
    throw new Error(`The corpus has no ${file} of ${owner}.`);
  }
  const lines = found.text.split("\n").slice(from - 1, to);
  return { path: file, text: `${lines.join("\n").trimEnd()}\n` };
}

for (const { file, package: owner, files, regions, seed, ...about } of SOURCES) {
  const text = readFileSync(path.join("training/heldout", file), "utf8");
  const others = files.map((part) => partOf(owner, part));
  const { events, ...head } = makeTrace({ ...about, text, files: others }, regions, seed);
  const lines = events.map((event) => `    ${JSON.stringify(event)}`).join(",\n");
  const json = `${JSON.stringify(head, undefined, 2).slice(0, -2)},\n  "events": [\n${lines}\n  ]\n}\n`;
  writeFileSync(path.join("src/cli/bench/latency/traces", `${about.name}.json`), json);
}
