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

type Test = (line: string) => boolean;
const all: Test = () => true;
export const isWritten: Test = (line) => line.trim() !== "";

/** The lines below the current one that pass a test, nearest first, `most` of them at most. Those beyond are not looked at. */
export const linesBelow = (cursor: CursorText, most = Infinity, test = all): readonly string[] =>
  first(below(cursor), most, test);

/** The lines above the current one that pass a test, nearest last, `most` of them at most. Those beyond are not looked at. */
export const linesAbove = (cursor: CursorText, most = Infinity, test = all): readonly string[] =>
  first(above(cursor), most, test).reverse();

/** The nearest line below that is not blank. */
export const writtenBelow = (cursor: CursorText): string | undefined => linesBelow(cursor, 1, isWritten)[0];

/** The nearest line above that is not blank. */
export const writtenAbove = (cursor: CursorText): string | undefined => linesAbove(cursor, 1, isWritten)[0];

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

/** Without its line break, LF or CRLF. */
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
