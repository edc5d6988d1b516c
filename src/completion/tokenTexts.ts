/**
 * The texts of a vocabulary's ordinary tokens, and which of them can continue a given text. They are one string and numbers: as strings of
 * their own, the 150,000 of a usual vocabulary take ten times as much.
 */
export class TokenTexts {
  /** All texts in code unit order, and where each begins; one more, for the end of the last. */
  private readonly joined: string;
  private readonly starts: Uint32Array;
  /** The token of each. */
  private readonly tokens: Int32Array;
  /** By token: which of them is its text, -1 where there is none. */
  private readonly places: Int32Array;

  /** @param tokens ids with their texts; tokens that are part of a character only must be left out */
  constructor(tokens: Iterable<readonly [number, string]>) {
    const sorted = [...tokens]
      .filter(([, text]) => text !== "")
      .sort(([, a], [, b]) => (a < b ? -1 : a > b ? 1 : 0));
    this.joined = sorted.map(([, text]) => text).join("");
    this.starts = new Uint32Array(sorted.length + 1);
    this.tokens = Int32Array.from(sorted, ([token]) => token);
    this.places = new Int32Array(this.tokens.reduce((most, token) => Math.max(most, token + 1), 0)).fill(-1);
    for (const [place, [token, text]] of sorted.entries()) {
      this.starts[place + 1] = this.starts[place]! + text.length;
      this.places[token] = place;
    }
  }

  text(token: number): string | undefined {
    const place = this.places[token] ?? -1;
    return place < 0 ? undefined : this.at(place);
  }

  /** Tokens that agree with `piece`: they begin with all of it, or it begins with all of them. */
  continuing(piece: string): number[] {
    const found: number[] = [];
    for (let length = 1; length < piece.length; length++) {
      const beginning = piece.slice(0, length);
      for (const token of this.from(beginning, (text) => text === beginning)) found.push(token);
    }
    // Half of a large vocabulary begins with a space: more than a call takes as arguments.
    for (const token of this.from(piece, (text) => text.startsWith(piece))) found.push(token);
    return found;
  }

  /** Tokens from the first one on whose text does not come before `first`, as long as theirs `agrees`. */
  private *from(first: string, agrees: (text: string) => boolean): Generator<number> {
    for (let place = this.firstFrom(first); place < this.tokens.length && agrees(this.at(place)); place++) {
      yield this.tokens[place]!;
    }
  }

  private at(place: number): string {
    return this.joined.slice(this.starts[place], this.starts[place + 1]);
  }

  private firstFrom(text: string): number {
    let low = 0;
    let high = this.tokens.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.at(middle) < text) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }
}
