import type { LlamaContext, LlamaModel } from "node-llama-cpp";
import { movableParts, type Landmarks, type Part } from "../completion/movable";
import { ReadTokens } from "../completion/readTokens";
import type { Evaluation } from "../sparsity/guard";
import { choiceShare, tierCounts, tiersFor, type LayerChoice } from "../sparsity/choice";
import type { LayerRows } from "../sparsity/mask";
import { throwIfAborted } from "./abort";
import { ColumnCost } from "./columnCost";
import { EngineFailure } from "./errors";
import {
  checkHead,
  clearHead,
  headCounters,
  headSupport,
  holdTokens,
  setHead,
  setHeadRows,
  type HeadChecked,
} from "./head";
import { rowsFor } from "./headRows";
import { cacheBytes, canMove, loadState, releaseCache, saveState, setAside, takeBack } from "./kvCache";
import {
  decode,
  freeFfn,
  keepThreads,
  setFfnActive,
  setFfnChoice,
  setFfnRows,
  type DecodeOptions,
  type DecodeResult,
  type PlaneSizes,
} from "./native";
import type { Timing } from "./protocol";
import { Sequence } from "./sequence";

/**
 * Tokens evaluated at once: a cancelled prefill stops after at most one such piece, and compute buffers are no larger
 * than it needs.
 */
const BATCH_TOKENS = 64;

/** Entries computed for another place are a little worse than those for their own (docs/prompts.md): they are used where one would wait for the others. */
const MOVE_FROM_MS = 400;

export interface DocumentOptions {
  /** Threads end with every token, as node-llama-cpp's do: for comparisons. */
  readonly stock?: boolean;
  /** See `LoadModel`. */
  readonly moveFromMs?: number | undefined;
}

/**
 * One document's native state: its context with the KV cache of its last prompt and what its tokens read of the FFN. Prompts are
 * evaluated densely; only generated tokens pass through the mask (design decision 9).
 */
export class DocumentContext {
  /** The share of the FFN's weights that is to be read while decoding; 1: dense. */
  activeRatio = 1;
  /** The share that tokens read with the document's mask, in whole neurons and with all scales; 1: dense. */
  readRatio = 1;
  /** Of rows that are packed for this document alone. */
  packedBytes = 0;
  /** Tokens at the start of the sequence whose KV entries were computed densely. */
  private exactTokens = 0;
  private screened = false;
  private readonly read = new ReadTokens();
  private cost = new ColumnCost();
  /** Prompt tokens evaluated so far whose text had been evaluated before. */
  readAgain = 0;
  /** Prompt tokens so far that were not evaluated, because their entries had been computed for another place. */
  moved = 0;
  /** Of evaluating a prompt, by its last whole piece. */
  private msPerToken = 0;

  private constructor(
    private readonly context: LlamaContext,
    private readonly sequence: Sequence,
    private readonly threads: number,
    private readonly moveFromMs: number,
  ) {}

  static async create(
    model: LlamaModel,
    contextSize: number,
    threads: number,
    { stock = false, moveFromMs = MOVE_FROM_MS }: DocumentOptions = {},
  ): Promise<DocumentContext> {
    const context = await model.createContext({
      contextSize,
      threads,
      sequences: 1,
      batchSize: BATCH_TOKENS,
      swaFullCache: true, // or sliding windows forget what going back needs
    });
    releaseCache(context);
    if (!stock) {
      keepThreads(context);
    }
    const moves = {
      setAside: (position: number, parts: readonly Part[]): void => setAside(context, position, parts),
      takeBack: (position: number, index: number): void => takeBack(context, position, index),
    };
    const sequence = new Sequence(
      (tokens, options) => decode(context, tokens, options),
      BATCH_TOKENS,
      canMove(context) ? moves : undefined,
    );
    return new DocumentContext(context, sequence, threads, moveFromMs);
  }

  /**
   * Evaluates all of the prompt but its last token, reusing the KV entries of the longest common prefix.
   * Resolves to what was evaluated.
   */
  async prefill(prompt: readonly number[], signal: AbortSignal): Promise<Timing> {
    const start = performance.now();
    let evaluated = 0;
    for (;;) {
      throwIfAborted(signal);
      const step = await this.prefillStep(prompt);
      evaluated += step.tokens;
      if (step.done) {
        return { tokens: evaluated, ms: performance.now() - start };
      }
    }
  }

  /**
   * Evaluates the prompt up to its last piece, which {@link next} is to evaluate: a short one needs no evaluation of its
   * own. Resolves to that piece, which is never empty.
   * @param onRead the share of what had to be evaluated that has been, after each piece
   * @param landmarks see {@link prefillStep}
   */
  async approach(
    prompt: readonly number[],
    signal: AbortSignal,
    onRead: (share: number) => void = () => undefined,
    landmarks?: Landmarks,
  ): Promise<readonly number[]> {
    const first = this.keep(prompt.slice(0, -1), landmarks);
    for (let at = first; ; at = this.keep(prompt.slice(0, -1), landmarks)) {
      throwIfAborted(signal);
      if (prompt.length - at <= BATCH_TOKENS && this.sequence.nextPart === undefined) {
        return prompt.slice(at);
      }
      await this.prefillStep(prompt, landmarks);
      onRead((this.tokens.length - first) / (prompt.length - first));
    }
  }

