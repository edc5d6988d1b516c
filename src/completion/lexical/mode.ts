import type { Scanner } from "./scanner";

/** What is done with a piece of text that matches. */
export interface Rule {
  /** Characters that it may begin with. */
  readonly starts: string;
  /** Sticky. */
  readonly match: RegExp;
  /** Where it applies, besides. */
  readonly when?: (scanner: Scanner) => boolean;
  /** The scanner stands after the piece. Absent: the piece is passed over. */
  readonly then?: (scanner: Scanner, piece: RegExpExecArray) => void;
  /** What is passed over is a value. */
  readonly operand?: boolean;
}

/** How a kind of text is read: the first rule that matches applies; white space and what no rule matches is passed over. */
export interface Mode {
  /** By code of the first character. */
  readonly table: readonly (readonly Rule[] | undefined)[];
  /** For first characters beyond ASCII. */
  readonly other: readonly Rule[];
  /** Text: its brackets and quotes are soft. */
  readonly text: boolean;
  /** A value does not end with its line. */
  readonly goesOn: boolean;
  /** At the beginning of every line, after what ends with the last. */
  readonly atLine?: (scanner: Scanner) => void;
}

const ASCII = 128;

export interface ModeOptions {
  readonly text?: boolean;
  readonly goesOn?: boolean;
  readonly atLine?: (scanner: Scanner) => void;
}

/** @param rules those whose `starts` is "" apply to any character */
export function mode(rules: readonly Rule[], options: ModeOptions = {}): Mode {
  const table: Rule[][] = Array.from({ length: ASCII }, () => []);
  const other: Rule[] = [];
  for (const rule of rules) {
    const codes = new Set(Array.from(rule.starts, (char) => Math.min(char.charCodeAt(0), ASCII)));
    for (let code = 0; code <= ASCII; code++) {
      if (rule.starts === "" || codes.has(code)) {
        (code === ASCII ? other : table[code]!).push(rule);
      }
    }
  }
  const { text = false, goesOn = false, atLine } = options;
  return {
    table: table.map((some) => (some.length === 0 ? undefined : some)),
    other,
    text,
    goesOn,
    ...(atLine === undefined ? {} : { atLine }),
  };
}
