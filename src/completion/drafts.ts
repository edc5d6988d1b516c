/**
 * Drafts by prompt lookup: what followed the last tokens where they stood before, in the prompt, is likely to follow them again. The model
 * verifies a draft in one evaluation, so that the text is what it would have been without.
 * Source: https://github.com/apoorvumang/prompt-lookup-decoding; how long a draft is worth its cost is our own.
 */
export interface DraftLimits {
  /** What a drafted token costs, as a share of an evaluation of one token. */
  readonly cost: number;
  /** Tokens drafted at most. */
  readonly maxTokens: number;
}

/**
 * How often the token was right that followed the same last tokens before, by how many were the same: greedy texts of Qwen2.5-Coder 0.5B in 80 holes
 * of eight languages. The last one is for longer agreements, too.
 */
const RIGHT = [0, 0.35, 0.53, 0.53, 0.66, 0.75, 0.76, 0.78, 0.95] as const;

/** Tokens compared at most. */
const LONGEST = 16;

/** What an accepted token saves: with drafts, an evaluation gives almost two. */
const SAVED = 0.55;

/**
 * How many times as many tokens an evaluation's time gives with drafts as without: measured by replaying the texts that {@link RIGHT} comes
 * from, 1.63 at a cost of 0.13, 1.39 at 0.25.
 */
export const draftGain = (cost: number): number => 1 + 0.98 * Math.exp(-Math.max(0, cost) / 0.29);

/** The tokens to try after `tokens`; none where none is likely enough. */
export function draft(tokens: readonly number[], { cost, maxTokens }: DraftLimits): readonly number[] {
  const { match, from, agreeing } = lookup(tokens);
  let end = from;
  for (let chance = agreeing; match > 0 && end < tokens.length && end - from < maxTokens; end++) {
    chance *= RIGHT[Math.min(match + end - from, RIGHT.length - 1)]!;
    if (chance * SAVED < cost) {
      break;
    }
  }
  return tokens.slice(from, end);
}

interface Found {
  /** How many of the last tokens stood before `from`, too: as many as anywhere. */
  readonly match: number;
  /** After the latest of such places. */
  readonly from: number;
  /** The share of them that go on with the same token. */
  readonly agreeing: number;
}

function lookup(tokens: readonly number[]): Found {
  const end = tokens.length;
  let best = 0;
  let places: number[] = [];
  for (let at = end - 1; at > 0; at--) {
    let match = 0;
    while (match < LONGEST && match < at && tokens[at - 1 - match] === tokens[end - 1 - match]) {
      match++;
    }
    if (match > best) {
      best = match;
      places = [];
    }
    if (match === best && match > 0) {
      places.push(at);
    }
  }
  const from = places[0] ?? end;
  const alike = places.filter((place) => tokens[place] === tokens[from]).length;
  return { match: best, from, agreeing: places.length === 0 ? 0 : alike / places.length };
}
