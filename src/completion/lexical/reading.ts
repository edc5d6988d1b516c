import { linePrefix, lineSuffix, type CursorText } from "../cursor";
import { configuredMode, type LanguageConfiguration, type LanguageConfigurations } from "./configured";
import { hasRules, modeOf } from "./languages";
import { LineStates, type LineStart } from "./lineStates";
import type { Place } from "../place";
import type { Mode } from "./mode";
import { Scanner, type Delimiter } from "./scanner";
import { framesOf, START, type Frame, type State } from "./state";

/** Text round a cursor, in a language. */
export interface ReadableText extends CursorText {
  /** VS Code's language identifier. */
  readonly language?: string;
  /** What is known of it already. */
  readonly reading?: Reading;
}

/** What is open at a cursor. */
export class Reading {
  /** The cursor's line before it. */
  readonly left: string;
  /** The cursor's line after it. */
  readonly right: string;
  /** Offset of the beginning of the cursor's line in the prefix. */
  readonly lineStart: number;
  /** Offset of the cursor in the prefix. */
  readonly cursor: number;
  /** At the cursor. */
  readonly state: State;

  constructor(
    readonly text: CursorText,
    readonly mode: Mode,
    /** What is above the cursor's line. */
    readonly above: LineStart,
    /** The state at the beginning of a line of the prefix, by its offset. */
    readonly stateAt: (index: number) => State,
    /** What the editor closes by itself in this language, as far as it says so. */
    readonly closers: readonly string[] = [],
  ) {
    this.left = linePrefix(text);
    this.right = lineSuffix(text);
    this.cursor = text.prefix.length;
    this.lineStart = this.cursor - this.left.length;
    this.state = this.scan("").state;
  }

  /** Not begun yet: of the cursor's line with `text` at the cursor. @param visit is told of the whole line, by index in it */
  scanner(text: string, visit?: (delimiter: Delimiter) => void): Scanner {
    return new Scanner(this.left + text, this.above.state, this.mode, this.lineStart, visit);
  }

  /** The cursor's line with `text` at the cursor, to the end of `text`. */
  scan(text: string, visit?: (delimiter: Delimiter) => void): Scanner {
    return this.scanner(text, visit).run();
  }

  /** What stands after the cursor, as it is read from there on. @param visit is told by index in `text` */
  scanAfter(text: string, state = this.state, visit?: (delimiter: Delimiter) => void): Scanner {
    return this.scannerAfter(text, state, visit).run();
  }

  /** Not begun yet: of the cursor's line with `text` at the cursor, from there on. */
  scannerAfter(text: string, state = this.state, visit?: (delimiter: Delimiter) => void): Scanner {
    const { left } = this;
    const told = (one: Delimiter): void => visit?.({ ...one, index: one.index - left.length });
    const scanner = new Scanner(left + text, state, this.mode, this.lineStart, visit && told);
    scanner.index = left.length;
    scanner.fresh = left === "";
    return scanner;
  }

  /** What of the frames open in `state` has been opened from `offset` on, outermost first. */
  openedSince(offset: number, state: Pick<State, "top">): Frame[] {
    return framesOf(state).filter(({ at }) => at >= offset);
  }
}

/** Reads a text from its beginning. */
export function readingOf(text: ReadableText): Reading {
  if (text.reading !== undefined) {
    return text.reading;
  }
  const { prefix } = text;
  const mode = modeOf(text.language, prefix);
  const upTo = (index: number): Scanner => new Scanner(prefix, START, mode).run(index);
  const { state, wrong } = upTo(prefix.lastIndexOf("\n") + 1);
  return new Reading(text, mode, { state, wrong }, (index) => upTo(index).state);
}

/** Documents of which states are kept. */
const DOCUMENTS = 8;

/** Reads documents as they change: only what is new. */
export class Readings {
  /** By document, least recently used first. */
  private readonly known = new Map<string, LineStates>();
  private last: Reading | undefined;
  /** By configuration. */
  private readonly modes = new WeakMap<LanguageConfiguration, Mode>();

  /** @param configurations what the editor knows of languages: decides what it closes, and how a language is read that the table does not have */
  constructor(private readonly configurations: LanguageConfigurations = () => undefined) {}

  at(place: CursorText & Pick<Place, "document" | "language" | "offset">): Reading {
    const { last } = this;
    if (last?.text === place) {
      return last;
    }
    const { document, language, prefix, offset } = place;
    const configuration = this.configurations(language);
    const mode =
      configuration === undefined || hasRules(language)
        ? modeOf(language, prefix)
        : this.configured(configuration);
    const before = this.known.get(document);
    const states = before?.mode === mode ? before : new LineStates(mode);
    this.known.delete(document);
    this.known.set(document, states);
    for (const oldest of [...this.known.keys()].slice(0, -DOCUMENTS)) {
      this.known.delete(oldest);
    }
    const upTo = (index: number): LineStart => states.at(prefix, index, offset > prefix.length);
    const above = upTo(prefix.lastIndexOf("\n") + 1);
    const closers = configuration?.closedPairs.map(([, close]) => close);
    return (this.last = new Reading(place, mode, above, (index) => upTo(index).state, closers));
  }

  private configured(configuration: LanguageConfiguration): Mode {
    const mode = this.modes.get(configuration) ?? configuredMode(configuration);
    this.modes.set(configuration, mode);
    return mode;
  }

  forget(document: string): void {
    this.known.delete(document);
  }
}
