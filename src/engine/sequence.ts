import type { Part } from "../completion/movable";
import { cannotGoBack, type DecodeOptions, type DecodeResult } from "./native";

/** `native.decode` on one context. */
export type Decode = (tokens: readonly number[], options: DecodeOptions) => Promise<DecodeResult>;

/** `kvCache.setAside` and `kvCache.takeBack` on one context. */
export interface Moves {
  setAside(position: number, parts: readonly Part[]): void;
  takeBack(position: number, index: number): void;
}

interface Waiting {
  readonly index: number;
  /** Where it is to be. */
  readonly at: number;
  readonly tokens: readonly number[];
}

/**
 * The one sequence of a context and the tokens whose KV entries it holds. It goes through our own native door: for a
 * small model, node-llama-cpp's samplers and queues take as long as the model itself.
 */
export class Sequence {
  private readonly held: number[] = [];
  /** What has been set aside, the next one first. */
  private waiting: readonly Waiting[] = [];

  /**
   * @param batchSize tokens that the context evaluates at once
   * @param moves absent: entries can be used only where they were computed
   */
  constructor(
    private readonly decodeBatch: Decode,
    private readonly batchSize: number,
    private readonly moves?: Moves,
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

  /** Whether entries can be used elsewhere. */
  get canMove(): boolean {
    return this.moves !== undefined;
  }

  /** Where the next part that has been set aside is to be; undefined: there is none. */
  get nextPart(): number | undefined {
    return this.waiting[0]?.at;
  }

  /** Whether all that has been set aside is of a sequence of these tokens, behind the first `length`. */
  awaits(tokens: readonly number[], length: number): boolean {
    return this.waiting.every(
      ({ at, tokens: part }) => at >= length && part.every((token, index) => tokens[at + index] === token),
    );
  }

  /** Keeps the first `length` tokens, and of the others these parts for later; what was set aside before is forgotten. */
  setAside(length: number, parts: readonly Part[]): void {
    this.waiting = parts.map(({ from, to, at }, index) => ({ index, at, tokens: this.held.slice(from, to) }));
    this.truncate(length);
    this.moves?.setAside(length, parts);
  }

  /** Goes on with the part that is to be next, if it is to be here; returns its tokens. */
  takeBack(): number {
    const [next, ...others] = this.waiting;
    if (next?.at !== this.held.length) {
      return 0;
    }
    this.waiting = others;
    this.moves?.takeBack(next.at, next.index);
    this.held.push(...next.tokens);
    return next.tokens.length;
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
    if (this.held.length + batch.length > (this.nextPart ?? Infinity)) {
      this.setAside(this.held.length, []); // something else follows
    }
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
