import { linePrefix, writtenBelow } from "../../completion/cursor";
import { endOf } from "../../completion/ending/end";
import { endingKind, indentOf } from "../../completion/ending/kind";
import { readingOf } from "../../completion/lexical/reading";
import { framesOf, textAround, type Frame } from "../../completion/lexical/state";
import type { Indentation, Place } from "../../completion/place";
import { whyNotHere } from "../../completion/trigger";
import { generator } from "../common/random";

/**
 * Where a hole is and what the model writes there: the rest of a piece inside of what is closed right of the cursor already, with and without those closers; the rest of
 * the line, with and without what an editor would have closed by itself; several lines; the lines between two brackets that stand together yet.
 */
export type HoleKind =
  | "inside"
  | "inside, closers too"
  | "rest of line"
  | "rest of line, closed by the editor"
  | "lines"
  | "lines in brackets";
export const HOLE_KINDS: readonly HoleKind[] = [
  "inside",
  "inside, closers too",
  "rest of line",
  "rest of line, closed by the editor",
  "lines",
  "lines in brackets",
];

/** What an editor closes by itself stands right of the cursor. */
export const hasEditorsClosers = (kind: HoleKind): boolean => kind !== "rest of line" && kind !== "lines";

/** A place in a file with what the model writes there, which is right. */
export interface InsertionHole {
  readonly kind: HoleKind;
  readonly place: Place;
  /** What the model writes. */
  readonly raw: string;
  /** The file as its author wrote it. */
  readonly original: string;
}

/** What an editor may have put at the end of a line, and the sign that ends a statement. */
const CLOSERS_AT_END = /[)\]}>"'`]*\s*[:{;,]?[ \t]*$/;
const MAX_LINES = 6;
const MAX_LINE = 400;
/** Tries to find a place, for each hole that is wanted. */
const TRIES = 30;

/** Holes of one file. Depends on the text, the language, the number and the seed only. */
export function cutInsertionHoles(
  text: string,
  language: string,
  document: string,
  count: number,
  seed: number,
): InsertionHole[] {
  const next = generator(seed);
  const lines = text.split("\n");
  const starts: number[] = [0];
  for (const line of lines) {
    starts.push(starts.at(-1)! + line.length + 1);
  }
  const indentation = indentationOf(lines);
  const holes: InsertionHole[] = [];
  for (let tries = 0; tries < count * TRIES && holes.length < count; tries++) {
    // Where a file has none of a kind, another is taken.
    const kind = HOLE_KINDS[(holes.length + Math.floor(tries / TRIES)) % HOLE_KINDS.length]!;
    const first = Math.floor(next() * lines.length);
    const line = lines[first]!;
    const indent = /^\s*/.exec(line)![0].length;
    if (line.trim().length < 4 || line.length > MAX_LINE) {
      continue;
    }
    if (kind === "lines in brackets") {
      const hole = inBrackets(lines, starts, first, text, { document, language, indentation });
      if (hole !== undefined) {
        holes.push(hole);
      }
      continue;
    }
    const column = indent + Math.floor(next() * (line.length - indent));
    const last =
      kind === "lines" ? Math.min(lines.length - 1, first + 1 + Math.floor(next() * MAX_LINES)) : first;
    const from = starts[first]! + column;
    const end = starts[last]! + lines[last]!.trimEnd().length;
    const hole = holeOf(kind, text, from, end, { document, language, indentation });
    if (hole !== undefined) {
      holes.push(hole);
    }
  }
  return holes;
}

const PARTNER: Readonly<Record<string, string>> = { ")": "(", "]": "[", "}": "{" };

/** What stands on lines of their own between the next bracket from line `first` on that ends its line and the one that closes it. */
function inBrackets(
  lines: readonly string[],
  starts: readonly number[],
  first: number,
  text: string,
  where: Pick<Required<Place>, "document" | "language" | "indentation">,
): InsertionHole | undefined {
  const row = lines.findIndex((line, index) => index >= first && /[([{]$/.test(line));
  const indent = /^\s*/.exec(lines[row] ?? "")![0];
  const isEnd = (line: string): boolean =>
    line.startsWith(indent) && /^[)\]}]/.test(line.slice(indent.length));
  const last = lines.findIndex((line, index) => index > row && isEnd(line));
  if (row < 0 || last < 0 || last - row > MAX_LINES) {
    return undefined;
  }
  const from = starts[row]! + lines[row]!.length;
  const end = starts[last]! + indent.length;
  const [prefix, raw, suffix] = [text.slice(0, from), text.slice(from, end), text.slice(end)];
  const place: Place = { ...where, offset: from, prefix, suffix };
  const reading = readingOf(place);
  const isPair = PARTNER[suffix.charAt(0)] === prefix.slice(-1) && reading.state.top?.at === from - 1;
  const whole = endOf(endingKind(place), place, raw, true) === raw.trimEnd().length;
  const asked = raw.trim() !== "" && whyNotHere(place, "automatic") === undefined;
  return isPair && isBalanced(raw) && whole && asked
    ? { kind: "lines in brackets", place, raw, original: text }
    : undefined;
}

