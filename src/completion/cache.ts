import type { CursorText } from "./cursor";

/** Text before an anchor that has to agree, in code units: enough to tell places of a file apart. */
const ANCHOR = 512;
const SUFFIX_HEAD = 256;
/** What an editor inserts by itself behind the cursor while one types. */
const AUTO_CLOSED = /^[)\]}>"'`]+/;

interface Entry {
  readonly document: string;
  readonly offset: number;
  readonly anchor: string;
  readonly suffixHead: string;
  readonly text: string;
}

export interface CacheKey extends CursorText {
  readonly document: string;
  /** Offset of the cursor in the document, code units. */
  readonly offset: number;
}

/**
 * Completions by where they were asked for. A cursor that has moved on by typing what a completion says is served the rest of it.
 * Bounded, least recently used first out.
 */
export class CompletionCache {
  private entries: Entry[] = [];

  constructor(private readonly capacity = 200) {}

  put(key: CacheKey, text: string): void {
    const entry: Entry = {
      document: key.document,
      offset: key.offset,
      anchor: key.prefix.slice(-ANCHOR),
      suffixHead: key.suffix.slice(0, SUFFIX_HEAD),
      text,
    };
    this.entries = this.entries.filter((other) => !samePlace(other, entry));
    this.entries.push(entry);
    if (this.entries.length > this.capacity) {
      this.entries.shift();
    }
  }

  /**
   * What remains to be inserted at the cursor, newest answer first. Undefined: not known. An empty string: known to be nothing
   * (asked here before), which is not the same as a completion that has been typed to its end.
   */
  get(key: CacheKey): string | undefined {
    for (let i = this.entries.length - 1; i >= 0; i--) {
      const entry = this.entries[i]!;
      const rest = restOf(entry, key);
      if (rest !== undefined) {
        this.entries.splice(i, 1);
        this.entries.push(entry);
        return rest;
      }
    }
    return undefined;
  }

  /** Forgets what was said about a document: its mask or the model has changed. */
  forget(document?: string): void {
    this.entries = document === undefined ? [] : this.entries.filter((entry) => entry.document !== document);
  }
}

const samePlace = (a: Entry, b: Entry): boolean =>
  a.document === b.document &&
  a.offset === b.offset &&
  a.anchor === b.anchor &&
  a.suffixHead === b.suffixHead;

function restOf(entry: Entry, key: CacheKey): string | undefined {
  const typed = key.offset - entry.offset;
  if (entry.document !== key.document || typed < 0 || typed > entry.text.length) {
    return undefined;
  }
  if (typed > 0 && typed === entry.text.length) {
    return undefined;
  }
  if (!suffixAgrees(entry.suffixHead, key.suffix, typed > 0)) {
    return undefined;
  }
  const expected = entry.anchor + entry.text.slice(0, typed);
  return key.prefix.endsWith(expected) ? entry.text.slice(typed) : undefined;
}

/** The suffix is as it was, but for closers that the editor has put in while typing. */
export function suffixAgrees(before: string, now: string, typed: boolean): boolean {
  if (now.startsWith(before)) {
    return before !== "" || now === "" || (typed && AUTO_CLOSED.exec(now)?.[0] === now);
  }
  const closers = typed ? (AUTO_CLOSED.exec(now)?.[0] ?? "") : "";
  for (let n = 1; n <= closers.length; n++) {
    const rest = now.slice(n);
    if (
      rest.startsWith(before) ||
      (rest.length >= SUFFIX_HEAD / 2 && before.startsWith(rest.slice(0, SUFFIX_HEAD)))
    ) {
      return true;
    }
  }
  return false;
}
