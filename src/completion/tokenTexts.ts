/** The texts of a vocabulary's ordinary tokens, and which of them can continue a given text. */
export class TokenTexts {
  private readonly texts = new Map<number, string>();
  /** By text, in code unit order. */
  private readonly sorted: readonly (readonly [string, number])[];
  private readonly byText = new Map<string, number[]>();

  /** @param tokens ids with their texts; tokens that are part of a character only must be left out */
  constructor(tokens: Iterable<readonly [number, string]>) {
    for (const [token, text] of tokens) {
      if (text !== "") {
        this.texts.set(token, text);
        const same = this.byText.get(text);
        if (same === undefined) {
          this.byText.set(text, [token]);
        } else {
          same.push(token);
        }
      }
    }
    this.sorted = [...this.texts]
      .map(([token, text]) => [text, token] as const)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  }

  text(token: number): string | undefined {
    return this.texts.get(token);
  }

  /** Tokens that agree with `piece`: they begin with all of it, or it begins with all of them. */
  continuing(piece: string): number[] {
    const found: number[] = [];
    for (let length = 1; length < piece.length; length++) {
      found.push(...(this.byText.get(piece.slice(0, length)) ?? []));
    }
    for (let at = this.firstFrom(piece); at < this.sorted.length; at++) {
      const [text, token] = this.sorted[at]!;
      if (!text.startsWith(piece)) {
        break;
      }
      found.push(token);
    }
    return found;
  }

  private firstFrom(text: string): number {
    let low = 0;
    let high = this.sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.sorted[middle]![0] < text) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }
}
