/** Before anything has been measured: with kernels that read weights once for a few columns. */
const ASSUMED = 0.2;

/** Weight of a new measurement, and how fast one that is not repeated is forgotten. */
const NEW = 0.1;
const FORGETTING = 0.01;

/**
 * What a further token in an evaluation costs, as a share of an evaluation of one: learned from how long they take, as it depends on the
 * processor, the types of the weights and what tokens read of them.
 */
export class ColumnCost {
  private alone: number | undefined;
  private learned = ASSUMED;

  get value(): number {
    return this.learned;
  }

  /** An evaluation of so many tokens took so long. */
  observe(tokens: number, ms: number): void {
    if (tokens === 1) {
      this.alone = this.alone === undefined ? ms : this.alone + NEW * (ms - this.alone);
      this.learned += FORGETTING * (ASSUMED - this.learned);
    } else if (this.alone !== undefined && this.alone > 0) {
      const cost = (ms / this.alone - 1) / (tokens - 1);
      this.learned += NEW * (Math.min(Math.max(cost, 0), 1) - this.learned);
    }
  }
}
