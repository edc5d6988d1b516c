import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import type { Place } from "../src/completion/place";
import { whyNotHere } from "../src/completion/trigger";

/** A completion that is right: what really stands at the cursor. */
export interface GoldenHole extends Place {
  readonly middle: string;
}

const FOLDER = path.resolve(import.meta.dirname, "../training/heldout");
const LANGUAGES = new Map([
  [".ts", "typescript"],
  [".js", "javascript"],
  [".py", "python"],
]);
const HOLES_PER_FILE = 60;
const MAX_LINES = 12;

/** mulberry32: the same holes at every run. */
function random(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Holes from anywhere in a line to the end of that line or of one of the next, where a completion would be asked for. */
function* holesOf(file: string, text: string, next: () => number): Generator<GoldenHole> {
  const lines = text.split("\n");
  const starts = lines.map((_, i) => lines.slice(0, i).reduce((sum, line) => sum + line.length + 1, 0));
  for (let n = 0; n < HOLES_PER_FILE; n++) {
    const first = Math.floor(next() * lines.length);
    const last = Math.min(lines.length - 1, first + Math.floor(next() ** 3 * MAX_LINES));
    const indent = /^\s*/.exec(lines[first]!)![0].length;
    const column = next() < 0.3 ? indent : Math.floor(next() * lines[first]!.length);
    const start = starts[first]! + column;
    const middle = text.slice(start, starts[last]! + lines[last]!.length).trimEnd();
    const end = start + middle.length;
    const language = LANGUAGES.get(path.extname(file.replace(/\.txt$/, "")))!;
    const [prefix, suffix] = [text.slice(0, start), text.slice(end)];
    const hole = { document: file, language, offset: start, middle, prefix, suffix };
    const asked = whyNotHere({ prefix: hole.prefix, suffix: hole.suffix }, "automatic") === undefined;
    if (middle.trim() !== "" && asked) {
      yield hole;
    }
  }
}

/** More than a thousand places in files that no training saw, with what really stands there; the same ones every time. */
export function goldenHoles(): GoldenHole[] {
  return readdirSync(FOLDER, { recursive: true, encoding: "utf8" })
    .filter((file) => /\.(ts|js|py)\.txt$/.test(file))
    .sort()
    .flatMap((file, i) => [...holesOf(file, readFileSync(path.join(FOLDER, file), "utf8"), random(i + 1))]);
}
