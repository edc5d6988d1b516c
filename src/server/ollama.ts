import type { CompleteRequest, Prefill } from "../engine/protocol";
import { ask, expectSuccess, field, message, numberAt, textAt } from "./answers";
import type { Backend, Call, Served, Written } from "./backend";
import type { Connection } from "./connection";
import { stopsOf } from "./openAi";
import { fimWay, TextPrompts, TextReading, type FimWay } from "./plainText";
import { lines } from "./streams";
import { chooseServed, type Wanted } from "./wanted";

/** What a model's context is unless its file or the server's settings say otherwise. Asking for another one would load it anew. */
const CONTEXT_SIZE = 4096;

/**
 * Ollama's `/api/generate` (documentation of 0.40): with `suffix`, where the model's template has a place for it, or `raw` with a
 * fill-in-the-middle prompt of a family that its name tells or a setting names.
 */
export class Ollama implements Backend {
  private readonly prompts: TextPrompts;

  private constructor(
    private readonly connection: Connection,
    readonly served: Served,
    private readonly version: string,
    private readonly way: FimWay,
  ) {
    this.prompts = new TextPrompts(way, served.contextSize);
  }

  static async open(
    connection: Connection,
    version: string,
    wanted: Wanted,
    signal: AbortSignal,
  ): Promise<Ollama> {
    const tags = field(await ask(connection, "api/tags", undefined, signal), "models");
    const names = (Array.isArray(tags) ? (tags as readonly unknown[]) : []).map((one) => textAt(one, "name"));
    const offered = names.filter((one) => one !== undefined);
    const model = chooseServed(connection.shown, wanted.model, offered);
    const shown = await ask(connection, "api/show", { model }, signal);
    const capabilities = field(shown, "capabilities");
    const inserts = Array.isArray(capabilities) && capabilities.includes("insert");
    const way = fimWay(wanted.fim, model, inserts);
    const ownSize = Number(/^num_ctx\s+(\d+)/m.exec(textAt(shown, "parameters") ?? "")?.[1] ?? CONTEXT_SIZE);
    const served: Served = {
      kind: "ollama",
      product: `Ollama ${version}`,
      model,
      contextSize: Math.min(wanted.contextSize, ownSize),
      ...(way === undefined ? {} : { fim: way === "suffix" ? way : way.family }),
      hasEdits: typeof way === "object" && way.hasEdits,
    };
    return new Ollama(connection, served, version, way);
  }

  async complete(request: CompleteRequest, call: Call): Promise<Written> {
    const { connection, way } = this;
    const prompt = this.prompts.of(request);
    call.onPrompt();
    const body = {
      model: this.served.model,
      prompt: prompt.prompt,
      ...(prompt.suffix === undefined ? { raw: true } : { suffix: prompt.suffix }),
      stream: true,
      options: { temperature: 0, num_predict: request.maxTokens, stop: stopsOf(way, request) },
    };
    const reading = new TextReading(call);
    const answer = await connection.request("api/generate", body, call.signal);
    await expectSuccess(connection, answer, call.signal);
    let last: unknown;
    try {
      for await (const line of lines(answer.body)) {
        const chunk = message(connection.shown, line);
        if (field(chunk, "done") === true) {
          last = chunk;
          reading.isOver = true;
        }
        if (reading.take(textAt(chunk, "response") ?? "")) {
          break;
        }
      }
    } catch (error) {
      throw connection.lost(error, call.signal);
    } finally {
      answer.body.destroy();
    }
    if (!reading.isOver) {
      throw connection.lost(new Error("it has no end"), call.signal);
    }
    const { times } = reading;
    const nanoseconds = (name: string): number | undefined => {
      const value = numberAt(last, name);
      return value === undefined ? undefined : value / 1e6;
    };
    const evaluated = numberAt(last, "prompt_eval_count");
    return {
      prefill: {
        tokens: evaluated ?? prompt.tokens,
        ms: nanoseconds("prompt_eval_duration") ?? times.prompt,
        again: 0,
      },
      decode: {
        tokens: Math.max(0, (numberAt(last, "eval_count") ?? reading.pieces) - 1),
        ms: nanoseconds("eval_duration") ?? times.text,
      },
      ended: textAt(last, "done_reason") === "length" ? "max-tokens" : "eos",
      ...(prompt.reason === undefined ? {} : { anchored: prompt.reason }),
    };
  }

  /** Every request names its model. */
  async isSame(signal: AbortSignal): Promise<boolean> {
    const told = await ask(this.connection, "api/version", undefined, signal);
    return textAt(told, "version") === this.version;
  }

  warm(): Promise<Prefill> {
    return Promise.resolve({ tokens: 0, ms: 0, again: 0 });
  }
}
