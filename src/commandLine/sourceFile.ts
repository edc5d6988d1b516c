import { readFileSync, statSync } from "node:fs";
import { CliError, describeFileError, UsageError } from "./errors";

/** A cursor in a file, counted as editors do: lines and columns from 1, columns in UTF-16 units. */
export interface Location {
  readonly path: string;
  readonly line: number;
  readonly column: number;
}

export interface SourceText {
  readonly path: string;
  readonly prefix: string;
  readonly suffix: string;
}

/** More is not source code; an editor's own limit is far lower. */
const MAX_BYTES = 64 * 2 ** 20;

/** Splits `FILE:LINE:COLUMN`; a colon in the file's own name stays in it. Undefined without a position. */
export function parseLocation(word: string): Location | undefined {
  const match = /^(.+):(\d+):(\d+)$/s.exec(word);
  return match === null ? undefined : { path: match[1]!, line: Number(match[2]), column: Number(match[3]) };
}

/** Throws a {@link CliError} for a file that is missing, empty, too large or not UTF-8. */
export function readSource(path: string): string {
  let bytes: Buffer;
  try {
    const { size } = statSync(path);
    if (size > MAX_BYTES) {
      throw new CliError(`${path} has ${(size / 2 ** 20).toFixed(0)} MiB; choose a file of at most 64 MiB.`);
    }
    bytes = readFileSync(path);
  } catch (error) {
    throw error instanceof CliError
      ? error
      : new CliError(`Cannot read ${path}: ${describeFileError(error)}.`);
  }
  if (bytes.length === 0) {
    throw new CliError(`${path} is empty; choose a file with some code in it.`);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new CliError(`${path} is not UTF-8 text; convert it first.`);
  }
}

/** The text before and after the cursor. Throws a {@link UsageError} for a position outside the file. */
export function splitAt(text: string, { path, line, column }: Location): SourceText {
  let start = 0;
  for (let current = 1; current < line; current++) {
    const newline = text.indexOf("\n", start);
    if (newline < 0) {
      throw new UsageError(`${path} has ${current} lines; there is no line ${line}.`);
    }
    start = newline + 1;
  }
  if (line < 1) {
    throw new UsageError("Lines are counted from 1.");
  }
  const newline = text.indexOf("\n", start);
  const end = newline < 0 ? text.length : newline;
  const length = end - start - (text[end - 1] === "\r" && newline >= 0 ? 1 : 0);
  if (column < 1 || column > length + 1) {
    throw new UsageError(
      `Line ${line} of ${path} has columns 1 to ${length + 1}; there is no column ${column}.`,
    );
  }
  const at = start + column - 1;
  const code = text.charCodeAt(at);
  if (at > 0 && code >= 0xdc00 && code <= 0xdfff) {
    throw new UsageError(
      `Column ${column} of line ${line} is inside a character; use the column before or after.`,
    );
  }
  return { path, prefix: text.slice(0, at), suffix: text.slice(at) };
}
