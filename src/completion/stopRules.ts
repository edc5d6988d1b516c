/**
 * When a completion is over. Rules see the generated text grow and say where to cut it; each is a small incremental
 * state machine that looks at every line once.
 */

import { hasFences, isFence } from "./fence";
import { beforeLoop } from "./loop";

export interface StopContext {
  readonly prefix: string;
  readonly suffix: string;
  /** No more than this many lines; absent: no limit. */
  readonly maxLines?: number;
}

export type StopRule =
  "max-lines" | "dedent" | "scope-closed" | "blank-lines" | "repetition" | "suffix-reached" | "fence";

export type StopState =
  | { readonly stop: false }
  /** The completion is `text`, a prefix of what was generated. */
  | { readonly stop: true; readonly rule: StopRule; readonly text: string };

/** One generated line as the rules see it. */
interface Line {
  /** Offset of its first character in the generated text. */
  readonly start: number;
  /** Without line ending. */
  readonly text: string;
  /** Lines before it; line 0 continues the cursor's line. */
  readonly index: number;
}

/** Returns where to cut the text, or undefined to go on. */
interface LineRule {
  readonly rule: StopRule;
  /** As soon as the line has a character other than white space. */
  begin?(line: Line): number | undefined;
  /** As soon as its first word is complete: another character follows. */
  word?(line: Line): number | undefined;
  /** When its newline has arrived. */
  end?(line: Line): number | undefined;
}

