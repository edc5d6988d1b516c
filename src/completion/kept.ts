import type { Change } from "./acceptance";

interface Piece {
  readonly start: number;
  readonly end: number;
}

/** What is left of an accepted text while its document is edited. Offsets are code units of the document. */
export class Kept {
  private pieces: readonly Piece[];

  constructor(
    readonly document: string,
    offset: number,
    length: number,
  ) {
    this.pieces = [{ start: offset, end: offset + length }];
  }

  /** Follows one change; what is typed into the text neither adds to it nor takes from it. */
  changed({ document, offset, removed, text }: Change): void {
    if (document !== this.document) {
      return;
    }
    const end = offset + removed;
    const shift = text.length - removed;
    this.pieces = this.pieces.flatMap((piece) => {
      const before = { start: piece.start, end: Math.min(piece.end, offset) };
      const after = { start: Math.max(piece.start, end) + shift, end: piece.end + shift };
      return [before, after].filter(({ start, end: stop }) => stop > start);
    });
  }

  /** Code units that are still there. */
  get characters(): number {
    return this.pieces.reduce((sum, { start, end }) => sum + end - start, 0);
  }
}
