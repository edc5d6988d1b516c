import { ANCHOR_LIMITS } from "../completion/anchor";
import { chooseFim, fimTokens, type FimTemplate, type Segment } from "../completion/fim";
import { heal } from "../completion/healing";
import { leadLinesFor } from "../completion/leadLines";
import { SETTLED_LIMITS, type PlanLimits } from "../completion/promptPlan";
import { ReadTokens } from "../completion/readTokens";
import { TextPlanner, type TextPlan } from "../completion/textPlan";
import { EngineFailure } from "../engine/errors";
import type { CompleteRequest, Prefill, StopReason, WarmRequest } from "../engine/protocol";
import { ask, ContextTooLong, expectSuccess, field, message, numberAt, textAt } from "./answers";
import type { Backend, Call, Served, Written } from "./backend";
import type { Connection } from "./connection";
import { DocumentMap } from "./documents";
import { TokenEstimate } from "./estimate";
import { agreeing, groupPieces, numbers, type Said } from "./said";
import { events } from "./streams";

/** Room in the context for the text that is generated, as in the engine. */
const COMPLETION_TOKENS = 128;
/** How often a prompt is made smaller that turned out too long. */
const TRIES = 3;
/** SentencePiece puts its space before this, not before the text that follows (as in the engine's tokenizer). */
const BEFORE_TEXT = "\u263a";
/** Models without a size that anybody tells are large: servers are for those. */
const UNKNOWN_PARAMETERS = 1e9;

interface Vocabulary {
  /** Special tokens by their texts. */
  readonly specials: ReadonlyMap<string, number>;
  readonly bos: number | undefined;
  /** Tokens of {@link BEFORE_TEXT}, where a text would get a space of its own. */
  readonly beforeText: readonly number[];
}

/** What is known of a document's prompts. */
interface Kept {
  readonly planner: TextPlanner;
  readonly read: ReadTokens;
  /** The head of the last prompt, and its tokens. */
  head: { readonly segments: readonly Segment[]; readonly tokens: readonly number[] } | undefined;
  /** What the last prompt and its answer had behind the head: the slot's cache holds it. */
  said: readonly Said[];
}

interface Prompt {
  readonly kept: Kept;
  readonly tokens: readonly number[];
  readonly typed: readonly Said[];
  /** Generation has to begin with this. */
  readonly piece: string;
  readonly reason: TextPlan["reason"];
}

/**
 * llama-server by its own interface (tools/server of llama.cpp v0.5.0): prompts are tokens, made with `/tokenize` where their
 * text is new, so that what has been typed follows the middle token as it does in the engine. `/infill` would put it before the suffix, which
 * is then evaluated again with every key.
 */
export class LlamaServer implements Backend {
  private readonly documents: DocumentMap<Kept>;
  private readonly estimate = new TokenEstimate();
  private contextSize: number;
  /** Tokens after which there is nothing to show. */
  private readonly stops: ReadonlySet<number>;

  private constructor(
    private readonly connection: Connection,
    readonly served: Served,
    private readonly vocabulary: Vocabulary,
    /** What the tokens of prompts depend on. */
    private readonly identity: string,
    fim: FimTemplate | undefined,
    leadLines: number,
  ) {
    this.contextSize = served.contextSize;
    this.stops = new Set((fim?.stopTokens ?? []).map((text) => vocabulary.specials.get(text)!));
    this.documents = new DocumentMap(() => ({
      planner: new TextPlanner(fim, this.estimate, leadLines),
      read: new ReadTokens(),
      head: undefined,
      said: [],
    }));
  }

  /**
   * @param props what `/props` has answered
   * @param contextSize tokens that a prompt is made for, at most
   */
  static async open(
    connection: Connection,
    props: unknown,
    contextSize: number,
    signal: AbortSignal,
  ): Promise<LlamaServer> {
    const vocabulary = await readVocabulary(connection, props, signal);
    const models = await ask(connection, "v1/models", undefined, signal).catch(() => undefined);
    const first = (field(models, "data") as readonly unknown[] | undefined)?.[0];
    const name = baseName(textAt(props, "model_alias") ?? textAt(props, "model_path") ?? "its model");
    const fim = chooseFim({ hasSpecial: (text) => vocabulary.specials.has(text), name });
    const told = numberAt(props, "default_generation_settings", "n_ctx") ?? 0;
    const ofSlot = told > 0 ? told : contextSize;
    const served: Served = {
      kind: "llama-server",
      product: "llama-server",
      model: name,
      contextSize: Math.min(contextSize, ofSlot),
      ...(fim === undefined ? {} : { fim: fim.family }),
      hasEdits: fim?.hasEdits === true,
    };
    const parameters = numberAt(first, "meta", "n_params") ?? UNKNOWN_PARAMETERS;
    return new LlamaServer(connection, served, vocabulary, identityOf(props), fim, leadLinesFor(parameters));
  }

