import { createHash } from "node:crypto";
import { generator, shuffled } from "./random";
import type { SourceFile } from "./sourceFiles";

export type HoleKind = "rest of line" | "few lines" | "block";

export const HOLE_KINDS: readonly HoleKind[] = ["rest of line", "few lines", "block"];

/** A piece cut out of a real file: what the model has to write between `prefix` and `suffix`. */
export interface Hole {
  readonly id: string;
  readonly file: SourceFile;
  readonly kind: HoleKind;
  readonly prefix: string;
  readonly middle: string;
  readonly suffix: string;
}

export interface HoleOptions {
  readonly count: number;
  readonly seed: number;
  /** Characters that must lie before a hole and, from its beginning on, after it. */
  readonly before: number;
  readonly after: number;
}

const FEW_LINES = [2, 4] as const;
const BLOCK_LINES = [3, 10] as const;
const TRIES = 200;

/**
 * Holes in turn of every language and kind, files in turn within a language. Depends on the files and the options only;
 * more cases begin with the same ones. Files that are too short yield none.
 */
export function cutHoles(files: readonly SourceFile[], options: HoleOptions): Hole[] {
  const random = generator(options.seed);
  const byLanguage = [...new Set(files.map(({ language }) => language))].sort().map((language) => {
    const own = files.filter((file) => file.language === language);
    return { files: shuffled(own, random), next: 0 };
  });
  const holes: Hole[] = [];
  const seen = new Set<string>();
  for (let round = 0, misses = 0; holes.length < options.count && misses < TRIES; round++) {
    const language = byLanguage[round % byLanguage.length]!;
    const kind = HOLE_KINDS[Math.floor(round / byLanguage.length) % HOLE_KINDS.length]!;
    const hole = nextHole(language, kind, random, options);
    if (hole === undefined || seen.has(hole.id)) {
      misses++;
      continue;
    }
    misses = 0;
    seen.add(hole.id);
    holes.push(hole);
  }
  return holes;
}

function nextHole(
  language: { readonly files: readonly SourceFile[]; next: number },
  kind: HoleKind,
  random: () => number,
  options: HoleOptions,
): Hole | undefined {
  const { files } = language;
  const turn = language.next % files.length;
  for (const file of [...files.slice(turn), ...files.slice(0, turn)]) {
    language.next++;
    for (let attempt = 0; attempt < 20; attempt++) {
      const hole = cut(file, kind, random, options);
      if (hole !== undefined) {
        return hole;
      }
    }
  }
  return undefined;
}

function cut(file: SourceFile, kind: HoleKind, random: () => number, options: HoleOptions): Hole | undefined {
  const { text } = file;
  const room = text.length - options.before - options.after;
  if (room <= 0) {
    return undefined;
  }
  const at = options.before + Math.floor(random() * room);
  const lineStart = text.lastIndexOf("\n", at - 1) + 1;
  const range =
    kind === "rest of line"
      ? restOfLine(text, at)
      : kind === "few lines"
        ? lines(text, lineStart, FEW_LINES[0] + Math.floor(random() * (FEW_LINES[1] - FEW_LINES[0] + 1)))
        : block(text, lineStart);
  if (range === undefined || range[0] < options.before || text.length - range[0] < options.after) {
    return undefined;
  }
  const [from, to] = range;
  const middle = text.slice(from, to);
  const id = createHash("sha256").update(`${file.path}\n${from}\n${to}\n${text}`).digest("hex").slice(0, 12);
  return { id, file, kind, prefix: text.slice(0, from), middle, suffix: text.slice(to) };
}

/** From a place where a typist pauses: after the indentation, a space or punctuation. */
function restOfLine(text: string, at: number): [number, number] | undefined {
  const end = text.indexOf("\n", at);
  const middle = text.slice(at, end < 0 ? text.length : end);
  const usable = middle.trim().length >= 3 && !/^\s/.test(middle) && !/[\w\n]/.test(text[at - 1] ?? "\n");
  return usable ? [at, at + middle.length] : undefined;
}

/** Whole lines, from after the first one's indentation to the end of the last one. */
function lines(text: string, start: number, count: number): [number, number] | undefined {
  let end = start;
  for (let line = 0; line < count; line++) {
    const newline = text.indexOf("\n", end);
    if (newline < 0) {
      return undefined;
    }
    end = newline + 1;
  }
  const from = start + /^[ \t]*/.exec(text.slice(start, end))![0].length;
  const isCode = text
    .slice(start, end - 1)
    .split("\n")
    .every((line) => line.trim() !== "");
  return isCode ? [from, end - 1] : undefined;
}

/** The lines that are indented deeper than the line at `start`, which opens them. */
function block(text: string, start: number): [number, number] | undefined {
  const indent = (line: string): number => /^[ \t]*/.exec(line)![0].length;
  const [head, ...rest] = text.slice(start).split("\n");
  if (head!.trim() === "" || !/[{(:[]\s*$/.test(head!)) {
    return undefined;
  }
  const outer = indent(head!);
  const end = rest.findIndex((line) => line.trim() !== "" && indent(line) <= outer);
  const inner = rest.slice(0, Math.max(0, end));
  while (inner.at(-1)?.trim() === "") {
    inner.pop();
  }
  if (inner.length < BLOCK_LINES[0] || inner.length > BLOCK_LINES[1]) {
    return undefined;
  }
  const from = start + head!.length + 1;
  const body = inner.join("\n");
  return [from + indent(body), from + body.length];
}
