import { BACKSLASH, CLOSER_OF, language, pushBracket, skip, type Text } from "./build";
import type { Mode, Rule } from "./mode";

/** What an editor knows of a language by itself: the part of VS Code's language configuration that says what is code and what it closes. */
export interface LanguageConfiguration {
  readonly lineComment?: string;
  readonly blockComment?: readonly [open: string, close: string];
  readonly brackets: readonly (readonly [open: string, close: string])[];
  /** What the editor closes by itself. */
  readonly closedPairs: readonly (readonly [open: string, close: string])[];
}

/** By VS Code's language identifier; undefined where nothing is known, or not yet. */
export type LanguageConfigurations = (language: string) => LanguageConfiguration | undefined;

const isQuote = ([open, close]: readonly [string, string]): boolean =>
  open === close && /^[^\s\w()[\]{}<>]+$/.test(open);
/** Angles are comparisons as well, and words need the language's own rules. */
const isBracket = ([open, close]: readonly [string, string]): boolean =>
  open !== close && /^[^\s\w<>]+$/.test(open) && /^[^\s\w<>]+$/.test(close);

/** How code is read of which an editor knows this much: comments, quotes and brackets as it has them. */
export function configuredMode({
  lineComment: line,
  blockComment: block,
  brackets,
  closedPairs,
}: LanguageConfiguration): Mode {
  const quotes = closedPairs.filter(isQuote).sort(([a], [b]) => b.length - a.length);
  const pairs = [...brackets, ...closedPairs].filter(
    (pair) => isBracket(pair) && CLOSER_OF[pair[0]] !== pair[1] && pair[0] !== block?.[0],
  );
  return language({
    goesOn: true,
    word: /[\w$\p{L}\p{N}]+/uy,
    first: [skip("\\", BACKSLASH), ...pairs.flatMap(bracketRules)],
    lineComments:
      line === undefined
        ? []
        : [/^\w/.test(line) ? new RegExp(`(?<!\\w)${literal(line)}(?!\\w)`, "iy") : line],
    blockComments: block === undefined ? [] : [{ open: block[0], close: block[1] }],
    strings: quotes.map(([quote]) => quoted(quote)),
  });
}

/** One that nothing ends on its line is none, unless it is of several characters: then it may take several lines. */
const quoted = (quote: string): Text => ({
  starts: quote.charAt(0),
  open: new RegExp(
    quote.length > 1
      ? literal(quote)
      : `${literal(quote)}(?=(?:[^${literal(quote)}\\\\\\n]|\\\\.)*(?:${literal(quote)}|\\\\?$))`,
    "y",
  ),
  lines: quote.length > 1,
  when: ({ text, index }) => !/^\w'/.test(text.slice(Math.max(0, index - 1), index + 1)),
});

function bracketRules([open, close]: readonly [string, string]): Rule[] {
  return [
    {
      starts: open.charAt(0),
      match: new RegExp(literal(open), "y"),
      then: (scanner) => pushBracket(scanner, open, scanner.mode, close),
    },
    {
      starts: close.charAt(0),
      match: new RegExp(literal(close), "y"),
      when: ({ top }) => top?.close === close,
      then: (scanner) => scanner.closePair(close),
    },
  ];
}

const literal = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&");
