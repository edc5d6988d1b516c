import { mode, type Mode, type ModeOptions, type Rule } from "./mode";
import type { Scanner } from "./scanner";
import type { FrameRule } from "./state";

/** What stands in a string and is code again. */
export interface Hole {
  /** Sticky; ends with what `close` closes. */
  readonly open: RegExp;
  readonly close: string;
  /** Absent: the code that the string stands in. */
  readonly inside?: () => Mode;
}

/** A kind of string. */
export interface Text {
  readonly starts: string;
  /** Sticky. */
  readonly open: RegExp;
  /** Absent: what opens it, without the letters before. */
  readonly close?: (piece: RegExpExecArray) => string;
  /** It may take several lines. */
  readonly lines?: boolean;
  /** Sticky: what in it does not end it. Absent: a backslash and what follows it. */
  readonly escape?: RegExp | false;
  /** Its end, written twice, stands for itself. */
  readonly doubled?: boolean;
  readonly holes?: readonly Hole[];
  readonly when?: (scanner: Scanner) => boolean;
}

/** What a language is read by. */
export interface Language extends ModeOptions {
  /** What begins a comment that ends with its line; or a sticky expression for it. */
  readonly lineComments?: readonly (string | RegExp)[];
  readonly blockComments?: readonly {
    readonly open: string;
    readonly close: string;
    readonly nested?: boolean;
  }[];
  readonly strings?: readonly Text[];
  /** Before everything else. */
  readonly first?: readonly Rule[];
  /** A word, a number; sticky. */
  readonly word?: RegExp;
  /** Words after which a value begins. */
  readonly keywords?: RegExp;
  /** `/…/` where a value may begin. */
  readonly regex?: boolean;
}

export const CLOSER_OF: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}" };

const LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DIGITS = "0123456789";
export const WORD_STARTS = `${LETTERS}${DIGITS}_$\u0080`;
const WORD = /[\w$\u0080-\uffff]+/y;
export const BACKSLASH = /\\[^]/y;

export const skip = (starts: string, match: RegExp, more: Partial<Rule> = {}): Rule => ({
  starts,
  match,
  ...more,
});

/** Brackets that have to have a partner. */
const BRACKETS: readonly Rule[] = [
  {
    starts: "([{",
    match: /[([{]/y,
    then: (scanner, [open]) => {
      pushBracket(scanner, open, scanner.mode);
      scanner.operand = false;
    },
  },
  {
    starts: ")]}",
    match: /[)\]}]/y,
    then: (scanner, [close]) => {
      scanner.closePair(close);
      scanner.operand = close !== "}" || scanner.mode.text;
    },
  },
];

/** The scanner stands after `open`, whose last character is a bracket unless `close` says otherwise. */
export function pushBracket(
  scanner: Scanner,
  open: string,
  inside: Mode,
  close = CLOSER_OF[open.slice(-1)]!,
  soft = false,
): void {
  const rule: FrameRule = { kind: "bracket", open, close, inside, soft };
  scanner.push(rule, scanner.index - open.length, open.length);
}

const PLAIN = /[\w \t,.;\u0080-\uffff]+/y;

function softQuote(scanner: Scanner, quote: string): void {
  const at = scanner.index - 1;
  for (let one = scanner.top; one?.soft === true; one = one.parent) {
    if (one.kind === "quote" && one.close === quote) {
      scanner.index = at;
      scanner.close(one, 1);
      return;
    }
  }
  const apostrophe = quote === "'" && /[\p{L}\p{N}_]/u.test(scanner.text.charAt(at - 1));
  if (!apostrophe) {
    const { mode: inside } = scanner;
    scanner.push({ kind: "quote", open: quote, close: quote, inside, soft: true }, at, 1);
  }
}