/** As an editor finds it when it opens the file. */
function indentationOf(lines: readonly string[]): Indentation {
  const tabs = lines.filter((line) => line.startsWith("\t")).length;
  const steps = lines.map((line) => / */.exec(line)![0].length).filter((width) => width > 1);
  return { insertSpaces: steps.length >= tabs, tabSize: steps.some((width) => width % 4 === 2) ? 2 : 4 };
}

function holeOf(
  kind: HoleKind,
  text: string,
  from: number,
  end: number,
  { document, language, indentation }: Pick<Required<Place>, "document" | "language" | "indentation">,
): InsertionHole | undefined {
  const prefix = text.slice(0, from);
  const rest = text.slice(from, end);
  let [raw, suffix] = [rest, text.slice(end)];
  if (kind === "inside" || kind === "inside, closers too") {
    const right = CLOSERS_AT_END.exec(rest)![0];
    raw = rest.slice(0, rest.length - right.length);
    suffix = right + suffix;
    const splits = raw.endsWith(":") && right.startsWith(":");
    if (right.trim() === "" || splits || !isBalanced(raw)) {
      return undefined;
    }
    if (kind !== "inside") {
      // In text an editor closes brackets and quotes, and nobody ends a statement.
      const inText = textAround(readingOf({ prefix, suffix: "", language }).scan(raw).state) !== undefined;
      const closers = inText ? /^[)\]}>"'`]*/.exec(right)![0] : right.trimEnd();
      if (closers === "") {
        return undefined;
      }
      raw += closers;
    }
  } else if (kind === "rest of line, closed by the editor") {
    const closers = closedBy(raw, prefix, language);
    if (closers === "") {
      return undefined;
    }
    suffix = closers + suffix;
  }
  const place: Place = { document, language, offset: from, prefix, suffix, indentation };
  if (kind === "lines" && !(isBalanced(raw) && isOne(raw, place))) {
    return undefined;
  }
  const asked = raw.trim() !== "" && raw === raw.trimEnd() && whyNotHere(place, "automatic") === undefined;
  return asked ? { kind, place, raw, original: text } : undefined;
}

/** Whether several lines are what one suggestion shows: a statement or a block, and not the header of what follows. */
function isOne(raw: string, place: Place): boolean {
  const below = writtenBelow(place) ?? "";
  return (
    endOf(endingKind(place), place, raw, true) === raw.length &&
    indentOf(below) <= indentOf(linePrefix(place))
  );
}

/** Brackets are paired and quotes even, whatever the language: what is balanced so is balanced by any rule. */
function isBalanced(text: string): boolean {
  const open: string[] = [];
  for (const char of text) {
    if ("([{".includes(char)) {
      open.push(char);
    } else if (PARTNER[char] !== undefined && open.pop() !== PARTNER[char]) {
      return false;
    }
  }
  return open.length === 0 && ['"', "'", "`"].every((quote) => text.split(quote).length % 2 === 1);
}

const isClosedByEditors = ({ kind, close, open }: Frame): boolean =>
  (kind === "bracket" || kind === "quote") &&
  close !== "" &&
  /^[([{]$|["'`]+$/.test(open) &&
  /^[)\]}"'`]+$/.test(close);

/** What an editor would have closed right of the cursor of all that `raw` closes itself; "" for nothing. */
function closedBy(raw: string, prefix: string, language: string): string {
  const reading = readingOf({ prefix, suffix: "", language });
  const open = reading.openedSince(reading.lineStart, reading.state);
  const after = framesOf(reading.scan(raw).state);
  const closed = open.filter(({ at, close }) => !after.some((one) => one.at === at && one.close === close));
  return closed.every((frame) => !frame.soft && isClosedByEditors(frame))
    ? closed
        .reverse()
        .map(({ close }) => close)
        .join("")
    : "";
}
