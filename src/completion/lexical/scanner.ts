import type { Mode } from "./mode";
import { frame, isText, type Frame, type FrameRule, type State } from "./state";

/** Something that opens or closes, outside of text unless its frame is soft. */
export interface Delimiter {
  readonly role: "open" | "close" | "stray";
  /** As it is written. */
  readonly text: string;
  readonly index: number;
  /** In text, where it may mean anything. */
  readonly soft: boolean;
  /** What it opens or closes; absent for one that closes nothing. */
  readonly frame?: Frame;
}

const NEW_LINE = 10;
const SPACE = 32;
const WHITE_SPACE = /[ \t\r\f\v]+/y;

/** Reads a text from a state on. Made for one text, which begins at the beginning of a line. */
export class Scanner {
  index = 0;
  top: Frame | undefined;
  operand: boolean;
  pending: readonly FrameRule[];
  /** At the beginning of a line, which may end what is open: so that a state there does not depend on it. */
  fresh = true;
  /** How much of what has been read fits nothing: closers without an opener, openers that were passed over, strings that their line ended. */
  wrong = 0;
  /** The same in text, where it may well be right. */
  odd = 0;

  /**
   * @param text from the beginning of a line on
   * @param state at its beginning
   * @param offset of its beginning in the document
   * @param visit is told of everything that opens and closes
   */
  constructor(
    readonly text: string,
    state: State,
    private readonly code: Mode,
    readonly offset = 0,
    private readonly visit?: (delimiter: Delimiter) => void,
  ) {
    this.top = state.top;
    this.operand = state.operand;
    this.pending = state.pending;
  }

  get state(): State {
    return { top: this.top, operand: this.operand, pending: this.pending };
  }

  /** How the text at the index is read. */
  get mode(): Mode {
    return this.top?.inside ?? this.code;
  }

  /** Reads on up to `end`. */
  run(end = this.text.length): this {
    const { text } = this;
    while (this.index < end) {
      if (this.fresh) {
        this.fresh = false;
        this.endLines();
        continue;
      }
      const code = text.charCodeAt(this.index);
      if (code === NEW_LINE) {
        this.newLine();
        continue;
      }
      if (this.top !== undefined && this.closesHere(this.top)) {
        continue;
      }
      if (code <= SPACE && !this.mode.text) {
        WHITE_SPACE.lastIndex = this.index;
        this.index = WHITE_SPACE.test(text) ? WHITE_SPACE.lastIndex : this.index + 1;
        continue;
      }
      this.applyRule(code);
    }
    return this;
  }

  private applyRule(code: number): void {
    const { mode, text } = this;
    const rules = code < 128 ? mode.table[code] : mode.other;
    for (const rule of rules ?? []) {
      const { match } = rule;
      if (rule.when !== undefined && !rule.when(this)) {
        continue;
      }
      match.lastIndex = this.index;
      if (rule.then === undefined) {
        if (match.test(text) && match.lastIndex > this.index) {
          this.index = match.lastIndex;
          this.operand = rule.operand ?? false;
          return;
        }
        continue;
      }
      const piece = match.exec(text);
      if (piece !== null && piece[0] !== "") {
        this.index = match.lastIndex;
        rule.then(this, piece);
        return;
      }
    }
    this.index++;
    this.operand = false;
  }

  /** Takes what closes the innermost frame that is not soft, or a raw one further out. */
  private closesHere(top: Frame): boolean {
    const { base, outer } = top;
    if (base !== undefined && base.close !== "" && base.kind !== "bracket" && base.kind !== "element") {
      if (base.kind !== "lines" && base.kind !== "case" && this.text.startsWith(base.close, this.index)) {
        if (base.doubled && this.text.startsWith(base.close, this.index + base.close.length)) {
          this.index += 2 * base.close.length;
        } else if (base.kind !== "tag") {
          this.close(base, base.close.length);
          this.operand = base.kind === "comment" ? this.operand : true;
        } else {
          return false;
        }
        return true;
      }
    }
    if (
      outer !== undefined &&
      this.startsWithAnyCase(outer.close) &&
      (base?.kind !== "quote" || base.soft || outer.kind === "element")
    ) {
      if (base?.kind === "quote" && base !== outer && !base.soft) {
        this.wrong++; // A string in a script that ends with the script.
      }
      if (outer.tail === undefined) {
        this.close(outer, outer.close.length);
      } else {
        // The end tag of a script.
        const at = this.index;
        this.top = outer;
        this.index += outer.close.length;
        this.push({ kind: "tag", open: outer.close, close: ">", inside: outer.tail }, at, outer.close.length);
      }
      return true;
    }
    return false;
  }

