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
export const linesBelow = ({ suffix }: CursorText): readonly string[] => below(suffix);

/** The lines above the current one, nearest last, LF only. */
export const linesAbove = ({ prefix }: CursorText): readonly string[] => above(prefix);

/** Without their line breaks; an expression takes ten times as long as a character. */
const split = (text: string): readonly string[] => text.split(text.includes("\r\n") ? /\r?\n/ : "\n");

/** The last result of a function of a text: of a long file, one suggestion's filters ask several times. */
function remembering(work: (text: string) => readonly string[]): (text: string) => readonly string[] {
  let last: { readonly text: string; readonly lines: readonly string[] } | undefined;
  return (text) => {
    if (last?.text !== text) {
      last = { text, lines: work(text) };
    }
    return last.lines;
  };
}

const above = remembering((prefix) => {
  const start = lineStart(prefix);
  return start === 0 ? [] : split(prefix.slice(0, start - 1));
});

const below = remembering((suffix) => {
  const end = suffix.indexOf("\n");
  return end < 0 ? [] : split(suffix.slice(end + 1));
});

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
