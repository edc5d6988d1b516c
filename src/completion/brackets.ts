/** One bracket outside of strings and comments. */
export interface Bracket {
  readonly char: string;
  readonly index: number;
}

/** Closing bracket by opening bracket. */
export const CLOSER_OF: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}" };

/** Languages in which `#` begins a comment, and `//` does not. */
const HASH_COMMENTS = new Set([
  "python",
  "ruby",
  "shellscript",
  "yaml",
  "toml",
  "r",
  "perl",
  "makefile",
  "dockerfile",
  "elixir",
  "julia",
  "powershell",
]);

export const hasHashComments = (language: string | undefined): boolean => HASH_COMMENTS.has(language ?? "");

/** What `text` begins in: a string by its quote, a comment that ends with the line, or code. */
export type Inside = '"' | "'" | "`" | "comment" | "";

/** What the end of `line` is inside of, as far as the line alone tells. */
export function insideAtEnd(line: string, language?: string): Inside {
  const hash = hasHashComments(language);
  let inside: Inside = "";
  for (let i = 0; i < line.length; i++) {
    const char = line.charAt(i);
    if (inside === "" && (hash ? char === "#" : line.startsWith("//", i))) {
      return "comment";
    }
    if (char === "\\") {
      i++;
    } else if (inside === "" && (char === '"' || char === "'" || char === "`")) {
      inside = char;
    } else if (char === inside || (inside === "`" && line.startsWith("${", i))) {
      inside = "";
    }
  }
  return inside;
}

/**
 * Brackets outside of comments and strings, in order. Knows no language in depth: an apostrophe that is no quote is read as one only when another
 * follows on its line.
 */
export function* brackets(text: string, language?: string, inside: Inside = ""): Generator<Bracket> {
  const hash = hasHashComments(language);
  let index = 0;
  if (inside !== "") {
    index = ((inside === "comment" ? undefined : endOfString(text, 0, inside)) ?? lineEnd(text, 0)) + 1;
  }
  for (; index < text.length; index++) {
    const char = text.charAt(index);
    const long = hash ? text.slice(index, index + 3) : char;
    if (long === '"""' || long === "'''" || long === "`") {
      const end = endOfLongString(text, index + long.length, long);
      index = end === undefined ? index + long.length - 1 : end + long.length - 1;
    } else if (char === '"' || char === "'" || char === "`") {
      index = endOfString(text, index + 1, char) ?? index;
    } else if ((char === "#" && hash) || (char === "/" && text.charAt(index + 1) === "/" && !hash)) {
      index = lineEnd(text, index);
    } else if (char === "/" && text.charAt(index + 1) === "*" && !hash) {
      const end = text.indexOf("*/", index + 2);
      index = end < 0 ? text.length : end + 1;
    } else if ("()[]{}".includes(char)) {
      yield { char, index };
    }
  }
}

/** Index of the closing `quote` on the line, from `start` on. */
function endOfString(text: string, start: number, quote: string): number | undefined {
  for (let i = start; i < text.length && text.charAt(i) !== "\n"; i++) {
    if (text.charAt(i) === "\\") {
      i++;
    } else if (text.charAt(i) === quote) {
      return i;
    }
  }
  return undefined;
}

/** Index of the closing `quote` of a string that may take several lines. */
function endOfLongString(text: string, start: number, quote: string): number | undefined {
  for (let at = text.indexOf(quote, start); at >= 0; at = text.indexOf(quote, at + 1)) {
    if (text.charAt(at - 1) !== "\\") {
      return at;
    }
  }
  return undefined;
}

function lineEnd(text: string, from: number): number {
  const end = text.indexOf("\n", from);
  return end < 0 ? text.length : end;
}

/** Closers of the brackets that `text` leaves open, innermost last, and the closers in it that close nothing. */
export function unmatched(
  text: string,
  language?: string,
  inside: Inside = "",
): { readonly open: readonly string[]; readonly closers: readonly Bracket[] } {
  const open: string[] = [];
  const closers: Bracket[] = [];
  for (const bracket of brackets(text, language, inside)) {
    const closer = CLOSER_OF[bracket.char];
    if (closer !== undefined) {
      open.push(closer);
    } else if (open.at(-1) === bracket.char) {
      open.pop();
    } else {
      closers.push(bracket);
    }
  }
  return { open, closers };
}
