import type { Mode } from "./mode";

/**
 * What a frame is: a pair of brackets; a string, character or quotation by its quotes; a comment; a tag and the element that it begins; `case … esac`;
 * a text up to a line of its own (heredoc) or as far as it is indented.
 */
export type FrameKind = "bracket" | "quote" | "comment" | "tag" | "element" | "case" | "lines" | "indented";

/** Something that is open. Frames are never changed, so that a state costs nothing to keep. */
export interface Frame {
  readonly kind: FrameKind;
  /** What opened it, as it is written. */
  readonly open: string;
  /** What closes it, as it is written; "" for the end of the line, or for nothing. */
  readonly close: string;
  /** Offset of its opener. */
  readonly at: number;
  /** Brackets and quotes within text: they may mean anything, and nothing waits for them. */
  readonly soft: boolean;
  /** How the text in it is read. */
  readonly inside: Mode;
  /** Ends with its line, whatever it is. */
  readonly endsWithLine: boolean;
  /** `close` ends it wherever that stands, but for strings: `?>`, `</script>`. */
  readonly raw: boolean;
  /** How what follows `close` is read: the rest of the tag. */
  readonly tail: Mode | undefined;
  /** A `close` written twice stands for itself. */
  readonly doubled: boolean;
  /** Of a text that is indented: by how much, at most, the line that ends it. */
  readonly indent: number;
  readonly parent: Frame | undefined;
  readonly depth: number;
  /** The nearest frame that is not soft, this one included. */
  readonly base: Frame | undefined;
  /** The nearest frame that ends with its line, this one included. */
  readonly line: Frame | undefined;
  /** The nearest frame that is raw, this one included. */
  readonly outer: Frame | undefined;
}

/** What has been read says at some point of a text. */
export interface State {
  /** The innermost of what is open. */
  readonly top: Frame | undefined;
  /** What came last is a value: a slash after it divides, an apostrophe transposes. */
  readonly operand: boolean;
  /** Texts that begin on the next line: what is to be pushed for each. */
  readonly pending: readonly FrameRule[];
}

export type FrameRule = Pick<Frame, "kind" | "open" | "close" | "inside"> &
  Partial<Pick<Frame, "soft" | "endsWithLine" | "raw" | "tail" | "doubled" | "indent">>;

export const START: State = { top: undefined, operand: false, pending: [] };

export function frame(rule: FrameRule, at: number, parent: Frame | undefined): Frame {
  const made: Omit<Frame, "base" | "line" | "outer"> & {
    base: Frame | undefined;
    line: Frame | undefined;
    outer: Frame | undefined;
  } = {
    kind: rule.kind,
    open: rule.open,
    close: rule.close,
    at,
    soft: rule.soft ?? false,
    inside: rule.inside,
    endsWithLine: rule.endsWithLine ?? false,
    raw: rule.raw ?? false,
    tail: rule.tail,
    doubled: rule.doubled ?? false,
    indent: rule.indent ?? 0,
    parent,
    depth: (parent?.depth ?? 0) + 1,
    base: parent?.base,
    line: parent?.line,
    outer: parent?.outer,
  };
  if (!made.soft) {
    made.base = made;
  }
  if (made.endsWithLine) {
    made.line = made;
  }
  if (made.raw) {
    made.outer = made;
  }
  return made;
}

/** The frames of a state, outermost first. */
export function framesOf({ top }: Pick<State, "top">): Frame[] {
  const frames: Frame[] = [];
  for (let one = top; one !== undefined; one = one.parent) {
    frames.push(one);
  }
  return frames.reverse();
}

/** The innermost string, comment or other text that the end of `state` is in; undefined in code. */
export function textAround({ top }: Pick<State, "top">): Frame | undefined {
  const base = top?.base;
  return base !== undefined && isText(base) ? base : undefined;
}

/** One that a sign of its own closes. */
export const isBracket = ({ kind, soft, close }: Frame): boolean =>
  kind === "bracket" && !soft && close.length === 1;

export const isText = ({ kind }: Frame): boolean =>
  kind === "quote" || kind === "comment" || kind === "lines" || kind === "indented";
