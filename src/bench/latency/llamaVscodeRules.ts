import type { Surroundings } from "./simulatedEditor";

/** What llama.vscode asks for and what it shows, after its sources (src/completion.ts, src/llama-server.ts); its defaults. */
export const LINES_BEFORE = 256;
export const LINES_AFTER = 64;
const MAX_LINE_SUFFIX = 8;
const REQUEST = {
  n_predict: 128,
  top_k: 40,
  top_p: 0.99,
  stream: false,
  samplers: ["top_k", "top_p", "infill"],
  cache_prompt: true,
  t_max_prompt_ms: 500,
  t_max_predict_ms: 1000,
} as const;

export interface Input {
  readonly prefix: string;
  readonly suffix: string;
  /** The cursor's line up to the cursor. */
  readonly prompt: string;
  readonly indent: number;
}

/** A piece of a file that was looked at. */
export interface Chunk {
  readonly text: string;
  readonly filename: string;
  readonly time: number;
}

/** It asks for nothing where more than this stands right of the cursor. */
export const asksAt = ({ lineSuffix }: Surroundings): boolean => lineSuffix.length <= MAX_LINE_SUFFIX;

/** @param around with {@link LINES_BEFORE} and {@link LINES_AFTER} lines */
export function inputOf({ above, linePrefix, lineSuffix, below }: Surroundings): Input {
  return {
    prefix: `${above.join("\n")}\n`,
    suffix: `${lineSuffix}\n${below.join("\n")}\n`,
    prompt: /^[ \t]*$/.test(linePrefix) ? "" : linePrefix,
    indent: /^\s*/.exec(linePrefix + lineSuffix)![0].length,
  };
}

/** The body of a request to `/infill`. */
export function infillBody({ prefix, suffix, prompt, indent }: Input, chunks: readonly Chunk[]): object {
  return {
    input_prefix: prefix,
    input_suffix: suffix,
    input_extra: chunks.map(({ text, filename, time }) => ({ text, filename, time })),
    prompt,
    ...REQUEST,
    ...(indent > 0 ? { n_indent: indent } : {}),
  };
}

/** What it keeps of an answer; undefined when it throws the answer away. */
export function keptOf(content: string, around: Surroundings): string | undefined {
  const lines = linesOf(content);
  return content.trim() === "" || discard(lines, around) ? undefined : fitted(lines, around.lineSuffix);
}

/** What it shows of what it has kept: on a line of nothing but indentation, which it does not ask with, the model writes that, too. */
export function shownOf(kept: string, { linePrefix }: Surroundings): string {
  const indented = /^[ \t]*$/.test(linePrefix) ? linePrefix.length : 0;
  let from = 0;
  while (kept[from] === "\t" || (kept[from] === " " && from < indented)) {
    from++;
  }
  return kept.slice(from);
}

/** An answer's lines, without empty ones at its end. */
export const linesOf = (content: string): string[] => withoutEmptyEnd(content.split(/\r?\n/));

function withoutEmptyEnd(lines: string[]): string[] {
  const kept = [...lines];
  while (kept.length > 0 && kept.at(-1)!.trim() === "") {
    kept.pop();
  }
  return kept;
}

/** Suggestions that repeat what follows the cursor are not shown. */
function discard(lines: readonly string[], { linePrefix, lineSuffix, below }: Surroundings): boolean {
  const [first, ...rest] = lines;
  if (first === undefined || (rest.length === 0 && first.trim() === "")) {
    return true;
  }
  if (below.length === 0) {
    return false;
  }
  const repeatsFrom = (start: number): boolean => rest.every((line, index) => line === below[start + index]);
  if (rest.length > 0 && (first.trim() === "" || first.trim() === lineSuffix.trim()) && repeatsFrom(0)) {
    return true;
  }
  if (rest.length === 0 && first === lineSuffix) {
    return true;
  }
  const next = below.findIndex((line) => line.trim() !== "");
  if (next < 0 || linePrefix + first !== below[next]) {
    return false;
  }
  return rest.length === 1 ? (below[next + 1] ?? "").startsWith(rest[0]!) : repeatsFrom(next + 1);
}

function fitted(lines: readonly string[], lineSuffix: string): string {
  if (lineSuffix.trim() === "") {
    return lines.join("\n");
  }
  const first = lines[0]!;
  return first.endsWith(lineSuffix) ? first.slice(0, -lineSuffix.length) : first;
}