/** Brackets and quotes in text: a partner is fine, but nothing is wrong without. */
const SOFT: readonly Rule[] = [
  {
    starts: "([{",
    match: /[([{]/y,
    then: (scanner, [open]) => pushBracket(scanner, open, scanner.mode, CLOSER_OF[open], true),
  },
  { starts: ")]}", match: /[)\]}]/y, then: (scanner, [close]) => scanner.closePair(close) },
  { starts: "\"'`", match: /["'`]/y, then: (scanner, [quote]) => softQuote(scanner, quote) },
];

/** Text with brackets and quotes that may mean anything. @param rules what means something in it */
export const prose = (rules: readonly Rule[] = [], options: ModeOptions = {}): Mode =>
  mode([skip("", PLAIN), ...rules, ...SOFT], { ...options, text: true });

/** Comments and everything else of which nothing is known. */
export const PROSE = prose();

/** One language's code. */
export function language(options: Language): Mode {
  const { lineComments = [], blockComments = [], strings = [], first = [], word = WORD, keywords } = options;
  const code = (): Mode => made;
  const made: Mode = mode(
    [
      ...first,
      ...lineComments.map(lineComment),
      ...blockComments.map(blockComment),
      ...strings.map((one) => text(one, code)),
      ...(options.regex === true ? REGEX : []),
      {
        starts: WORD_STARTS,
        match: word,
        then: (scanner, [said]) => {
          scanner.operand = keywords?.test(said) !== true;
        },
      },
      ...BRACKETS,
    ],
    options,
  );
  return made;
}

export function lineComment(start: string | RegExp): Rule {
  const match = typeof start === "string" ? new RegExp(escaped(start), "y") : start;
  return {
    starts: typeof start === "string" ? start.charAt(0) : "",
    match,
    then: (scanner, [open]) =>
      void scanner.push(
        { kind: "comment", open: open, close: "", inside: PROSE, endsWithLine: true },
        scanner.index - open.length,
        open.length,
      ),
  };
}

export function blockComment({
  open,
  close,
  nested = false,
}: NonNullable<Language["blockComments"]>[number]): Rule {
  const match = new RegExp(escaped(open), "y");
  const push = (scanner: Scanner): void =>
    void scanner.push({ kind: "comment", open, close, inside }, scanner.index - open.length, open.length);
  const rule: Rule = { starts: open.charAt(0), match, then: push };
  const inside: Mode = nested ? prose([rule]) : PROSE;
  return rule;
}

/** A kind of string in `code`. */
export function text(one: Text, code: () => Mode): Rule {
  const { escape = BACKSLASH, holes = [], lines = false, doubled = false, when } = one;
  const inside = prose([
    ...(escape === false ? [] : [skip(escape.source.startsWith("\\\\") ? "\\" : "", escape)]),
    ...holes.map(({ open, close, inside: within = code }): Rule => ({
      starts: "",
      match: open,
      then: (scanner, [said]) => {
        pushBracket(scanner, said, within(), close);
        scanner.operand = false;
      },
    })),
  ]);
  return {
    starts: one.starts,
    match: one.open,
    ...(when === undefined ? {} : { when }),
    then: (scanner, piece) => {
      const open = piece[0];
      const close = one.close?.(piece) ?? open.replace(/^\w+/, "");
      scanner.push(
        { kind: "quote", open, close, inside, endsWithLine: !lines, doubled },
        scanner.index - open.length,
        open.length,
      );
    },
  };
}

const CLASS = mode([skip("\\", BACKSLASH)], { text: true });
const IN_REGEX = mode(
  [
    skip("\\", BACKSLASH),
    {
      starts: "[",
      match: /\[\^?/y,
      then: (scanner, [open]) =>
        void scanner.push(
          { kind: "quote", open: open, close: "]", inside: CLASS, endsWithLine: true },
          scanner.index - open.length,
          open.length,
        ),
    },
    ...SOFT.slice(0, 2),
  ],
  { text: true },
);

/** `/…/`, to its end on the line, or to the end of a text that ends within it. */
const REGEX: readonly Rule[] = [
  {
    starts: "/",
    match: /\/(?![*/])(?=(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])*(?:\/|\\?$|\[(?:[^\]\\\n]|\\.)*\\?$))/y,
    when: ({ operand }) => !operand,
    then: (scanner, [open]) =>
      void scanner.push(
        { kind: "quote", open: open, close: "/", inside: IN_REGEX, endsWithLine: true },
        scanner.index - 1,
        1,
      ),
  },
];

export const escaped = (literal: string): string => literal.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