  async complete(request: CompleteRequest, call: Call): Promise<Written> {
    for (let left = TRIES; ; left--) {
      const prompt = await this.prompt(request, ANCHOR_LIMITS, call.signal);
      call.onPrompt();
      const { piece } = prompt;
      try {
        return await this.generate(prompt, call, {
          n_predict: Math.max(1, Math.min(request.maxTokens, Math.floor(this.contextSize / 2))),
          // Held to the piece at the cursor, as the engine holds its own (completion/healing).
          ...(piece === "" ? {} : { grammar: `root ::= ${quoted(piece)} [^\\x00]*` }),
          // The server ends by itself, and the connection stays.
          ...(request.maxLines === 1 && !piece.includes("\n") ? { stop: ["\n"] } : {}),
        });
      } catch (error) {
        if (!(error instanceof ContextTooLong) || left === 1) {
          throw error;
        }
        // Its context is shared, or it was started anew with a smaller one.
        this.contextSize = Math.min(error.contextSize ?? Infinity, Math.floor(this.contextSize * 0.7));
      }
    }
  }

  async isSame(signal: AbortSignal): Promise<boolean> {
    return identityOf(await ask(this.connection, "props", undefined, signal)) === this.identity;
  }

  async warm(request: WarmRequest, signal: AbortSignal): Promise<Prefill> {
    const prompt = await this.prompt(request, SETTLED_LIMITS, signal);
    const call: Call = { signal, onPrompt: nothing, onRead: nothing, onText: () => false };
    return (await this.generate(prompt, call, { n_predict: 0 })).prefill;
  }