  /**
   * Evaluates `tokens` and then `drafts`; resolves to the most likely token after the last of `tokens` and after each draft.
   * @param dense whether they pass through the dense FFN: what is prompt does
   */
  async next(
    tokens: readonly number[],
    drafts: readonly number[] = [],
    dense = false,
  ): Promise<readonly number[]> {
    const start = performance.now();
    const { next } = await this.evaluate([...tokens, ...drafts], dense, { outputs: drafts.length + 1 });
    if (tokens.length === 1) {
      this.cost.observe(1 + drafts.length, performance.now() - start);
    }
    return [...next];
  }

  /** What a draft's token costs, as a share of an evaluation of one token. */
  get columnCost(): number {
    return this.cost.value;
  }

  /** As {@link next}, without drafts: the most likely one of `allowed`, which must not be empty. */
  async nextAmong(tokens: readonly number[], allowed: readonly number[], dense = false): Promise<number> {
    const { next } = await this.evaluate(tokens, dense, { outputs: 1, allowed: Int32Array.from(allowed) });
    return next[0]!;
  }

  /** How many tokens of a prompt need no evaluation; its last one always does. */
  cached(prompt: readonly number[]): number {
    return commonPrefix(prompt.slice(0, -1), this.tokens.slice(0, this.exactTokens));
  }

  /** Of the KV cache, what is resident. */
  get cacheBytes(): number {
    return this.context.disposed ? 0 : cacheBytes(this.context);
  }

  /** Tokens that the cache holds. */
  get tokens(): readonly number[] {
    return this.sequence.tokens;
  }

  /** Those of them whose entries were computed densely, be it for another place: what is worth keeping. */
  get exact(): readonly number[] {
    return this.tokens.slice(0, this.exactTokens);
  }

  /** Writes the cache to a file as the state after `tokens`, which must be a beginning of the exact ones. */
  save(file: string, tokens: readonly number[]): Promise<void> {
    return saveState(this.context, file, tokens);
  }

  /** Takes the cache of a fresh document from a file; resolves to its tokens, undefined when it does not fit. */
  async restore(file: string): Promise<readonly number[] | undefined> {
    try {
      const tokens = await loadState(this.context, file);
      this.sequence.restored(tokens);
      holdTokens(this.context, tokens);
      this.exactTokens = tokens.length;
      this.read.evaluated([], tokens);
      return tokens;
    } catch {
      return undefined;
    }
  }

  /**
   * One piece of a prefill; whatever the sequence held before. Resolves to how many tokens were evaluated and whether
   * all of the prompt but its last token now is in the cache.
   * @param landmarks of the prompt: what the cache holds of one for another place is used where it may be (`movableParts`); absent: only what begins both
   */
  async prefillStep(
    prompt: readonly number[],
    landmarks?: Landmarks,
  ): Promise<{ readonly tokens: number; readonly done: boolean }> {
    const tokens = prompt.slice(0, -1);
    const at = this.keep(tokens, landmarks);
    const chunk = tokens.slice(at, Math.min(at + BATCH_TOKENS, this.sequence.nextPart ?? Infinity));
    if (chunk.length > 0) {
      this.readPrompt(chunk);
      const start = performance.now();
      await this.evaluate(chunk, true, { outputs: 0 });
      if (chunk.length === BATCH_TOKENS) {
        this.msPerToken = (performance.now() - start) / BATCH_TOKENS;
      }
    }
    return { tokens: chunk.length, done: at + chunk.length === tokens.length };
  }

  /** Takes note that `tokens` of a prompt are evaluated after what the sequence holds. */
  readPrompt(tokens: readonly number[]): void {
    this.readAgain += this.read.evaluated(this.tokens, tokens);
  }

  /** Evaluates tokens after what the sequence holds, densely. */
  async feed(tokens: readonly number[]): Promise<void> {
    await this.evaluate(tokens, true, { outputs: 0 });
  }

  /**
   * Teacher forcing: evaluates `tokens` after what the sequence holds, with the mask, and scores `labels`, the token
   * that really follows each of them.
   */
  async score(tokens: readonly number[], labels: readonly number[]): Promise<Evaluation> {
    const options = { outputs: tokens.length, labels: Int32Array.from(labels), fullHead: true };
    const { next, logLikelihood } = await this.evaluate(tokens, false, options);
    return { logLikelihood, top1: next };
  }

  /** Forgets what the sequence holds from `position` on. */
  rewind(position: number): void {
    this.exactTokens = Math.min(this.exactTokens, position);
    this.sequence.truncate(position);
  }

