/**
 * Where a document's prompt is anchored. A prompt of prefix, suffix and middle changes in its midst with every key; to keep the
 * KV cache, prefix and suffix stay as they were at the anchor, and what has been typed since goes after the middle token, as
 * if the model had written it. A key then costs its own tokens only.
 */

/** The text round the cursor when the anchor was set. */
export interface Place {
  readonly prefix: string;
  readonly suffix: string;
}

export interface Anchor extends Place {
  /** Characters between the anchor and the cursor when it was set. */
  readonly lead: number;
}

export interface AnchorLimits {
  /** Characters typed since the anchor; more make a new one. */
  readonly maxTyped: number;
  /** Line breaks among them. */
  readonly maxLines: number;
  /** Whole lines before the cursor's that come after the middle token, too. */
  readonly leadLines: number;
}

/** The lines are for a small model: `leadLines` says why, and what others get. */
export const ANCHOR_LIMITS: AnchorLimits = { maxTyped: 800, maxLines: 12, leadLines: 6 };

/** Lines taken away before the anchor: where some are, more may go. */
const LINES_BACK = 3;

/** Characters that the lines before the cursor's may have. */
const MAX_LEAD = 400;

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
 * brackets and quotes. Otherwise a new one behind the indentation of a line some lines before the cursor.
 */
export function anchorFor(
  old: Anchor | undefined,
  place: Place,
  limits: AnchorLimits = ANCHOR_LIMITS,
): Anchored {
  const { leadLines } = limits;
  if (old === undefined) {
    return { ...anchorAt(place, leadLines), reason: "first" };
  }
  const typed = typedSince(old, place.prefix);
  if (typed === undefined) {
    // Someone who takes back what is before the anchor stays about there: it goes behind them, once.
    const back = tookBack(old.prefix, place.prefix) ? LINES_BACK : 0;
    return { ...anchorAt(place, Math.max(leadLines, back)), reason: "jump" };
  }
  if (!sameSuffix(old.suffix, place.suffix)) {
    return { ...anchorAt(place, leadLines), reason: "suffix" };
  }
  const since = typed.slice(old.lead);
  if (since.length > limits.maxTyped || count(since, "\n") > limits.maxLines) {
    return { ...anchorAt(place, leadLines), reason: "typed" };
  }
  return { anchor: old, typed };
}

function anchorAt(
  { prefix, suffix }: Place,
  leadLines: number,
): { readonly anchor: Anchor; readonly typed: string } {
  const cursorLine = prefix.lastIndexOf("\n") + 1;
  let line = cursorLine;
  for (let lines = 0; lines < leadLines && line > 0; lines++) {
    const before = line === 1 ? 0 : prefix.lastIndexOf("\n", line - 2) + 1;
    if (cursorLine - before > MAX_LEAD) {
      break;
    }
    line = before;
  }
  const at = line + /^[ \t]*/.exec(prefix.slice(line))![0].length;
  const typed = prefix.slice(at);
  return { anchor: { prefix: prefix.slice(0, at), suffix, lead: typed.length }, typed };
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

/** A little of the end of `before` is gone, and perhaps something else is there. */
function tookBack(before: string, now: string): boolean {
  const line = now.lastIndexOf("\n") + 1;
  return before.startsWith(now.slice(0, line)) && count(before.slice(line), "\n") <= LINES_BACK;
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
