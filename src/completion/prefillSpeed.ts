/** Fewer tokens are over before their time says much. */
const MIN_TOKENS = 64;
/** Weight of a new observation in the moving average. */
const ALPHA = 0.3;
/** As much work as may be done for a cursor that rests somewhere, whether anything is typed there or not. */
const CHEAP_MS = 500;

/** Learns from what has been evaluated how long a prompt takes. */
export class PrefillSpeed {
  private msPerToken: number | undefined;

  /** @param ms that the engine took to evaluate `tokens` */
  evaluated({ tokens, ms }: { readonly tokens: number; readonly ms: number }): void {
    if (tokens >= MIN_TOKENS) {
      const each = ms / tokens;
      this.msPerToken =
        this.msPerToken === undefined ? each : this.msPerToken + ALPHA * (each - this.msPerToken);
    }
  }

  /** Another model is another speed. */
  forget(): void {
    this.msPerToken = undefined;
  }

  /** Whether a prompt of as much as `tokens` costs so little that it can be made ready wherever the cursor rests; false as long as nothing is known. */
  isCheap(tokens: number): boolean {
    return this.msPerToken !== undefined && this.msPerToken * tokens <= CHEAP_MS;
  }
}
