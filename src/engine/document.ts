import type {
  ControlledEvaluateIndexOutput,
  ControlledEvaluateInputItem,
  LlamaContext,
  LlamaContextSequence,
  LlamaModel,
  Token,
} from "node-llama-cpp";
import type { Evaluation } from "../sparsity/guard";
import type { LayerMask } from "../sparsity/mask";
import { throwIfAborted } from "./abort";
import { EngineFailure } from "./errors";
import { hasSparseEngine, setFfnActive, setFfnRows } from "./native";
import type { Timing } from "./protocol";

/**
 * Tokens evaluated at once: a cancelled prefill stops after at most one such piece, and compute buffers are no larger
 * than it needs.
 */
const BATCH_TOKENS = 64;

/**
 * One document's native state: its context with the KV cache of its last prompt and its packed FFN rows. Prompts are
 * evaluated densely; only generated tokens pass through the mask (design decision 9).
 */
export class DocumentContext {
  /** The share of neurons active while decoding; 1: dense. */
  activeRatio = 1;
  packedBytes = 0;
  /** Tokens at the start of the sequence whose KV entries were computed densely. */
  private exactTokens = 0;

  private constructor(
    private readonly model: LlamaModel,
    private readonly context: LlamaContext,
    private readonly sequence: LlamaContextSequence,
    private readonly threads: number,
  ) {}

