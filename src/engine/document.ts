import type { LlamaContext, LlamaContextSequence, LlamaModel, Token } from "node-llama-cpp";
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
   * One piece of a prefill; whatever the sequence held before. Resolves to how many tokens were evaluated and whether
   * all of the prompt but its last token now is in the cache.
   */
  async prefillStep(prompt: readonly number[]): Promise<{ readonly tokens: number; readonly done: boolean }> {
    const tokens = prompt.slice(0, -1) as Token[];
    await this.sequence.adaptStateToTokens(tokens.slice(0, this.exactTokens), false);
    const at = this.sequence.nextTokenIndex;
    this.exactTokens = at;
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

  private setSparse(sparse: boolean): void {
    if (hasSparseEngine(this.model.llama)) {
      setFfnActive(this.context, sparse && this.activeRatio < 1);
    }
  }
}
