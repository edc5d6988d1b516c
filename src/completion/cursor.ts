/** Where a completion is asked for: the text around the cursor. Offsets are UTF-16 code units, as in VS Code. */
export interface CursorText {
  /** Text before the cursor (at least its last lines). */
  readonly prefix: string;
  /** Text after the cursor (at least its next lines). */
  readonly suffix: string;
}

/** Index after the last line break of `text`, 0 when there is none. */
const lineStart = (text: string): number => text.lastIndexOf("\n") + 1;

/** The current line up to the cursor. */
export const linePrefix = ({ prefix }: CursorText): string => prefix.slice(lineStart(prefix));

/** The rest of the current line, without its line break (LF or CRLF). */
export function lineSuffix({ suffix }: CursorText): string {
  const end = suffix.indexOf("\n");
  return (end < 0 ? suffix : suffix.slice(0, end)).replace(/\r$/, "");
}

/** The lines after the current one, LF only. */
export function linesBelow({ suffix }: CursorText): readonly string[] {
  const end = suffix.indexOf("\n");
  return end < 0 ? [] : linesOf(suffix.slice(end + 1));
}

/** The lines above the current one, nearest last, LF only. */
export function linesAbove({ prefix }: CursorText): readonly string[] {
  const start = lineStart(prefix);
  return start === 0 ? [] : linesOf(prefix.slice(0, start)).slice(0, -1);
}

/** Without their line breaks; an expression takes ten times as long as a character. */
const linesOf = (text: string): string[] => text.split(text.includes("\r\n") ? /\r?\n/ : "\n");

type Test = (line: string) => boolean;
const all: Test = () => true;
const isWritten: Test = (line) => line.trim() !== "";

/** So many of the lines below at most that pass a test, nearest first: of a long file, a hundredth of the time that all of them take. */
export const nearBelow = (cursor: CursorText, most: number, test = all): string[] =>
  first(below(cursor), most, test);

/** So many of the lines above at most that pass a test, nearest last. */
export const nearAbove = (cursor: CursorText, most: number, test = all): string[] =>
  first(above(cursor), most, test).reverse();

/** The nearest line below that is not blank. */
export const writtenBelow = (cursor: CursorText): string | undefined => nearBelow(cursor, 1, isWritten)[0];

/** The nearest line above that is not blank. */
export const writtenAbove = (cursor: CursorText): string | undefined => nearAbove(cursor, 1, isWritten)[0];

function* below({ suffix }: CursorText): Generator<string> {
  for (let start = suffix.indexOf("\n") + 1; start > 0;) {
    const end = suffix.indexOf("\n", start);
    yield lineAt(suffix, start, end < 0 ? suffix.length : end);
    start = end + 1;
  }
}

function* above({ prefix }: CursorText): Generator<string> {
  for (let end = prefix.lastIndexOf("\n"); end >= 0;) {
    const start = end === 0 ? 0 : prefix.lastIndexOf("\n", end - 1) + 1;
    yield lineAt(prefix, start, end);
    end = start - 1;
  }
}

const lineAt = (text: string, start: number, end: number): string =>
  text.slice(start, end < text.length && text[end - 1] === "\r" && end > start ? end - 1 : end);

function first(lines: Iterable<string>, most: number, test: Test): string[] {
  const found: string[] = [];
  for (const line of lines) {
    if (found.length === most) {
      break;
    }
    if (test(line)) {
      found.push(line);
    }
  }
  return found;
}

/**
 * True when the cursor stands inside what a reader sees as one character: between surrogates, before a combining mark,
 * a variation selector or a joiner, or after a joiner. Text inserted there would tear the character.
 */
export function insideCharacter({ prefix, suffix }: CursorText): boolean {
  const left = prefix.charCodeAt(prefix.length - 1);
  const right = suffix.charCodeAt(0);
  if (left >= 0xd800 && left <= 0xdbff && right >= 0xdc00 && right <= 0xdfff) {
    return true;
  }
  return left === 0x200d || /^[\p{M}\u200d]/u.test(suffix);
}
