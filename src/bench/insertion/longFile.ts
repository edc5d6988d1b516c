import type { Place } from "../../completion/place";
import type { Shaper } from "../../completion/shaper";
import { generator } from "../common/random";

export const LONG_FILE_LINES = 10_000;
/** The name of the document. */
export const LONG_FILE = "long file";
/** What an editor's extension is shown of a document. */
const LINES_BEFORE = 512;
const LINES_AFTER = 128;
/** Its beginning moves by so many lines at a time. */
const STEP = 64;
const PLACES = 40;
/** Keys that are typed at each. */
const KEYS = 12;
/** Places before it counts: code is compiled on the way, and the file read. */
const WARM_UP = 15;
/** Times that all of it is done, the least time counts: it says what is computed, not what else the machine did or when memory was tidied up. */
const RUNS = 3;

/**
 * Milliseconds of processor time that shaping takes in a file of 10,000 lines, made of `texts`: someone types along lines here and there, and the model answers at each
 * key with the rest of the line, as it is or broken off. In no order.
 * @param make a shaper that has seen nothing yet
 */
export function shapingTimes(
  texts: readonly string[],
  language: string,
  make: () => Pick<Shaper, "kind" | "shape" | "replaced">,
): number[] {
  const runs = Array.from({ length: RUNS }, () => shapingRun(texts, language, make()));
  return runs[0]!.map((_, index) => Math.min(...runs.map((times) => times[index]!)));
}

function shapingRun(
  texts: readonly string[],
  language: string,
  shaper: Pick<Shaper, "kind" | "shape" | "replaced">,
): number[] {
  const lines: string[] = [];
  while (texts.length > 0 && lines.length < LONG_FILE_LINES) {
    lines.push(...texts.flatMap((text) => text.split("\n")));
  }
  lines.splice(LONG_FILE_LINES);
  const next = generator(1);
  const times: number[] = [];
  for (
    let place = 0, tries = 0;
    lines.length > 0 && place < PLACES + WARM_UP && tries < 20 * PLACES;
    tries++
  ) {
    const row = LINES_BEFORE + Math.floor(next() * (lines.length - LINES_BEFORE - LINES_AFTER));
    const line = lines[row]!;
    const indent = line.length - line.trimStart().length;
    if (line.trim().length < KEYS) {
      continue;
    }
    for (let key = 1; key < KEYS; key++) {
      const at = placeIn(lines, row, indent + key, language);
      const rest = line.slice(indent + key);
      const answers = [
        rest,
        `${rest}\n${lines[row + 1]!}`,
        rest.slice(0, -1),
        `${rest})`,
        `${rest.slice(0, 5)}([`,
      ];
      const before = process.cpuUsage();
      const shown = shaper.shape(shaper.kind(at), at, answers[key % answers.length]!, "finished") ?? "";
      shaper.replaced(shown, at);
      const { user, system } = process.cpuUsage(before);
      if (place >= WARM_UP) {
        times.push((user + system) / 1_000);
      }
    }
    place++;
  }
  return times;
}

function placeIn(lines: readonly string[], row: number, column: number, language: string): Place {
  const first = Math.max(0, Math.floor((row - LINES_BEFORE) / STEP) * STEP);
  const above = lines.slice(first, row).join("\n");
  const below = lines.slice(row + 1, row + 1 + LINES_AFTER).join("\n");
  const prefix = `${above}\n${lines[row]!.slice(0, column)}`;
  return { document: LONG_FILE, language, offset: row * 100 + column, prefix, suffix: `\n${below}` };
}
