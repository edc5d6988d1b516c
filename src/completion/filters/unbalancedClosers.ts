import { readingOf, type Reading } from "../lexical/reading";
import type { Delimiter } from "../lexical/scanner";
import { framesOf, isBracket, type Frame } from "../lexical/state";
import { isPartOf, replacedLength } from "../replaceRange";
import type { Filter, FilterContext } from "./filter";

/** Text far from the cursor says little and is dear to scan. */
const REACH = 4_000;
const REPLACEABLE = /^(?:[ \t]*[)\]}>"'`|])*/;

/**
 * Cuts a completion before a bracket that closes nothing: everything open before the cursor is closed after it already, and the completion
 * did not open it. Brackets right of the cursor on its line do not count as closed, since the completion may replace them; what the completion
 * itself leaves open takes the place of what it closes.
 */
export const unbalancedClosers: Filter = (text, context) => {
  const reading = readingOf(context);
  const { left, cursor } = reading;
  const closers: Delimiter[] = [];
  const { state } = reading.scan(text, (one) => {
    if (one.index >= left.length && closesBefore(one, cursor)) {
      closers.push(one);
    }
  });
  const closesNothing = closers.some(({ frame }) => frame === undefined);
  if (closers.length === 0 || (!closesNothing && isClosedNowhereElse(text, context, reading))) {
    return text;
  }
  const spare = spareOpeners(text, context, reading);
  const add = (closer: string, count: number): void =>
    void spare.set(closer, (spare.get(closer) ?? 0) + count);
  for (const one of framesOf(state)) {
    if (isBracket(one) && isOpenedAfter(one, cursor)) {
      add(one.close, 1);
    }
  }
  for (const { text: closer, index } of closers) {
    if ((spare.get(closer) ?? 0) <= 0) {
      return text.slice(0, index - left.length).trimEnd();
    }
    add(closer, -1);
  }
  return text;
};

/** With the completion in place, no more of what follows fits nothing than without. */
function isClosedNowhereElse(text: string, { suffix }: FilterContext, reading: Reading): boolean {
  const near = suffix.slice(0, REACH);
  const rest = near.slice(replacedLength(text, reading));
  const scanner = reading.scanner(text + rest).run(reading.left.length + text.length);
  const before = scanner.wrong;
  return scanner.run().wrong - before <= reading.scanAfter(near).wrong;
}

/** Whether it closes a bracket that was open before the cursor, or none. */
const closesBefore = ({ role, soft, text, frame }: Delimiter, cursor: number): boolean =>
  !soft &&
  text.length === 1 &&
  (frame === undefined || (role === "close" && isBracket(frame) && !isOpenedAfter(frame, cursor)));

/** `${` may be begun before it. */
const isOpenedAfter = ({ at, open }: Frame, cursor: number): boolean => at + open.length > cursor;

/** Brackets opened before the cursor less those closed after it, by closer. Unknown openers (a cut prefix) count as spare. */
function spareOpeners(
  completion: string,
  { prefix, suffix }: FilterContext,
  reading: Reading,
): Map<string, number> {
  const { state, cursor, right } = reading;
  const spare = new Map<string, number>();
  // Whether a parenthesis in a shell's case closes something or ends a pattern, only the whole text tells.
  const inCase = framesOf(state).some(({ kind }) => kind === "case");
  if (prefix.length > REACH || suffix.length > REACH || inCase) {
    return new Map([")", "]", "}"].map((closer) => [closer, Number.POSITIVE_INFINITY]));
  }
  const add = (closer: string, count: number): void =>
    void spare.set(closer, (spare.get(closer) ?? 0) + count);
  framesOf(state)
    .filter(isBracket)
    .forEach(({ close }) => add(close, 1));
  const closers = REPLACEABLE.exec(right)![0];
  const replaceable = Math.max(
    isPartOf(closers, completion) ? closers.length : 0,
    replacedLength(completion, reading),
  );
  reading.scanAfter(suffix, state, (one) => {
    if (one.index >= replaceable && closesBefore(one, cursor)) {
      add(one.text, -1);
    }
  });
  return spare;
}
