/** So many tokens in a row are taken for a piece of text: less stands in any file more than once. */
const PIECE = 8;
/** Pieces that are known at a time; the oldest half is forgotten beyond that. */
const MAX_PIECES = 32_768;

/**
 * Which pieces of text a document's prompts have had evaluated: a token that is evaluated within a piece that has been before is read again, be it because
 * something in front of it has changed. (What stands in two places of a file counts, too.)
 */
export class ReadTokens {
  private recent = new Set<string>();
  private old = new Set<string>();

  /**
   * Takes note of an evaluation.
   * @param before tokens that the cache holds in front of them
   * @param evaluated consecutive tokens of a prompt
   * @returns how many of `evaluated` had been evaluated before with the same tokens round them
   */
  evaluated(before: readonly number[], evaluated: readonly number[]): number {
    const start = Math.min(before.length, PIECE - 1);
    const tokens = [...before.slice(before.length - start), ...evaluated];
    const again = new Uint8Array(tokens.length);
    const pieces: string[] = [];
    for (let at = 0; at + PIECE <= tokens.length; at++) {
      const piece = tokens.slice(at, at + PIECE).join();
      pieces.push(piece);
      if (this.recent.has(piece) || this.old.has(piece)) {
        again.fill(1, at, at + PIECE);
      }
    }
    pieces.forEach((piece) => this.add(piece)); // not before: a piece that repeats within is read once
    return again.subarray(start).reduce((sum, one) => sum + one, 0);
  }

  private add(piece: string): void {
    this.recent.add(piece);
    if (this.recent.size >= MAX_PIECES / 2) {
      this.old = this.recent;
      this.recent = new Set();
    }
  }
}
