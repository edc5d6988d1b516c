import type { Plan } from "../completion/promptPlan";
import type { StopRules } from "../completion/stopRules";
import { toAbortError } from "./abort";
import { chooseTokens, type Choice } from "./choices";
import type { DocumentContext } from "./document";
import { now } from "./clock";
import type { CompleteResult, StopReason } from "./protocol";
import type { ModelTokenizer } from "./tokenizer";

export interface Generation {
  readonly tokenizer: ModelTokenizer;
  readonly document: DocumentContext;
  readonly plan: Plan;
  readonly maxTokens: number;
  readonly contextSize: number;
  readonly rules: StopRules;
  /** Tokens of a draft at most; 0: none. */
  readonly draftTokens: number;
  readonly signal: AbortSignal;
  /** When the request arrived and when its turn came, on `clock.now`. */
  readonly since: { readonly arrived: number; readonly turn: number };
  /** @param read how much of the prompt has been evaluated, as long as it is */
  emit(text: string, read?: number): void;
  /** The prompt is evaluated; what follows is decoding. */
  onPrompt(): void;
}

/**
 * Prefill and greedy decoding of one completion. Ends within one token of the signal's abort; what was generated until
 * then is the result. The first generated token comes out of the prefill, so `decode.tokens` is one less than what
 * was generated.
 */
export async function generate(generation: Generation): Promise<CompleteResult> {
  const { document, plan, signal, tokenizer, draftTokens } = generation;
  const run = new Run(generation);
  const { tokens: prompt, piece } = plan;
  try {
    const onRead = (share: number): void => generation.emit("", share);
    const pending = await document.approach(prompt, signal, onRead, plan.landmarks);
    run.promptTokens = run.evaluated(prompt.length);
    document.readPrompt(pending);
    const room = generation.contextSize - 1 - prompt.length + pending.length;
    const choosing = { document, tokenizer, prompt, pending, piece, draftTokens, room, drafted: run.drafted };
    for await (const choice of chooseTokens(choosing)) {
      if (run.take(choice)) {
        break;
      }
    }
  } catch (error) {
    if (!signal.aborted) {
      throw error;
    }
    run.stopReason = abortReason(signal);
    run.promptTokens = run.evaluated(document.cached(prompt));
  }
  return run.result();
}

/** What one generation has come to. */
class Run {
  stopReason: StopReason = "max-tokens";
  promptTokens = 0;
  readonly drafted = { proposed: 0, accepted: 0 };
  private readonly start = now();
  private readonly stream;
  private firstAt: number | undefined;
  private steps = 0;
  private text: string | undefined;
  private readonly cachedTokens: number;
  private readonly readAgain: number;
  private readonly moved: number;

  constructor(private readonly generation: Generation) {
    const { document, plan, tokenizer } = generation;
    this.cachedTokens = document.cached(plan.tokens);
    this.readAgain = document.readAgain;
    this.moved = document.moved;
    this.stream = tokenizer.stream(plan.tokens);
  }

  /** How many of a prompt's first tokens have been evaluated for this run. */
  evaluated(tokens: number): number {
    return Math.max(0, tokens - this.cachedTokens - (this.generation.document.moved - this.moved));
  }

  /** True when the completion is over. */
  take({ token, beyondPiece }: Choice): boolean {
    const { generation } = this;
    if (this.firstAt === undefined) {
      generation.onPrompt();
      this.firstAt = now();
    } else {
      this.steps++;
    }
    if (generation.signal.aborted) {
      this.stopReason = abortReason(generation.signal);
      return true;
    }
    if (generation.tokenizer.endsGeneration(token)) {
      this.stopReason = "eos";
      return true;
    }
    const said = this.stream.push(token);
    const text = beyondPiece ?? said;
    const state = generation.rules.push(text);
    if (state.stop) {
      this.stopReason = state.rule === "max-lines" ? "max-lines" : "stop-rule";
      this.text = state.text;
      return true;
    }
    if (text !== "") {
      generation.emit(text);
    }
    return this.steps + 1 >= generation.maxTokens;
  }

  result(): CompleteResult {
    const end = now();
    const { steps: tokens, firstAt = end } = this;
    const { activeRatio, readRatio, headRatio } = this.generation.document;
    const ms = end - firstAt;
    const { reason } = this.generation.plan;
    return {
      text: this.text ?? this.generation.rules.generated,
      stopReason: this.stopReason,
      activeRatio,
      ...(activeRatio < 1 ? { readRatio } : {}),
      ...(headRatio === undefined ? {} : { headRatio }),
      prefill: {
        tokens: this.promptTokens,
        ms: firstAt - this.start,
        again: this.generation.document.readAgain - this.readAgain,
      },
      decode: { tokens, ms, tokensPerSecond: tokens > 0 && ms > 0 ? (1000 * tokens) / ms : 0 },
      ...(this.drafted.proposed === 0 ? {} : { drafts: this.drafted }),
      times: {
        ...this.generation.since,
        prompt: this.start,
        ...(this.firstAt === undefined ? {} : { firstToken: this.firstAt }),
      },
      ...(reason === undefined ? {} : { anchored: reason }),
    };
  }
}

const abortReason = (signal: AbortSignal): StopReason =>
  toAbortError(signal).code === "deadline" ? "deadline" : "cancelled";
