import { isWritten, linePrefix, lineSuffix, writtenAbove, writtenBelow, type CursorText } from "./cursor";
import { modeOf } from "./lexical/languages";
import { Scanner } from "./lexical/scanner";
import { framesOf, START } from "./lexical/state";
import { countErrors, type Syntax } from "./syntaxTree";

/** A suggestion on a text whose right continuation is known. */
export interface Suggested extends CursorText {
  /** VS Code's language identifier. */
  readonly language: string;
  /** What is suggested at the cursor; LF only. */
  readonly text: string;
  /** What stood at the cursor: `prefix + original + suffix` is the text as its author wrote it. */
  readonly original: string;
}

/** What is wrong with one suggestion, whatever it says. */
export interface Unwanted {
  /** Lines of the suggestion with at least a word on them, the cursor's own included. */
  readonly lines: number;
  /** How many of those are a copy of the nearest line above or below. */
  readonly duplicated: number;
  /** With it more brackets have no partner than in the author's text. */
  readonly unbalanced: boolean;
  /** The parser finds an error with it and none in the author's text; undefined: no parser, or it finds one there already. */
  readonly rejected: boolean | undefined;
}

/** Shares of what is unwanted in many suggestions, 0..1; undefined where nothing could be measured. */
export interface UnwantedRates {
  readonly suggestions: number;
  /** Share of lines. */
  readonly duplicatedLines: number | undefined;
  /** Share of suggestions. */
  readonly unbalanced: number | undefined;
  /** Share of the suggestions whose original the parser accepts; `parsed` is their number. */
  readonly rejected: number | undefined;
  readonly parsed: number;
}

const MEANINGFUL = /[\p{L}\p{N}_].*[\p{L}\p{N}_]/u;

/** Looks at one suggestion. @param syntax with the language's grammar loaded, where there is one */
export function unwantedIn(suggested: Suggested, syntax?: Syntax): Unwanted {
  const { prefix, suffix, text, original, language } = suggested;
  const before = prefix + original + suffix;
  const after = prefix + text + suffix;
  const partnerless = (code: string): number => {
    const { top, wrong } = new Scanner(code, START, modeOf(language, code)).run();
    return framesOf({ top }).filter(({ kind, soft }) => kind === "bracket" && !soft).length + wrong;
  };
  const errors = (code: string): number | undefined => syntax?.parse("unwanted", language, code, countErrors);
  const parsed = errors(before) === 0;
  return {
    ...duplicatedLines(suggested),
    unbalanced: partnerless(after) > partnerless(before),
    rejected: parsed ? errors(after) !== 0 : undefined,
  };
}

function duplicatedLines(suggested: Suggested): Pick<Unwanted, "lines" | "duplicated"> {
  if (suggested.text === "") {
    return { lines: 0, duplicated: 0 };
  }
  const own = (linePrefix(suggested) + suggested.text + lineSuffix(suggested)).split("\n");
  // A suggestion that begins on the next line leaves the cursor's as it is.
  const suggestedFrom = suggested.text.startsWith("\n") ? 1 : 0;
  const above = writtenAbove(suggested);
  const below = writtenBelow(suggested);
  const around = [above ?? "", ...own.filter(isWritten), below ?? ""].map((line) => line.trim());
  const first = 1 + own.slice(0, suggestedFrom).filter(isWritten).length;
  let lines = 0;
  let duplicated = 0;
  for (let i = first; i < around.length - 1; i++) {
    if (MEANINGFUL.test(around[i]!)) {
      lines++;
      duplicated +=
        around[i] === around[i - 1] || (i === around.length - 2 && around[i] === around[i + 1]) ? 1 : 0;
    }
  }
  return { lines, duplicated };
}

export function unwantedRates(all: readonly Unwanted[]): UnwantedRates {
  const share = (part: number, of: number): number | undefined => (of === 0 ? undefined : part / of);
  const sum = (of: (one: Unwanted) => number): number => all.reduce((total, one) => total + of(one), 0);
  const parsed = all.filter(({ rejected }) => rejected !== undefined);
  return {
    suggestions: all.length,
    duplicatedLines: share(
      sum(({ duplicated }) => duplicated),
      sum(({ lines }) => lines),
    ),
    unbalanced: share(all.filter(({ unbalanced }) => unbalanced).length, all.length),
    rejected: share(parsed.filter(({ rejected }) => rejected === true).length, parsed.length),
    parsed: parsed.length,
  };
}