  static async create(model: LlamaModel, contextSize: number, threads: number): Promise<DocumentContext> {
    const context = await model.createContext({
      contextSize,
      threads,
      sequences: 1,
      batchSize: BATCH_TOKENS,
    });
    return new DocumentContext(model, context, context.getSequence(), threads);
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
   */
  async approach(prompt: readonly number[], signal: AbortSignal): Promise<readonly number[]> {
    for (;;) {
      throwIfAborted(signal);
      await this.keep(prompt.slice(0, -1));
      const at = this.sequence.nextTokenIndex;
      if (prompt.length - at <= BATCH_TOKENS) {
        return prompt.slice(at);
      }
      await this.prefillStep(prompt);
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
    const choose = { generateNext: { token: true } };
    const input = [...tokens, ...drafts].map((token, index): ControlledEvaluateInputItem =>
      index < tokens.length - 1 ? (token as Token) : [token as Token, choose],
    );
    const output = await this.evaluate(input, dense);
    return output.slice(tokens.length - 1).map((item) => item!.next.token!);
  }

  /** As {@link next}, without drafts: the most likely one of `allowed`, or undefined when there is none. */
  async nextAmong(
    tokens: readonly number[],
    allowed: readonly number[],
    dense = false,
  ): Promise<number | undefined> {
    const logits = { filter: { tokens: allowed as Token[] } };
    const input = tokens.map((token, index): ControlledEvaluateInputItem =>
      index < tokens.length - 1 ? (token as Token) : [token as Token, { generateNext: { logits } }],
    );
    const output = await this.evaluate(input, dense);
    let best: number | undefined;
    let most = -Infinity;
    for (const [token, logit] of output.at(-1)!.next.logits!) {
      if (logit > most) {
        best = token;
        most = logit;
      }
    }
    return best;
  }

  /** How many tokens of a prompt need no evaluation; its last one always does. */
  cached(prompt: readonly number[]): number {
    const { tokens } = this;
    const most = Math.min(prompt.length - 1, tokens.length, this.exactTokens);
    let same = 0;
    while (same < most && prompt[same] === tokens[same]) {
      same++;
    }
    return same;
  }

  /** Tokens that the cache holds. */
  get tokens(): readonly number[] {
    return this.sequence.contextTokens;
  }

  /**
   * One piece of a prefill; whatever the sequence held before. Resolves to how many tokens were evaluated and whether
   * all of the prompt but its last token now is in the cache.
   */
  async prefillStep(prompt: readonly number[]): Promise<{ readonly tokens: number; readonly done: boolean }> {
    const tokens = prompt.slice(0, -1) as Token[];
    await this.keep(tokens);
    const at = this.sequence.nextTokenIndex;
    const chunk = tokens.slice(at, at + BATCH_TOKENS);
    if (chunk.length > 0) {
      this.setSparse(false);
      await this.sequence.evaluateWithoutGeneratingNewTokens(chunk);
      this.exactTokens = at + chunk.length;
    }
    return { tokens: chunk.length, done: at + chunk.length === tokens.length };
  }

  /**
   * Greedy decoding from the prompt's last token on; `prefill` must have evaluated what comes before it. Each step
   * evaluates one token; leaving the loop evaluates nothing more.
   */
  async *decode(lastPromptToken: number): AsyncGenerator<number, void, void> {
    this.setSparse(false); // the prompt's last token is prompt, too
    for await (const token of this.sequence.evaluate([lastPromptToken as Token], {
      temperature: 0,
      yieldEogToken: true,
    })) {
      if (this.exactTokens < this.sequence.nextTokenIndex && this.activeRatio === 1) {
        this.exactTokens = this.sequence.nextTokenIndex;
      }
      this.setSparse(true);
      yield token;
    }
  }

  /** Evaluates tokens after what the sequence holds, densely. */
  async feed(tokens: readonly number[]): Promise<void> {
    this.setSparse(false);
    await this.sequence.evaluateWithoutGeneratingNewTokens(tokens as Token[]);
  }

  /**
   * Teacher forcing: evaluates `tokens` after what the sequence holds, with the mask, and scores `labels`, the token
   * that really follows each of them.
   */
  async score(tokens: readonly number[], labels: readonly number[]): Promise<Evaluation> {
    this.setSparse(true);
    const scored = await this.sequence.controlledEvaluate(
      tokens.map((token, index) => {
        const filter = { tokens: [labels[index] as Token], includeSelected: true };
        return [
          token as Token,
          { generateNext: { token: true, totalLogitWeight: true, logits: { filter } } },
        ];
      }),
    );
    const logLikelihood = new Float32Array(tokens.length);
    const top1 = new Int32Array(tokens.length);
    scored.forEach((output, index) => {
      // Greedy: the selected token has the largest logit, against which the total weight is counted.
      const { token, logits, totalLogitWeight } = output!.next;
      const logit = logits!.get(labels[index] as Token)!;
      logLikelihood[index] = logit - logits!.get(token!)! - Math.log(totalLogitWeight!);
      top1[index] = token!;
    });
    return { logLikelihood, top1 };
  }

  /** Forgets what the sequence holds from `position` on. */
  async rewind(position: number): Promise<void> {
    this.exactTokens = Math.min(this.exactTokens, position);
    await this.sequence.adaptStateToTokens(this.sequence.contextTokens.slice(0, position), false);
  }

  /** Packs the mask's rows, one layer each time the iterator is asked; dense until the last one is packed. */
  async *pack(layers: readonly LayerMask[], activeRatio: number): AsyncGenerator<number, void, void> {
    this.activeRatio = 1;
    this.packedBytes = 0;
    let bytes = 0;
    for (const [index, layer] of layers.entries()) {
      if (this.context.disposed) {
        throw new EngineFailure("cancelled", "Another document took this document's place.");
      }
      setFfnActive(this.context, false);
      bytes += await setFfnRows(this.context, index, layer.rows, {
        threads: this.threads,
        ...(layer.means === undefined ? {} : { means: layer.means }),
      });
      yield index;
    }
    this.activeRatio = activeRatio;
    this.packedBytes = bytes;
  }

  /** Back to the dense model; what was packed is freed. */
  async unpack(layerCount: number): Promise<void> {
    this.activeRatio = 1;
    this.packedBytes = 0;
    if (this.context.disposed) {
      return; // and with it everything that was packed
    }
    for (let layer = 0; layer < layerCount; layer++) {
      await setFfnRows(this.context, layer, null, { threads: this.threads });
    }
  }

  dispose(): Promise<void> {
    return this.context.dispose();
  }

  /** Forgets everything from the first token on that is not one of `tokens` or was not evaluated densely. */
  private async keep(tokens: readonly number[]): Promise<void> {
    await this.sequence.adaptStateToTokens(tokens.slice(0, this.exactTokens) as Token[], false);
    this.exactTokens = this.sequence.nextTokenIndex;
  }

  private async evaluate(
    input: ControlledEvaluateInputItem[],
    dense: boolean,
  ): Promise<(ControlledEvaluateIndexOutput | undefined)[]> {
    const exact = this.exactTokens === this.sequence.nextTokenIndex && (dense || this.activeRatio === 1);
    this.setSparse(!dense);
    const output = await this.sequence.controlledEvaluate(input);
    if (exact) {
      this.exactTokens = this.sequence.nextTokenIndex;
    }
    return output;
  }

  private setSparse(sparse: boolean): void {
    if (hasSparseEngine(this.model.llama)) {
      setFfnActive(this.context, sparse && this.activeRatio < 1);
    }
  }
}
