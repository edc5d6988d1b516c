import type { Chunk } from "./chunk";
import { sameLines } from "./words";

/** Two pieces that have more lines than this in common are one; the newer stays. */
const SAME = 0.9;

/** The pieces of files that were looked at last, oldest first. */
export class ContextRing {
  private kept: readonly Chunk[] = [];

  constructor(private readonly capacity = 16) {}

  /** Takes a piece in; it pushes out what is nearly the same, and what is older than the others when there are too many. */
  add(chunk: Chunk): void {
    if (chunk.text.trim() === "") {
      return;
    }
    const others = this.kept.filter((other) => sameLines(other.text, chunk.text) <= SAME);
    this.kept = [...others, chunk].slice(-this.capacity);
  }

  get chunks(): readonly Chunk[] {
    return this.kept;
  }

  /** Forgets a file, or those for which `gone` holds: it is excluded now, or deleted. */
  forget(gone: (path: string) => boolean): void {
    this.kept = this.kept.filter(({ path }) => !gone(path));
  }
}
