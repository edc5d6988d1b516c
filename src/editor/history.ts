/** One completion, as the dashboard draws it. */
export interface CompletionPoint {
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly tokensPerSecond: number;
  /** From keystroke to text. */
  readonly latencyMs: number;
  readonly activeRatio: number;
}

/** Memory at a moment, bytes. */
export interface MemoryPoint {
  readonly time: number;
  readonly residentBytes: number;
  readonly packedBytes: number;
  /** The model file, as mapped. */
  readonly mappedBytes: number;
}

const CAPACITY = 400;

/** The last completions and memory readings of this session. */
export class History {
  private completionPoints: CompletionPoint[] = [];
  private memoryPoints: MemoryPoint[] = [];

  addCompletion(point: CompletionPoint): void {
    this.completionPoints = [...this.completionPoints, point].slice(-CAPACITY);
  }

  addMemory(point: MemoryPoint): void {
    this.memoryPoints = [...this.memoryPoints, point].slice(-CAPACITY);
  }

  get completions(): readonly CompletionPoint[] {
    return this.completionPoints;
  }

  get memory(): readonly MemoryPoint[] {
    return this.memoryPoints;
  }
}
