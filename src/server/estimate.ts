import type { TokenCounter } from "../completion/prompt";

/** Code has about so many characters in a token; fewer than most tokenizers need, so that a first prompt fits. */
const FIRST_GUESS = 2.8;
/** Counted texts are no promise for the next. */
const MARGIN = 0.95;

/** How many tokens a text has, as far as one can tell from this side; learns from what has been counted. */
export class TokenEstimate implements TokenCounter {
  private charactersPerToken = FIRST_GUESS;

  tokenize(text: string): { readonly length: number } {
    return { length: Math.ceil(text.length / this.charactersPerToken) };
  }

  /** A text of so many characters has so many tokens. */
  learn(characters: number, tokens: number): void {
    if (tokens >= 32) {
      this.charactersPerToken = Math.min(8, Math.max(0.5, (characters / tokens) * MARGIN));
    }
  }
}