/** How often a piece of a line has to be there before it is a loop, and how much of it. */
const LOOP = 4;
const LOOP_CHARACTERS = 40;
const CLOSERS = /^[\s)\]}>,;]*$/;
/** Parts of a statement at the indentation of its header. */
const CLAUSE = /^\s*(?:elif|else|except|finally|catch|case)$/;
const OPENER_AT_END = /(?:[{([:]|=>)\s*$/;

export class StopRules {
  private text = "";
  private lineStart = 0;
  private lineIndex = 0;
  private begun = false;
  private inWord = false;
  private readonly rules: readonly LineRule[];

  constructor(private readonly context: StopContext) {
    this.rules = [
      fence(context),
      suffixReached(context),
      scope(context),
      blankLines(context),
      repeatedLines(),
    ];
  }

  /** Takes the next piece of generated text. After a stop no more may follow. */
  push(piece: string): StopState {
    let scanned = this.text.length;
    this.text += piece;
    for (; scanned < this.text.length; scanned++) {
      const char = this.text[scanned]!;
      const state = char === "\n" ? this.endLine(scanned) : this.inLine(char, scanned);
      if (state.stop) {
        return state;
      }
    }
    const left = beforeLoop(this.text, LOOP, LOOP_CHARACTERS);
    return left === undefined ? { stop: false } : this.stop("repetition", left.length);
  }

  /** Everything pushed so far. */
  get generated(): string {
    return this.text;
  }

  private inLine(char: string, at: number): StopState {
    if (this.inWord && !/\w/.test(char)) {
      this.inWord = false;
      return this.ask("word", this.line(at));
    }
    if (this.begun || /\s/.test(char)) {
      return { stop: false };
    }
    this.begun = true;
    this.inWord = true;
    return this.ask("begin", this.line(at + 1));
  }

  private endLine(at: number): StopState {
    const line = this.line(at);
    const words: StopState = this.inWord ? this.ask("word", line) : { stop: false };
    this.inWord = false;
    const state = words.stop ? words : this.ask("end", line);
    if (state.stop) {
      return state;
    }
    this.lineIndex++;
    this.lineStart = at + 1;
    this.begun = false;
    if (this.context.maxLines !== undefined && this.lineIndex >= this.context.maxLines) {
      return this.stop("max-lines", line.start + line.text.length);
    }
    return { stop: false };
  }

  private line(end: number): Line {
    const text = this.text.slice(this.lineStart, end).replace(/\r$/, "");
    return { start: this.lineStart, text, index: this.lineIndex };
  }

  private ask(when: "begin" | "word" | "end", line: Line): StopState {
    for (const rule of this.rules) {
      const cut = rule[when]?.(line);
      if (cut !== undefined) {
        return this.stop(rule.rule, cut);
      }
    }
    return { stop: false };
  }

  private stop(rule: StopRule, cut: number): StopState {
    // A cut before a line leaves no dangling line ending behind.
    const text = this.text.slice(0, cut).replace(/\s*\r?\n\s*$/, "");
    return { stop: true, rule, text };
  }
}

/** The model has ended its code as an answer in a chat. */
function fence(context: StopContext): LineRule {
  const { prefix } = context;
  const lineStart = prefix.slice(prefix.lastIndexOf("\n") + 1);
  return {
    rule: "fence",
    end: ({ text, index, start }) =>
      isFence(text, index === 0 ? lineStart : "") && !hasFences(context) ? start : undefined,
  };
}

/** The model has begun to write what is already there. */
function suffixReached({ suffix }: StopContext): LineRule {
  const next = suffix
    .slice(suffix.indexOf("\n") + 1)
    .split("\n", 20)
    .map((line) => line.trim())
    .find((line) => line !== "");
  return {
    rule: "suffix-reached",
    // Short lines such as a lone brace occur everywhere.
    end: (line) =>
      line.index > 0 && next !== undefined && next.length >= 4 && line.text.trim() === next
        ? line.start
        : undefined,
  };
}

/**
 * Leaves the block in which the cursor stands: a line indented less than the cursor's, or, after the completion opened
 * a block of its own, the line that closes it.
 */
function scope({ prefix, suffix }: StopContext): LineRule {
  const cursorLine = prefix.slice(prefix.lastIndexOf("\n") + 1);
  const base = indentOf(cursorLine);
  const below =
    suffix
      .split("\n")
      .slice(1)
      .find((line) => line.trim() !== "") ?? "";
  let opensBlock = OPENER_AT_END.test(cursorLine);
  let inside = false;
  let closing = false;
  /** The line is at the level of the block's header: it goes on with it (`else:`) or is outside of it. */
  let undecided = false;
  return {
    rule: "scope-closed",
    begin(line) {
      if (line.index === 0) {
        return undefined;
      }
      const indent = indentOf(line.text);
      const closer = CLOSERS.test(line.text);
      if (indent > base) {
        inside = true;
        return undefined;
      }
      if (closer && indent === base && (inside || opensBlock)) {
        closing = true; // belongs to the completion; it is over when the line is
        return undefined;
      }
      if (indent === base && opensBlock && inside && /[cef]$/.test(line.text)) {
        undecided = true; // the first letter of a clause
        return undefined;
      }
      if (indent < base || (opensBlock && inside)) {
        return line.start;
      }
      return undefined;
    },
    word(line) {
      if (!undecided) {
        return undefined;
      }
      undecided = false;
      if (!CLAUSE.test(line.text)) {
        return line.start;
      }
      inside = false;
      return undefined;
    },
    end(line) {
      if (line.index === 0) {
        opensBlock ||= OPENER_AT_END.test(cursorLine + line.text);
        return undefined;
      }
      if (!closing) {
        return undefined;
      }
      closing = false;
      if (!CLOSERS.test(line.text)) {
        inside = OPENER_AT_END.test(line.text) ? false : inside; // `} else {` goes on
        return undefined;
      }
      // One that is indented less closes what is round the block.
      const alreadyThere = below.trim() === line.text.trim() && indentOf(below) >= base;
      return alreadyThere ? line.start : line.start + line.text.length;
    },
  };
}

/** Two blank lines end anything; one blank line ends a statement of the top level. */
function blankLines({ prefix }: StopContext): LineRule {
  const topLevel = indentOf(prefix.slice(prefix.lastIndexOf("\n") + 1)) === 0;
  let blank = 0;
  let atBase = false;
  return {
    rule: "blank-lines",
    end(line) {
      if (line.text.trim() !== "") {
        atBase = line.index === 0 || indentOf(line.text) === 0;
        blank = 0;
        return undefined;
      }
      // The rest of the cursor's line may be empty: the model only begins a new line.
      blank += line.index === 0 ? 0 : 1;
      return blank >= 2 || (topLevel && atBase && blank >= 1) ? line.start : undefined;
    },
  };
}

/** The same line for the third time in a row, or a cycle of lines repeated. */
function repeatedLines(): LineRule {
  const lines: Line[] = [];
  return {
    rule: "repetition",
    end(line) {
      if (line.text.trim() === "") {
        return undefined;
      }
      lines.push(line);
      for (let period = 1; period <= 4; period++) {
        const repeats = period === 1 ? 3 : 2;
        const first = lines.length - period * repeats;
        if (first >= 0 && isPeriodic(lines, first, period)) {
          return lines[first + period]!.start;
        }
      }
      return undefined;
    },
  };
}

function isPeriodic(lines: readonly Line[], first: number, period: number): boolean {
  for (let i = first + period; i < lines.length; i++) {
    if (lines[i]!.text.trim() !== lines[i - period]!.text.trim()) {
      return false;
    }
  }
  // Closing brackets repeat in honest code.
  return lines.slice(first, first + period).some((line) => /[\p{L}\p{N}]/u.test(line.text));
}

/** Width of the leading white space; a tab counts as four. */
function indentOf(line: string): number {
  let width = 0;
  for (const char of line) {
    if (char === "\t") {
      width += 4;
    } else if (char === " ") {
      width++;
    } else {
      break;
    }
  }
  return width;
}
