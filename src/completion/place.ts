import type { CursorText } from "./cursor";

/** What the Tab key inserts in a document. */
export interface Indentation {
  readonly insertSpaces: boolean;
  readonly tabSize: number;
}

/** A place in a document at a moment: where a completion is asked for. */
export interface Place extends CursorText {
  readonly document: string;
  /** Of the cursor in the document, code units, a line break counting as one. */
  readonly offset: number;
  /** VS Code's language identifier. */
  readonly language: string;
  /** Where it is known. */
  readonly indentation?: Indentation;
}

/** Text before a place that has to agree, in code units: enough to tell places of a file apart. */
const ANCHOR = 512;
const SUFFIX_HEAD = 256;
/** What an editor inserts by itself behind the cursor while one types, and takes away when one types over it. */
const AUTO_CLOSED = /^[)\]}>"'`]{0,8}/;
/** More than anyone types while a completion is on its way. */
const MAX_TYPED = 4_000;

/**
 * What has been typed from `from` to `now`; undefined when `now` is not ahead of it in the same text.
 */
export function typedSince(from: Place, now: Place): string | undefined {
  const length = now.offset - from.offset;
  if (from.document !== now.document || length < 0 || length > MAX_TYPED) {
    return undefined;
  }
  const typed = length === 0 ? "" : now.prefix.slice(-length);
  const agrees =
    now.prefix.endsWith(from.prefix.slice(-ANCHOR) + typed) &&
    suffixAgrees(from.suffix, now.suffix, length > 0);
  return agrees ? typed : undefined;
}

/** The suffix is as it was, but for closers that the editor has put in while one typed, or that have been typed over. */
function suffixAgrees(before: string, now: string, typed: boolean): boolean {
  const head = (text: string): string => text.slice(0, SUFFIX_HEAD);
  const same = (a: string, b: string): boolean =>
    a.length < SUFFIX_HEAD || b.length < SUFFIX_HEAD ? a === b : head(a) === head(b);
  if (same(before, now)) {
    return true;
  }
  const appeared = AUTO_CLOSED.exec(now)![0].length;
  const gone = AUTO_CLOSED.exec(before)![0].length;
  for (let n = 1; typed && n <= Math.max(appeared, gone); n++) {
    if ((n <= appeared && same(before, now.slice(n))) || (n <= gone && same(before.slice(n), now))) {
      return true;
    }
  }
  return false;
}

/** The place after `text` has been inserted, in the place of `replaced` code units of the suffix. */
export const placeAfter = (place: Place, text: string, replaced = 0): Place => ({
  ...place,
  offset: place.offset + text.length,
  prefix: place.prefix + text,
  suffix: place.suffix.slice(replaced),
});
