import type { Trace, TraceEvent } from "./trace";

/** A part of a file that a trace types anew: whole lines, counted from 1. */
export interface Region {
  readonly from: number;
  readonly to: number;
}

const OPENERS: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}" };
const QUOTES = "\"'`";

/** Gaps between keys, milliseconds: medians of someone who types about 65 words a minute, and how they spread. */
const GAP = { word: 130, boundary: 190, line: 900, jump: 2_500, noticed: 350, accept: 450 } as const;
const SPREAD = 0.35;
const MISTYPED = 0.02;
/** Share of lines whose end is accepted rather than typed. */
const ACCEPTED = 0.4;

/** Mulberry32: uniform in [0, 1). */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Someone who writes the `regions` of a file, one after the other, as an editor takes it down: with auto-indentation, auto-closed
 * pairs, mistyped keys, pauses, jumps, and ends of lines accepted from suggestions. The text ends as the file.
 */
export function makeTrace(
  file: Omit<Trace, "text" | "offset" | "events"> & { readonly text: string },
  regions: readonly Region[],
  seed: number,
): Trace {
  const random = generator(seed);
  const lines = file.text.split("\n");
  const missing = new Set(regions.flatMap(({ from, to }) => range(from - 1, to - 1)));
  const start = lines.filter((_, index) => !missing.has(index)).join("\n");
  const events: TraceEvent[] = [];
  const gap = (median: number): number => {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return Math.round(median * Math.exp(SPREAD * normal));
  };
  const typed = new Set<number>();
  for (const { from, to } of regions) {
    const above = lines.slice(0, from - 1).filter((_, index) => !missing.has(index) || typed.has(index));
    const offset = above.join("\n").length;
    events.push({ ms: gap(GAP.jump), to: offset });
    const body = lines.slice(from - 1, to);
    typeLines(body, indentOf(lines[from - 2] ?? ""), events, gap, random);
    range(from - 1, to - 1).forEach((index) => typed.add(index));
  }
  const first = events.shift()!;
  return { ...file, text: start, offset: first.to!, events };
}

function typeLines(
  lines: readonly string[],
  indentAbove: string,
  events: TraceEvent[],
  gap: (median: number) => number,
  random: () => number,
): void {
  let indent = indentAbove;
  for (const line of lines) {
    // Return indents as the line above; what the line wants more or less is one more key.
    events.push({ ms: gap(GAP.boundary), text: `\n${indent}` });
    const own = indentOf(line);
    if (line !== "" && own !== indent) {
      events.push(
        own.startsWith(indent)
          ? { ms: gap(GAP.word), text: own.slice(indent.length) }
          : { ms: gap(GAP.word), back: indent.length - own.length },
      );
    }
    if (line === "") {
      if (indent !== "") {
        events.push({ ms: gap(GAP.word), back: indent.length });
        indent = "";
      }
      continue;
    }
    indent = own;
    typeLine(line.slice(own.length), events, gap, random);
  }
}

function typeLine(
  line: string,
  events: TraceEvent[],
  gap: (median: number) => number,
  random: () => number,
): void {
  const acceptFrom =
    line.length > 16 && random() < ACCEPTED ? Math.floor(line.length * (0.4 + 0.3 * random())) : line.length;
  const open: string[] = [];
  for (let at = 0; at < line.length; at++) {
    const char = line.charAt(at);
    const pause = at === 0 ? GAP.line : /\w/.test(char) ? GAP.word : GAP.boundary;
    if (at >= acceptFrom && open.length === 0) {
      events.push({ ms: gap(GAP.accept), text: line.slice(at), accepted: true });
      return;
    }
    if (open.at(-1) === char) {
      open.pop();
      events.push({ ms: gap(pause), text: char, over: 1 });
      continue;
    }
    if (/[a-z]/.test(char) && random() < MISTYPED) {
      events.push({ ms: gap(pause), text: char === "e" ? "r" : "e" });
      events.push({ ms: gap(GAP.noticed), back: 1 });
    }
    const closer = closerOf(char, line.slice(at + 1), open);
    events.push({ ms: gap(pause), text: char, ...(closer === undefined ? {} : { behind: closer }) });
    if (closer !== undefined) {
      open.push(closer);
    }
  }
}

/** The other half that the editor adds; only where the line itself closes it, so that nothing is left over. */
function closerOf(char: string, rest: string, open: readonly string[]): string | undefined {
  const closer = OPENERS[char] ?? (QUOTES.includes(char) ? char : undefined);
  if (closer === undefined || open.some((other) => QUOTES.includes(other))) {
    return undefined;
  }
  let depth = 1;
  for (const next of rest) {
    depth += next === closer ? -1 : next === char ? 1 : 0;
    if (depth === 0) {
      return closer;
    }
  }
  return undefined;
}

const indentOf = (line: string): string => /^[ \t]*/.exec(line)![0];
const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);
