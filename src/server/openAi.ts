import type { CompleteRequest, Prefill } from "../engine/protocol";
import { ask, ContextTooLong, expectSuccess, field, message, numberAt, textAt } from "./answers";
import type { Backend, Call, Served, Written } from "./backend";
import type { Connection } from "./connection";
import { fimWay, TextPrompts, TextReading, type FimWay, type TextPrompt } from "./plainText";
import { events } from "./streams";
import { chooseServed, type Wanted } from "./wanted";

/** Products by what they say owns their models. */
const PRODUCTS: Readonly<Record<string, string>> = {
  vllm: "vLLM",
  sglang: "SGLang",
  llamacpp: "llama-server",
  organization_owner: "LM Studio",
};
/** As many texts that end an answer as OpenAI's interface takes. */
const MAX_STOPS = 4;

/**
 * Servers with OpenAI's `/v1/completions` (documentation of vLLM 0.8, LM Studio 0.4; SGLang and TGI follow the same). vLLM knows no `suffix`: its models are
 * given a fill-in-the-middle prompt of their family.
 */
export class OpenAi implements Backend {
  private readonly prompts: TextPrompts;

  private constructor(
    private readonly connection: Connection,
    readonly served: Served,
    private readonly way: FimWay,
    /** Tells its usage with every chunk, when asked to: an answer that is ended early would tell none. */
    private readonly countsAlong: boolean,
  ) {
    this.prompts = new TextPrompts(way, served.contextSize);
  }

  /** @param models what `/v1/models` lists */
  static open(connection: Connection, models: readonly unknown[], wanted: Wanted): OpenAi {
    const names = models.map((one) => textAt(one, "id")).filter((one) => one !== undefined);
    const model = chooseServed(connection.shown, wanted.model, names);
    const chosen = models.find((one) => textAt(one, "id") === model);
    const owner = textAt(chosen, "owned_by") ?? "";
    const countsAlong = owner === "vllm" || owner === "sglang";
    const way = fimWay(wanted.fim, model, !countsAlong);
    const served: Served = {
      kind: "openai",
      product: PRODUCTS[owner] ?? "OpenAI's interface",
      model,
      contextSize: Math.min(wanted.contextSize, numberAt(chosen, "max_model_len") ?? Infinity),
      ...(way === undefined ? {} : { fim: way === "suffix" ? way : way.family }),
      hasEdits: typeof way === "object" && way.hasEdits,
    };
    return new OpenAi(connection, served, way, countsAlong);
  }

  async complete(request: CompleteRequest, call: Call): Promise<Written> {
    const prompt = this.prompts.of(request);
    call.onPrompt();
    try {
      return await this.generate(prompt, request, call);
    } catch (error) {
      if (!(error instanceof ContextTooLong)) {
        throw error;
      }
      const { contextSize } = this.prompts;
      this.prompts.contextSize = Math.min(error.contextSize ?? Infinity, Math.floor(contextSize * 0.7));
      return this.generate(this.prompts.of(request), request, call);
    }
  }

  async isSame(signal: AbortSignal): Promise<boolean> {
    const models = field(await ask(this.connection, "v1/models", undefined, signal), "data");
    return Array.isArray(models) && models.some((one) => textAt(one, "id") === this.served.model);
  }

  warm(): Promise<Prefill> {
    return Promise.resolve({ tokens: 0, ms: 0, again: 0 });
  }

  private async generate(prompt: TextPrompt, request: CompleteRequest, call: Call): Promise<Written> {
    const { connection } = this;
    const body = {
      model: this.served.model,
      prompt: prompt.prompt,
      ...(prompt.suffix === undefined ? {} : { suffix: prompt.suffix }),
      max_tokens: request.maxTokens,
      temperature: 0,
      stream: true,
      stream_options: { include_usage: true, ...(this.countsAlong ? { continuous_usage_stats: true } : {}) },
      stop: stopsOf(this.way, request).slice(0, MAX_STOPS),
    };
    const reading = new TextReading(call);
    const answer = await connection.request("v1/completions", body, call.signal);
    await expectSuccess(connection, answer, call.signal);
    let usage: unknown;
    let finish: string | undefined;
    try {
      for await (const text of events(answer.body)) {
        if (text === "[DONE]") {
          reading.isOver = true;
          continue;
        }
        const chunk = message(connection.shown, text);
        usage = field(chunk, "usage") ?? usage;
        const choice = (field(chunk, "choices") as readonly unknown[] | undefined)?.[0];
        finish = textAt(choice, "finish_reason") ?? finish;
        if (reading.take(textAt(choice, "text") ?? "")) {
          break;
        }
      }
    } catch (error) {
      throw connection.lost(error, call.signal);
    } finally {
      answer.body.destroy();
    }
    if (!reading.isOver && finish === undefined) {
      throw connection.lost(new Error("it has no end"), call.signal);
    }
    const { times } = reading;
    const inPrompt = numberAt(usage, "prompt_tokens");
    if (inPrompt !== undefined) {
      this.prompts.learn(prompt, inPrompt);
    }
    const cached = numberAt(usage, "prompt_tokens_details", "cached_tokens") ?? 0;
    return {
      prefill: {
        tokens: Math.max(0, (inPrompt ?? prompt.tokens) - cached),
        ms: times.prompt,
        again: 0,
      },
      decode: {
        tokens: Math.max(0, (numberAt(usage, "completion_tokens") ?? reading.pieces) - 1),
        ms: times.text,
      },
      ended: finish === "length" ? "max-tokens" : "eos",
      ...(prompt.reason === undefined ? {} : { anchored: prompt.reason }),
    };
  }
}

/** Texts that end an answer: a line's end, where a line is wanted, and marks that are no text. */
export function stopsOf(way: FimWay, { maxLines }: Pick<CompleteRequest, "maxLines">): string[] {
  const marks = typeof way === "object" ? [...way.stopTokens].reverse() : [];
  return [...(maxLines === 1 ? ["\n"] : []), ...marks];
}
