import type { LlamaModel, Token } from "node-llama-cpp";
import type { StopRules } from "../completion/stopRules";
import { toAbortError } from "./abort";
import type { DocumentContext } from "./document";
import type { CompleteResult, StopReason, Timing } from "./protocol";
import { TextStream, type ModelTokenizer } from "./tokenizer";

export interface Generation {
  readonly model: LlamaModel;
  readonly tokenizer: ModelTokenizer;
  readonly document: DocumentContext;
  readonly prompt: readonly number[];
  readonly maxTokens: number;
  readonly rules: StopRules;
  readonly signal: AbortSignal;
  emit(text: string): void;
  /** The prompt is evaluated; what follows is decoding. */
  onPrompt(): void;
}

/**
 * Prefill and greedy decoding of one completion. Ends within one token of the signal's abort; what was generated until
 * then is the result. The first generated token comes out of the prefill, so `decode.tokens` is one less than what
 * was generated.
 */
export async function generate(generation: Generation): Promise<CompleteResult> {
  const { document, prompt, signal } = generation;
  const start = performance.now();
  let prefill: Timing;
  try {
    prefill = await document.prefill(prompt, signal);
  } catch (error) {
    if (!signal.aborted) {
      throw error;
    }
    return result(generation, "", abortReason(signal), { tokens: 0, ms: performance.now() - start }, 0, 0);
  }

  const stream = new TextStream(generation.model, prompt as Token[]);
  let steps = 0;
  let firstAt: number | undefined;
  let stopReason: StopReason = "max-tokens";
  let text: string | undefined;
  for await (const token of document.decode(prompt.at(-1)!)) {
    if (firstAt === undefined) {
      generation.onPrompt();
      firstAt = performance.now();
    } else {
      steps++;
    }
    if (signal.aborted) {
      stopReason = abortReason(signal);
      break;
    }
    if (generation.tokenizer.endsGeneration(token)) {
      stopReason = "eos";
      break;
    }
    const piece = stream.push(token);
    const state = generation.rules.push(piece);
    if (state.stop) {
      stopReason = state.rule === "max-lines" ? "max-lines" : "stop-rule";
      text = state.text;
      break;
    }
    if (piece !== "") {
      generation.emit(piece);
    }
    if (steps + 1 >= generation.maxTokens) {
      break;
    }
  }
  const end = performance.now();
  const total: Timing = { tokens: prefill.tokens + 1, ms: (firstAt ?? end) - start };
  return result(
    generation,
    text ?? generation.rules.generated,
    stopReason,
    total,
    steps,
    end - (firstAt ?? end),
  );
}

function result(
  { document }: Generation,
  text: string,
  stopReason: StopReason,
  prefill: Timing,
  tokens: number,
  ms: number,
): CompleteResult {
  const tokensPerSecond = tokens > 0 && ms > 0 ? (1000 * tokens) / ms : 0;
  return {
    text,
    stopReason,
    activeRatio: document.activeRatio,
    prefill,
    decode: { tokens, ms, tokensPerSecond },
  };
}

const abortReason = (signal: AbortSignal): StopReason =>
  toAbortError(signal).code === "deadline" ? "deadline" : "cancelled";
