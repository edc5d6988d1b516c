/**
 * Where a document's prompt is anchored. A prompt of prefix, suffix and middle changes in its midst with every key; to keep the
 * KV cache, prefix and suffix stay as they were at the anchor, and what has been typed since goes after the middle token, as
 * if the model had written it. A key then costs its own tokens only.
 */

/** The text round the cursor when the anchor was set. */
export interface Anchor {
  readonly prefix: string;
  readonly suffix: string;
}

export interface AnchorLimits {
  /** Characters typed since the anchor; more make a new one. */
  readonly maxTyped: number;
  /** Line breaks among them. */
  readonly maxLines: number;
}

export const ANCHOR_LIMITS: AnchorLimits = { maxTyped: 800, maxLines: 12 };

/** Why a new anchor was set. */
export type AnchorReason = "first" | "jump" | "suffix" | "typed";

export interface Anchored {
  readonly anchor: Anchor;
  /** Text between the anchor and the cursor. */
  readonly typed: string;
  /** Absent: the anchor is the old one. */
  readonly reason?: AnchorReason;
}

/** Text before the anchor that has to be the same, where the windows that the editor sends begin at different lines. */
const OVERLAP = 512;
/** As much of the suffix has to be the same; the windows of two requests may end at different lines. */
const SUFFIX_HEAD = 1_024;
/** What an editor inserts by itself behind the cursor while one types. */
const AUTO_CLOSED = /^[)\]}>"'`]{0,8}/;

/**
 * The anchor for a place: the one there is, as long as the cursor is behind it and what follows the cursor is unchanged but for closing
 * brackets and quotes. Otherwise a new one behind the indentation of the cursor's line, so that what the line says is always evaluated as
 * typed text.
 */
export function anchorFor(
  old: Anchor | undefined,
  place: Anchor,
  limits: AnchorLimits = ANCHOR_LIMITS,
): Anchored {
  if (old === undefined) {
    return { ...anchorAt(place), reason: "first" };
  }
  const typed = typedSince(old, place.prefix);
  if (typed === undefined) {
    return { ...anchorAt(place), reason: "jump" };
  }
  if (!sameSuffix(old.suffix, place.suffix)) {
    return { ...anchorAt(place), reason: "suffix" };
  }
  if (typed.length > limits.maxTyped || count(typed, "\n") > limits.maxLines) {
    return { ...anchorAt(place), reason: "typed" };
  }
  return { anchor: old, typed };
}

/** A new anchor behind the indentation of the cursor's line. */
function anchorAt({ prefix, suffix }: Anchor): { readonly anchor: Anchor; readonly typed: string } {
  const line = prefix.lastIndexOf("\n") + 1;
  const at = line + /^[ \t]*/.exec(prefix.slice(line))![0].length;
  return { anchor: { prefix: prefix.slice(0, at), suffix }, typed: prefix.slice(at) };
}

/** What stands between the anchor and the end of `prefix`; undefined when the cursor is not behind the anchor in the same text. */
function typedSince(anchor: Anchor, prefix: string): string | undefined {
  if (prefix.startsWith(anchor.prefix)) {
    return prefix.slice(anchor.prefix.length);
  }
  // The editor's window on a long file has moved.
  const tail = anchor.prefix.slice(-OVERLAP);
  const at = tail.length < OVERLAP ? -1 : prefix.lastIndexOf(tail);
  if (at < 0) {
    return undefined;
  }
  const end = at + tail.length;
  const before = prefix.slice(0, end);
  return anchor.prefix.endsWith(before) || before.endsWith(anchor.prefix) ? prefix.slice(end) : undefined;
}

function sameSuffix(before: string, now: string): boolean {
  const closers = AUTO_CLOSED.exec(now)![0].length;
  const old = AUTO_CLOSED.exec(before)![0].length;
  // Closers come (typing an opener) and go (typing over them); what follows them has to be the same.
  for (let n = 0; n <= closers; n++) {
    for (let o = 0; o <= old; o++) {
      if ((n === 0 || o === 0) && sameStart(before.slice(o), now.slice(n))) {
        return true;
      }
    }
  }
  return false;
}

function sameStart(a: string, b: string): boolean {
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  const head = short.slice(0, SUFFIX_HEAD);
  return head.length === SUFFIX_HEAD ? long.startsWith(head) : short === long;
}

function count(text: string, char: string): number {
  let found = 0;
  for (let at = text.indexOf(char); at >= 0; at = text.indexOf(char, at + 1)) {
    found++;
  }
  return found;
}
