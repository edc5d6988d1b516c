import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { root } from "./bootstrap.mjs";
import { Stop } from "./steps.mjs";

/** Places in this repository where the demo completes: the cursor goes right behind `after`. */
const places = [
  { file: "src/sparsity/ranking.ts", after: "export function " },
  { file: "src/engine/client.ts", after: "constructor(" },
  { file: "scripts/support/requirements.mjs", after: "const packages = " },
];
const sparseRatio = 0.4;

/**
 * The position right behind the first occurrence of `after`, as the command line wants it.
 * @param {string} text
 * @param {string} after
 * @returns {{ line: number, column: number, lead: string } | undefined} counted from 1; `lead`: the line up to there
 */
export function positionBehind(text, after) {
  const index = text.indexOf(after);
  if (index < 0) return undefined;
  const before = text.slice(0, index + after.length).split("\n");
  const lead = before.at(-1);
  return { line: before.length, column: lead.length + 1, lead };
}

/** Runs `lacuna complete` at a position and returns what `--json` prints. */
function complete(position, active) {
  const args = [
    "dist/cli.mjs",
    "complete",
    position,
    "--active",
    String(active),
    "--max-tokens",
    "48",
    "--json",
  ];
  const { status, stdout, stderr, signal } = spawnSync(process.execPath, args, {
    cwd: root,
    encoding: "utf8",
  });
  if (signal !== null) throw new Stop("Interrupted.");
  if (status !== 0) throw new Stop(`lacuna ${args.slice(1).join(" ")} failed:\n${stderr.trim()}`);
  return JSON.parse(stdout);
}

const mebibytes = (bytes) => `${(bytes / 2 ** 20).toFixed(0)} MiB`;

function describe(name, result) {
  const { decode, prefill, memory, attribution } = result;
  const parts = [
    `${decode.tokens} tokens at ${decode.tokensPerSecond.toFixed(1)} tok/s`,
    `prompt ${prefill.tokens} tokens in ${prefill.ms.toFixed(0)} ms`,
    ...(attribution?.tokens > 0 ? [`attribution ${attribution.ms.toFixed(0)} ms`] : []),
    `resident ${mebibytes(memory.residentBytes)}`,
    ...(memory.packedBytes > 0 ? [`packed ${mebibytes(memory.packedBytes)}`] : []),
  ];
  return `  ${name.padEnd(7)}${parts.join(" · ")}`;
}

const shown = (lead, text) =>
  `${lead}▏${text}`
    .split("\n")
    .map((line) => `    │ ${line}`)
    .join("\n");

/** Completes at each place with every neuron and with two fifths of them, and prints both. */
export async function demo() {
  for (const { file, after } of places) {
    const at = positionBehind(readFileSync(path.join(root, file), "utf8"), after);
    if (at === undefined)
      throw new Stop(`The demo's place in ${file} is gone: change it in scripts/support/demo.mjs.`);
    const position = `${file}:${at.line}:${at.column}`;
    process.stdout.write(`\n${position}\n`);
    for (const [name, active] of [
      ["dense", "dense"],
      [`${sparseRatio * 100} %`, sparseRatio],
    ]) {
      const result = complete(position, active);
      process.stdout.write(`${describe(name, result)}\n${shown(at.lead, result.text)}\n`);
    }
  }
  return 0;
}
