import type { LlamaModel, Token } from "node-llama-cpp";
import { chooseFim, type FimTemplate } from "../completion/fim";
import type { PlanTokenizer } from "../completion/promptPlan";
import { TokenTexts } from "../completion/tokenTexts";
import { Vocabulary } from "./vocabulary";

/** What SentencePiece puts its space before when it tokenises a text that goes on another. No token has it together with other text. */
const BEFORE_TEXT = "\u263a";

/** The model's tokenizer as prompt building sees it; source text never becomes special tokens. */
export class ModelTokenizer implements PlanTokenizer {
  readonly bos: number | undefined;
  /** Undefined: the model has no fill-in-the-middle tokens and sees only the prefix. */
  readonly fim: FimTemplate | undefined;
  private readonly vocabulary: Vocabulary;
  private readonly stops: ReadonlySet<number>;
  /** Source text that llama.cpp would read as a token, or not read as the token that it is. */
  private readonly taken: RegExp | undefined;
  private readonly beforeText: readonly number[];
  private known: TokenTexts | undefined;

  constructor(
    private readonly model: LlamaModel,
    modelName: string,
  ) {
    this.bos = model.tokens.shouldPrependBosToken ? (model.tokens.bos ?? undefined) : undefined;
    this.vocabulary = new Vocabulary(model.fileInfo.metadata.tokenizer.ggml);
    const { named, struck, addsSpace } = this.vocabulary;
    this.fim = chooseFim({ hasSpecial: (text) => this.special(text) !== undefined, name: modelName, named });
    this.stops = new Set((this.fim?.stopTokens ?? []).map((text) => this.special(text)!));
    const whole = [...struck].flatMap(([token, text]) => (this.vocabulary.isWhole(token) ? [text] : []));
    const taken = [...(this.fim?.stopTokens ?? []), ...whole].map((text) =>
      text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"),
    );
    this.taken = taken.length === 0 ? undefined : new RegExp(`(${taken.join("|")})`);
    this.beforeText = addsSpace ? model.tokenize(BEFORE_TEXT, false) : [];
  }

  tokenize(text: string): number[] {
    const parts = this.taken === undefined ? [text] : text.split(this.taken);
    // Every other part is a token's name.
    return parts.flatMap((part, index) => (index % 2 === 0 ? this.plain(part) : this.spelled(part)));
  }

  special(text: string): number | undefined {
    return this.vocabulary.special(text);
  }

  text(token: number): string | undefined {
    return this.texts.text(token);
  }

  /** Reads what healing needs of the vocabulary, which takes long where that is large: for idle time. */
  prepare(): void {
    this.known ??= new TokenTexts(this.ordinaryTokens());
  }

  /** Texts of all ordinary tokens; read from the model on the first call. */
  get texts(): TokenTexts {
    this.prepare();
    return this.known!;
  }

  private plain(text: string): number[] {
    if (text === "" || this.beforeText.length === 0) {
      return text === "" ? [] : this.model.tokenize(text, false);
    }
    const tokens = this.model.tokenize(BEFORE_TEXT + text, false);
    const apart = this.beforeText.every((token, index) => tokens[index] === token);
    return apart ? tokens.slice(this.beforeText.length) : this.model.tokenize(text, false);
  }

  /** A token's name in source text is that text; only struck text is a token as the model knows it. */
  private spelled(name: string): number[] {
    const token = this.special(name);
    return token !== undefined && this.vocabulary.struck.has(token)
      ? [token]
      : [...this.plain(name.slice(0, 1)), ...this.plain(name.slice(1))];
  }

  private *ordinaryTokens(): Generator<readonly [number, string]> {
    // A detokenizer may drop the space of a word that begins a text.
    const before = this.model.tokenize("a", false).slice(-1);
    for (const token of this.model.iterateAllTokens()) {
      const struck = this.vocabulary.struck.get(token);
      if (struck === undefined && this.endsGeneration(token)) {
        continue;
      }
      const text = struck ?? this.model.detokenize([token], false, before);
      if (!text.includes("\ufffd")) {
        yield [token, text];
      }
    }
  }

  /** Turns tokens that follow `context` into text. */
  stream(context: readonly number[]): TextStream {
    return new TextStream(this.model, context as Token[], this.vocabulary.struck);
  }

  /** Whether a generated token ends the completion: the model's own end, and every mark, which would be nothing to show. */
  endsGeneration(token: number): boolean {
    return (
      !this.vocabulary.struck.has(token) &&
      (this.stops.has(token) || this.vocabulary.isMark(token) || this.model.isSpecialToken(token as Token))
    );
  }
}

/** How many tokens of left context a detokenizer may look at for its spacing. */
const CONTEXT_TOKENS = 4;

/** Turns generated tokens into text piece by piece, holding back characters whose bytes are not complete. */
export class TextStream {
  private pending: Token[] = [];

  /**
   * @param context tokens that came before
   * @param spelled tokens whose text the detokenizer does not tell
   */
  constructor(
    private readonly model: LlamaModel,
    private context: Token[],
    private readonly spelled: ReadonlyMap<number, string> = new Map(),
  ) {
    this.context = context.slice(-CONTEXT_TOKENS);
  }

  /** The text that `token` completes; empty while a character is incomplete. */
  push(token: number): string {
    this.pending.push(token as Token);
    const spelled = this.spelled.get(token);
    const rest = spelled === undefined ? this.pending : this.pending.slice(0, -1);
    const text =
      (rest.length === 0 ? "" : this.model.detokenize(rest, false, this.context)) + (spelled ?? "");
    if (text.endsWith("\ufffd") && this.pending.length < 8) {
      return "";
    }
    this.context = [...this.context, ...this.pending].slice(-CONTEXT_TOKENS);
    this.pending = [];
    return text;
  }
}
