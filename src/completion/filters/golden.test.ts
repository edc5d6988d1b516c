import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { whyNotHere } from "../trigger";
import { applyFilters, FILTERS, type FilterContext } from "./index";

/** A completion that is right: what really stands at the cursor. */
interface Hole extends FilterContext {
  readonly file: string;
  readonly middle: string;
}

const FOLDER = path.resolve(import.meta.dirname, "../../../training/heldout");
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
function* holesOf(file: string, text: string, next: () => number): Generator<Hole> {
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
    const hole = { file, language, middle, prefix: text.slice(0, start), suffix: text.slice(end) };
    const asked = whyNotHere({ prefix: hole.prefix, suffix: hole.suffix }, "automatic") === undefined;
    if (middle.trim() !== "" && asked) {
      yield hole;
    }
  }
}

const holes = readdirSync(FOLDER, { recursive: true, encoding: "utf8" })
  .filter((file) => /\.(ts|js|py)\.txt$/.test(file))
  .sort()
  .flatMap((file, i) => [...holesOf(file, readFileSync(path.join(FOLDER, file), "utf8"), random(i + 1))]);

describe(`the golden set (${holes.length} right completions)`, () => {
  it("is large", () => assert.ok(holes.length > 1_000, String(holes.length)));

  for (const [name, filter] of Object.entries(FILTERS)) {
    it(`survives ${name} unchanged`, () => {
      const changed = holes.filter((hole) => filter(hole.middle, hole) !== hole.middle);
      const told = changed
        .slice(0, 20)
        .map(
          (hole) =>
            `${hole.file}: ${JSON.stringify(hole.prefix.slice(-80))} │ ${JSON.stringify(hole.middle)} became ` +
            `${JSON.stringify(filter(hole.middle, hole))} before ${JSON.stringify(hole.suffix.slice(0, 80))}`,
        );
      assert.equal(changed.length, 0, `${changed.length} of ${holes.length}:\n${told.join("\n")}`);
    });
  }

  it("survives all of them, one after the other", () => {
    assert.deepEqual(
      holes.filter((hole) => applyFilters(hole.middle, hole) !== hole.middle),
      [],
    );
  });
});
