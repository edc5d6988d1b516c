import { cannotGoBack, type DecodeOptions, type DecodeResult } from "./native";

/** `native.decode` on one context. */
export type Decode = (tokens: readonly number[], options: DecodeOptions) => Promise<DecodeResult>;

/**
 * The one sequence of a context and the tokens whose KV entries it holds. It goes through our own native door: for a
 * small model, node-llama-cpp's samplers and queues take as long as the model itself.
 */
export class Sequence {
  private readonly held: number[] = [];

  /** @param batchSize tokens that the context evaluates at once */
  constructor(
    private readonly decodeBatch: Decode,
    private readonly batchSize: number,
  ) {}

  get tokens(): readonly number[] {
    return this.held;
  }

  /** The context has been filled from a file: it holds `tokens`. */
  restored(tokens: readonly number[]): void {
    this.held.splice(0, this.held.length, ...tokens);
  }

  /** Forgets everything after the first `length` tokens; costs nothing. */
  truncate(length: number): void {
    this.held.length = Math.min(this.held.length, length);
  }

  /** Evaluates tokens after those that are held, and chooses after the last `outputs` of them. */
  async decode(
    tokens: readonly number[],
    { outputs, allowed, labels, fullHead }: Omit<DecodeOptions, "position">,
  ): Promise<DecodeResult> {
    const next = new Int32Array(outputs);
    const logLikelihood = new Float32Array(labels === undefined ? 0 : outputs);
    const silent = tokens.length - outputs;
    for (let at = 0; at < tokens.length; at += this.batchSize) {
      const batch = tokens.slice(at, at + this.batchSize);
      const [from, to] = [Math.max(0, at - silent), Math.max(0, at + batch.length - silent)];
      const result = await this.append(batch, {
        outputs: to - from,
        ...(allowed === undefined ? {} : { allowed }),
        ...(fullHead === undefined ? {} : { fullHead }),
        ...(labels === undefined ? {} : { labels: labels.slice(from, to) }),
      });
      next.set(result.next, from);
      logLikelihood.set(result.logLikelihood, from);
    }
    return { next, logLikelihood };
  }

  private async append(
    batch: readonly number[],
    options: Omit<DecodeOptions, "position">,
  ): Promise<DecodeResult> {
    try {
      const result = await this.decodeBatch(batch, { ...options, position: this.held.length });
      this.held.push(...batch);
      return result;
    } catch (error) {
      if (!cannotGoBack(error) || this.held.length === 0) {
        throw error;
      }
      // The state of a recurrent model has only one place to go back to: its beginning.
      await this.decode(this.held.splice(0), { outputs: 0 });
      return this.append(batch, options);
    }
  }
}
