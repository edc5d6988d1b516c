import type { Reading } from "./lexical/reading";
import { framesOf, type Frame, type State } from "./lexical/state";
import type { Scanner } from "./lexical/scanner";

/** What an editor may have put right of the cursor, or what ends a statement or begins a block: a piece at a time. */
const PIECE = /\s*(?:<\/[\w.:-]*>|[-+~]?%\}|\}\}|[-+~]?%>|-->|\*\/|\?>|\/>|#\}|[)\]}>"'`$|]|[:;,{])/y;
/** Signs that nobody writes twice. */
const ONCE = /[:;,]$/;

/** Brackets and quotes in text weigh so much. */
const SOFT = 0.25;
/** Less than anything that is unbalanced. */
const TWICE = 0.1;

/**
 * How much of the line right of the cursor a completion takes the place of. An editor closes brackets, quotes and tags by itself; a model may write the closers, too,
 * or leave them to what is there. So much is replaced that, with the completion in place, the text after this line stands where it stood: inside of the same brackets,
 * strings and elements. What is replaced is part of the completion, in order: else an editor would not show it.
 * @param text the completion
 * @returns code units right of the cursor
 */
export function replacedLength(text: string, reading: Reading): number {
  const { right } = reading;
  const ends = text === "" ? [] : possibleEnds(text, reading);
  if (ends.length === 0) {
    return 0;
  }
  const aim = reading.scan(right);
  let best = 0;
  let least = misfit(text, 0, reading, aim);
  for (const end of ends) {
    const wrong = misfit(text, end, reading, aim);
    if (wrong < least) {
      [best, least] = [end, wrong];
    }
  }
  return best;
}

/** Lengths of what stands right of the cursor that `text` may take the place of. */
function possibleEnds(text: string, reading: Reading): number[] {
  const { right, left } = reading;
  const whole = right.trimEnd().length;
  const within = delimitersIn(reading);
  const ends: number[] = [];
  for (let at = 0; at < whole;) {
    PIECE.lastIndex = at;
    if (!PIECE.test(right)) {
      break;
    }
    at = PIECE.lastIndex;
    // Three quotes are one.
    at = within.find(({ from, to }) => from < left.length + at && left.length + at < to)?.to ?? left.length + at;
    at -= left.length;
    ends.push(at);
  }
  if (whole > 0 && ends.at(-1) !== whole && endsALine(text, right.trim())) {
    ends.push(whole);
  }
  return ends.filter((end) => isPartOf(right.slice(0, end), text));
}

/** Closers of more than one character on the cursor's line, by index in it. */
function delimitersIn(reading: Reading): { readonly from: number; readonly to: number }[] {
  const found: { readonly from: number; readonly to: number }[] = [];
  reading.scan(reading.right, ({ text, index }) => {
    if (text.length > 1) {
      found.push({ from: index, to: index + text.length });
    }
  });
  return found;
}

const endsALine = (text: string, right: string): boolean =>
  text.trimEnd().endsWith(right) || text.split("\n", 1)[0]!.trimEnd().endsWith(right);

/** Whether all of `part` is in `text`, in order: otherwise an editor shows nothing. */
export function isPartOf(part: string, text: string): boolean {
  let at = 0;
  for (const char of part) {
    const found = text.indexOf(char, at);
    if (found < 0) {
      return false;
    }
    at = found + char.length;
  }
  return true;
}

/** How far the text after this line is from where it stood, when `text` replaces so much; and what is wrong on the way. */
function misfit(text: string, replaced: number, reading: Reading, aim: Scanner): number {
  const rest = reading.right.slice(replaced);
  const scanner = reading.scan(text + rest);
  return (
    Math.max(0, scanner.wrong - aim.wrong) +
    SOFT * Math.max(0, scanner.odd - aim.odd) +
    distance(scanner.state, aim.state) +
    (angleIsLeft(text, rest, reading) ? SOFT : 0) +
    (saysTwice(text, rest) ? TWICE : 0)
  );
}

const weight = ({ soft }: Frame): number => (soft ? SOFT : 1);

function distance(one: State, other: State): number {
  const [a, b] = [framesOf(one), framesOf(other)];
  const same = (x: Frame | undefined, y: Frame | undefined): boolean =>
    x === y || (x?.kind === y?.kind && x?.close === y?.close && x?.soft === y?.soft);
  let at = 0;
  while (at < a.length && at < b.length && same(a[at], b[at])) {
    at++;
  }
  return [...a.slice(at), ...b.slice(at)].reduce((sum, frame) => sum + weight(frame), 0);
}

/** What follows begins with the sign that `text` ends with, or is a comment that `text` ends with. */
function saysTwice(text: string, rest: string): boolean {
  const right = rest.trim();
  const said = text.trimEnd();
  const sign = ONCE.exec(said)?.[0];
  return (
    (sign !== undefined && right.startsWith(sign)) || (right.length > 1 && /^\W/.test(right) && /\w/.test(right) && said.endsWith(right))
  );
}

/** Type arguments are no brackets to a scanner: `Vec<│>` with `u8> = …`. */
function angleIsLeft(text: string, rest: string, { left }: Reading): boolean {
  return /^[)\]}"'`]*>/.test(rest) && angles(left).open > 0 && angles(text).closers > 0;
}

function angles(text: string): { readonly open: number; readonly closers: number } {
  let open = 0;
  let closers = 0;
  for (const { 0: sign } of text.matchAll(/(?<=[\w:])<(?![<=\s])|(?<![-=])>(?!=)/g)) {
    if (sign === "<") {
      open++;
    } else if (open > 0) {
      open--;
    } else {
      closers++;
    }
  }
  return { open, closers };
}
