/** Tokens whose cache entries are used at another place than they were computed for: `[from, to)` of what is held, from `at` on in the new prompt. */
export interface Part {
  readonly from: number;
  readonly to: number;
  readonly at: number;
}

/** Where a prompt is about the cursor. */
export interface Landmarks {
  /** The token that divides what is before the cursor from what is behind it. */
  readonly cursor: number;
  /** The one from which on text is written. */
  readonly end: number;
}

/**
 * Tokens on either side of the cursor that are evaluated for their new place, whatever is held: what is written there has to know what is before it and what
 * behind. docs/prompts.md has what is lost.
 */
const NEAR = 64;
/** Fewer in a row are as soon evaluated. */
const MIN_PART = 32;
const MAX_PARTS = 8;

/**
 * What a prompt for another place in the same text can take over from the last one: a cursor that goes elsewhere changes where the prefix ends, and with it the place of all
 * behind, but hardly what an entry there was computed from.
 * @param held tokens that the cache holds
 * @param wanted tokens of the prompt
 * @param kept how many they begin with in common
 * @returns in the prompt's order, none of them near the cursor or behind the end, each token of `held` in one at most
 */
export function movableParts(
  held: readonly number[],
  wanted: readonly number[],
  kept: number,
  { cursor, end }: Landmarks,
): Part[] {
  const parts: Part[] = [];
  if (Math.min(held.length, wanted.length) - kept < MIN_PART) {
    return parts;
  }
  const places = placesOf(held, kept);
  for (let at = kept; at + MIN_PART <= end && parts.length < MAX_PARTS;) {
    if (at >= cursor - NEAR && at <= cursor + NEAR) {
      at = cursor + NEAR + 1;
      continue;
    }
    const limit = at < cursor ? cursor - NEAR : end;
    const free = (from: number): boolean => parts.every((part) => from < part.from || from >= part.to);
    const part = longest(held, wanted, at, limit, places.get(keyAt(wanted, at)) ?? [], free);
    if (part === undefined) {
      at++;
      continue;
    }
    parts.push(part);
    at += part.to - part.from;
  }
  return parts;
}

function longest(
  held: readonly number[],
  wanted: readonly number[],
  at: number,
  end: number,
  places: readonly number[],
  isFree: (from: number) => boolean,
): Part | undefined {
  let best = { from: 0, to: 0, at };
  for (const from of places) {
    let to = from;
    while (to < held.length && at + to - from < end && isFree(to) && held[to] === wanted[at + to - from]) {
      to++;
    }
    if (to - from > best.to - best.from) {
      best = { from, to, at };
    }
  }
  return best.to - best.from < MIN_PART ? undefined : best;
}

/** Where in `held` each few tokens stand. */
function placesOf(held: readonly number[], first: number): Map<string, number[]> {
  const places = new Map<string, number[]>();
  for (let at = first; at < held.length; at++) {
    const key = keyAt(held, at);
    const known = places.get(key);
    if (known === undefined) {
      places.set(key, [at]);
    } else {
      known.push(at);
    }
  }
  return places;
}

const keyAt = (tokens: readonly number[], at: number): string => tokens.slice(at, at + 8).join();
