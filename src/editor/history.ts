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
  private model: string | undefined;
  private prompts = { tokens: 0, again: 0 };

  /** From now on `model` is loaded: what another one has done is not shown with it. */
  begin(model: string): void {
    if (this.model !== undefined && this.model !== model) {
      this.completionPoints = [];
      this.memoryPoints = [];
      this.prompts = { tokens: 0, again: 0 };
    }
    this.model = model;
  }

  /** Prompt tokens that have been read, and those of them whose text had been read before. */
  addPrompt({ tokens, again }: { readonly tokens: number; readonly again: number }): void {
    this.prompts = { tokens: this.prompts.tokens + tokens, again: this.prompts.again + again };
  }

  get read(): { readonly tokens: number; readonly again: number } {
    return this.prompts;
  }

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