  /** Chooses from a screened head from here on; throws when the file is not a copy of this model's. */
  screenHead(file: string, identity: string): void {
    setHead(this.context, file, { identity });
    holdTokens(this.context, this.tokens);
    this.screened = true;
  }

  /** Back to the full head. */
  useFullHead(): void {
    if (this.screened && !this.context.disposed) {
      clearHead(this.context);
    }
    this.screened = false;
  }

  /** Lets a screened head compute as many rows exactly as a text needs; a full one needs to know nothing of it. */
  fitHead(...texts: readonly string[]): void {
    if (this.screened) {
      setHeadRows(this.context, rowsFor(...texts));
    }
  }

  /** Compares what is remembered of the choices with the full head's. */
  checkHead(): Promise<HeadChecked> {
    return this.screened && !this.context.disposed
      ? checkHead(this.context)
      : Promise.resolve({ checked: 0, missed: 0 });
  }

  /** The share of the head's bytes that tokens have read since it is screened; undefined: all. */
  get headRatio(): number | undefined {
    if (!this.screened) {
      return undefined;
    }
    const { tokens, bytes } = headCounters(this.context);
    return tokens === 0 ? undefined : bytes / tokens / headSupport(this.context.model).bytes;
  }

  /**
   * Packs the mask's rows, one layer each time the iterator is asked; dense until the last one is packed.
   * @param activeRatio what a token is to read
   */
  async *pack(layers: readonly LayerRows[], activeRatio: number): AsyncGenerator<number, void, void> {
    this.reset();
    let bytes = 0;
    for (const [index, layer] of layers.entries()) {
      this.assertKept();
      setFfnActive(this.context, false);
      bytes += await setFfnRows(this.context, index, layer.rows, {
        threads: this.threads,
        ...(layer.means === undefined ? {} : { means: layer.means }),
      });
      yield index;
    }
    this.activeRatio = activeRatio;
    this.readRatio = activeRatio;
    this.packedBytes = bytes;
  }

  /** Lets tokens choose for themselves from now on. @param planes of all layers, which must have been made */
  choose(layers: readonly LayerChoice[], activeRatio: number, planes: readonly PlaneSizes[]): void {
    this.reset();
    this.assertKept();
    const tiers = tiersFor(activeRatio, planes);
    setFfnActive(this.context, false);
    for (const [index, layer] of layers.entries()) {
      setFfnChoice(this.context, index, { ...layer, ...tierCounts(tiers, layer.gateWeights.length) });
    }
    this.activeRatio = activeRatio;
    this.readRatio = choiceShare(tiers, planes);
  }

  /** Back to the dense model; what was packed is freed. */
  async unpack(layerCount: number): Promise<void> {
    this.reset();
    if (this.context.disposed) {
      return; // and with it everything that was packed
    }
    for (let layer = 0; layer < layerCount; layer++) {
      await setFfnRows(this.context, layer, null, { threads: this.threads });
    }
  }

  private reset(): void {
    this.activeRatio = 1;
    this.readRatio = 1;
    this.packedBytes = 0;
    this.cost = new ColumnCost();
  }

  private assertKept(): void {
    if (this.context.disposed) {
      throw new EngineFailure("cancelled", "Another document took this document's place.");
    }
  }

  async dispose(): Promise<void> {
    await this.context.dispose();
    freeFfn(this.context);
  }

  /**
   * Forgets everything from the first token on that is not one of `tokens` or was not evaluated densely, but for what is to be used further behind.
   * Returns how many of `tokens` the sequence begins with.
   */
  private keep(tokens: readonly number[], landmarks?: Landmarks): number {
    const { exact, sequence } = this;
    const kept = commonPrefix(tokens, exact);
    if (!sequence.awaits(tokens, kept)) {
      sequence.setAside(kept, []);
    }
    if (landmarks !== undefined && sequence.canMove && sequence.nextPart === undefined) {
      const parts = movableParts(exact, tokens, kept, landmarks);
      const count = parts.reduce((sum, { from, to }) => sum + to - from, 0);
      if (count > 0 && count * this.msPerToken >= this.moveFromMs) {
        sequence.setAside(kept, parts);
      }
    }
    this.rewind(kept);
    for (let count = sequence.takeBack(); count > 0; count = sequence.takeBack()) {
      this.moved += count;
      this.exactTokens += count;
      holdTokens(this.context, this.tokens);
    }
    return this.tokens.length;
  }

  private async evaluate(
    tokens: readonly number[],
    dense: boolean,
    options: Omit<DecodeOptions, "position">,
  ): Promise<DecodeResult> {
    const isDense = dense || this.activeRatio === 1;
    const isExact = isDense && this.exactTokens === this.tokens.length;
    setFfnActive(this.context, !isDense);
    const result = await this.sequence.decode(tokens, options);
    if (isExact) {
      this.exactTokens = this.tokens.length;
    }
    return result;
  }
}

function commonPrefix(a: readonly number[], b: readonly number[]): number {
  let same = 0;
  while (same < a.length && same < b.length && a[same] === b[same]) {
    same++;
  }
  return same;
}