  private startsWithAnyCase(close: string): boolean {
    return (
      this.text.charCodeAt(this.index) === close.charCodeAt(0) &&
      this.text.slice(this.index, this.index + close.length).toLowerCase() === close
    );
  }

  private newLine(): void {
    this.index++;
    const ended = this.top?.line;
    if (ended !== undefined) {
      this.wrong += ended.kind === "quote" && !ended.soft ? 1 : 0;
      this.top = ended.parent;
    }
    while (this.top?.soft === true && this.top.kind === "quote") {
      this.top = this.top.parent;
    }
    if (this.pending.length > 0) {
      // The first is read first.
      const { pending } = this;
      this.pending = [];
      for (const rule of pending.toReversed()) {
        this.push(rule, this.index - 1, 0);
      }
    }
    this.fresh = true;
    const { mode } = this;
    if (!mode.goesOn && !mode.text) {
      this.operand = false;
    }
    mode.atLine?.(this);
  }

  /** Whether a text that ends with a line of its own, or with its indentation, is over at the line that begins here. */
  private endLines(): void {
    for (let { top } = this; top !== undefined; { top } = this) {
      const { base } = top;
      if (base?.kind !== "lines" && base?.kind !== "indented") {
        return;
      }
      const end = this.text.indexOf("\n", this.index);
      const line = this.text.slice(this.index, end < 0 ? this.text.length : end);
      if (base.kind === "indented") {
        const blank = line.trim() === "";
        if (blank || line.length - line.trimStart().length > base.indent) {
          return;
        }
        this.top = base.parent;
        continue;
      }
      const said = line.trimStart();
      if (!said.startsWith(base.close) || /^\w/.test(said.slice(base.close.length))) {
        return;
      }
      this.index += line.length - said.length;
      this.close(base, base.close.length);
      return;
    }
  }

  push(rule: FrameRule, at: number, length: number): Frame {
    const made = frame(rule, this.offset + at, this.top);
    this.top = made;
    this.visit?.({
      role: "open",
      text: this.text.slice(at, at + length),
      index: at,
      soft: made.soft,
      frame: made,
    });
    return made;
  }

  /** A frame ends here, and what is open in it. */
  close(closed: Frame, length: number): void {
    this.visit?.({
      role: "close",
      text: this.text.slice(this.index, this.index + length),
      index: this.index,
      soft: closed.soft,
      frame: closed,
    });
    this.index += length;
    this.top = closed.parent;
  }

  /** The scanner stands after something that closes a pair: finds what it closes. */
  closePair(text: string, at = this.index - text.length): void {
    let skipped = 0;
    let one = this.top;
    while (
      one !== undefined &&
      one.close !== text &&
      (one.soft || (!isText(one) && one.kind === "bracket" && !one.raw))
    ) {
      skipped += one.soft ? 0 : 1;
      one = one.parent;
    }
    if (one?.close !== text || (one.kind !== "bracket" && !one.soft)) {
      this.stray(text, at);
      return;
    }
    this.wrong += skipped;
    this.index = at;
    this.close(one, text.length);
  }

  stray(text: string, at: number): void {
    if (this.mode.text) {
      this.odd++;
    } else {
      this.wrong++;
    }
    this.visit?.({ role: "stray", text, index: at, soft: this.mode.text });
  }
}