  private async generate(
    { kept, tokens, typed, piece, reason }: Prompt,
    call: Call,
    options: object,
  ): Promise<Written> {
    const { connection } = this;
    const body = {
      prompt: tokens,
      ...{ stream: true, return_tokens: true, timings_per_token: true, return_progress: true },
      ...{ cache_prompt: true, samplers: ["top_k"], top_k: 1, temperature: 0 },
      ...options,
    };
    kept.said = typed;
    const answer = await connection.request("completion", body, call.signal);
    await expectSuccess(connection, answer, call.signal);
    const reading = new Reading(piece);
    try {
      for await (const text of events(answer.body)) {
        if (text === "[DONE]") {
          continue;
        }
        const chunk = message(connection.shown, text);
        const progress = field(chunk, "prompt_progress");
        if (progress !== undefined) {
          reading.last = chunk;
          call.onRead(shareOf(progress));
          continue;
        }
        const beyond = reading.take(chunk);
        kept.said = [...typed, ...reading.said];
        if (reading.writes(this.stops) || (beyond !== undefined && call.onText(beyond))) {
          reading.isOver = true;
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
    return written(reading, tokens, kept.read, reason);
  }

  private async prompt(
    { context = [], ...request }: WarmRequest,
    limits: PlanLimits,
    signal: AbortSignal,
  ): Promise<Prompt> {
    const kept = this.documents.of(request);
    for (let left = TRIES; ; left--) {
      const budget = this.contextSize - Math.min(COMPLETION_TOKENS, Math.floor(this.contextSize / 4));
      const { head, typed, reason } = kept.planner.plan({ ...request, context, budget }, limits);
      if (kept.head?.segments !== head) {
        kept.head = { segments: head, tokens: await this.headTokens(head, signal) };
        kept.said = [];
      }
      const { stable, piece } = kept.head.tokens.length === 0 ? { stable: typed, piece: "" } : heal(typed);
      const { same, rest } = agreeing(kept.said, stable);
      const said = [...same, ...(await this.said(rest, signal))];
      const tokens = [...kept.head.tokens, ...said.flatMap((one) => one.tokens)];
      if (tokens.length === 0) {
        throw new EngineFailure("bad-request", "There is nothing to complete: no text before the cursor.");
      }
      if (tokens.length <= budget || left === 1) {
        return { kept, tokens, typed: said, piece, reason };
      }
      kept.planner.forget(); // it had more tokens than one would have thought
    }
  }

  private async headTokens(head: readonly Segment[], signal: AbortSignal): Promise<readonly number[]> {
    const { bos, specials, beforeText } = this.vocabulary;
    const before = beforeText.length > 0 ? BEFORE_TEXT : "";
    const content = head.flatMap<number | string>((segment) =>
      "special" in segment
        ? [specials.get(segment.special)!]
        : segment.text === ""
          ? []
          : [before + segment.text],
    );
    const answer = await ask(this.connection, "tokenize", { content, parse_special: false }, signal);
    const marks = new Set(content.filter((one) => typeof one === "number"));
    const tokens = withoutSpaces(numbers(field(answer, "tokens")), beforeText, marks);
    const characters = head.reduce((sum, one) => sum + ("text" in one ? one.text.length : 0), 0);
    this.estimate.learn(characters, tokens.length);
    return bos === undefined ? tokens : [bos, ...tokens];
  }

  private async said(text: string, signal: AbortSignal): Promise<readonly Said[]> {
    if (text === "") {
      return [];
    }
    const { beforeText } = this.vocabulary;
    const content = beforeText.length > 0 ? BEFORE_TEXT + text : text;
    const answer = await ask(
      this.connection,
      "tokenize",
      { content, parse_special: false, with_pieces: true },
      signal,
    );
    const groups = groupPieces(answer);
    return beforeText.length === 0
      ? groups
      : groups.slice(groups.findIndex((one) => one.text.endsWith(BEFORE_TEXT)) + 1);
  }
}

/** One answer while it is read. */
class Reading {
  readonly said: Said[] = [];
  last: unknown;
  isOver = false;
  private pending: number[] = [];

  /** @param held the text that it begins with, which stands before the cursor already */
  constructor(private held: string) {}

  /** The text of a chunk that is behind the cursor; undefined: none. */
  take(chunk: unknown): string | undefined {
    this.last = chunk;
    const content = textAt(chunk, "content") ?? "";
    this.pending.push(...numbers(field(chunk, "tokens")));
    if (field(chunk, "stop") === true) {
      this.isOver = true;
      if (textAt(chunk, "stop_type") === "word") {
        this.said.pop(); // its token goes on behind what came of it
      }
    }
    if (content === "") {
      return undefined;
    }
    this.said.push({ tokens: this.pending, text: content });
    this.pending = [];
    const beyond = content.slice(this.held.length);
    this.held = this.held.slice(content.length);
    return beyond;
  }

  /** Whether the model has written one of `marks`, which are no text. */
  writes(marks: ReadonlySet<number>): boolean {
    return this.pending.some((token) => marks.has(token));
  }
}

/** Why llama-server says that there is no more. */
const ENDED: ReadonlyMap<string, StopReason> = new Map([
  ["limit", "max-tokens"],
  ["word", "max-lines"],
]);

function written(
  { last }: Reading,
  prompt: readonly number[],
  read: ReadTokens,
  reason: TextPlan["reason"],
): Written {
  const cached = numberAt(last, "timings", "cache_n") ?? 0;
  const evaluated = numberAt(last, "timings", "prompt_n") ?? prompt.length - cached;
  const again = read.evaluated(prompt.slice(0, cached), prompt.slice(cached, cached + evaluated));
  return {
    prefill: { tokens: evaluated, ms: numberAt(last, "timings", "prompt_ms") ?? 0, again },
    // The first token comes out of the prompt, as the engine counts.
    decode: {
      tokens: Math.max(0, (numberAt(last, "timings", "predicted_n") ?? 0) - 1),
      ms: numberAt(last, "timings", "predicted_ms") ?? 0,
    },
    ended: ENDED.get(textAt(last, "stop_type") ?? "") ?? "eos",
    ...(reason === undefined ? {} : { anchored: reason }),
  };
}

async function readVocabulary(
  connection: Connection,
  props: unknown,
  signal: AbortSignal,
): Promise<Vocabulary> {
  const tokenize = (body: object): Promise<unknown> => ask(connection, "tokenize", body, signal);
  const wanted = fimTokens();
  const [marks, empty, space, before] = await Promise.all([
    tokenize({ content: wanted.flatMap((text) => [text, "\n"]), parse_special: true, with_pieces: true }),
    tokenize({ content: "", add_special: true, with_pieces: true }),
    tokenize({ content: "a", parse_special: false, with_pieces: true }),
    tokenize({ content: BEFORE_TEXT, parse_special: false }),
  ]);
  const specials = new Map(
    groupPieces(marks)
      .filter(({ text, tokens }) => tokens.length === 1 && wanted.includes(text))
      .map(({ text, tokens }) => [text, tokens[0]!]),
  );
  const first = groupPieces(empty)[0];
  const isBos = first !== undefined && first.text === textAt(props, "bos_token");
  const addsSpace = groupPieces(space)[0]?.text.startsWith(" ") === true;
  return {
    specials,
    bos: isBos ? first.tokens[0] : undefined,
    beforeText: addsSpace ? numbers(field(before, "tokens")) : [],
  };
}

/** Takes out what stands before every text: after each of `marks`, and at the beginning. */
function withoutSpaces(
  tokens: readonly number[],
  beforeText: readonly number[],
  marks: ReadonlySet<number | string>,
): readonly number[] {
  if (beforeText.length === 0) {
    return tokens;
  }
  const kept: number[] = [];
  for (let at = 0; at < tokens.length;) {
    const begins = at === 0 || marks.has(tokens[at - 1]!);
    if (begins && beforeText.every((token, index) => tokens[at + index] === token)) {
      at += beforeText.length;
    } else {
      kept.push(tokens[at++]!);
    }
  }
  return kept;
}

/** A text as a literal of llama.cpp's grammars. */
const quoted = (text: string): string =>
  `"${text.replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n").replaceAll("\r", "\\r").replaceAll("\t", "\\t")}"`;

function shareOf(progress: unknown): number {
  const of = (name: string): number => numberAt(progress, name) ?? 0;
  const wanted = of("total") - of("cache");
  return wanted > 0 ? Math.min(1, Math.max(0, (of("processed") - of("cache")) / wanted)) : 1;
}

const identityOf = (props: unknown): string =>
  JSON.stringify([
    ...["model_path", "model_alias", "build_info"].map((name) => field(props, name)),
    field(props, "default_generation_settings", "n_ctx"),
  ]);

const baseName = (path: string): string => path.replace(/^.*[\\/]/, "");

const nothing = (): void => undefined;
