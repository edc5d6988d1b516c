import type { LlamaModel, Token } from "node-llama-cpp";
import { chooseFim, type FimTemplate } from "../completion/fim";
import type { PlanTokenizer } from "../completion/promptPlan";
import { TokenTexts } from "../completion/tokenTexts";

/** The model's tokenizer as prompt building sees it; source text never becomes special tokens. */
export class ModelTokenizer implements PlanTokenizer {
  readonly bos: number | undefined;
  /** Undefined: the model has no fill-in-the-middle tokens and sees only the prefix. */
  readonly fim: FimTemplate | undefined;
  private readonly stops: ReadonlySet<number>;
  private known: TokenTexts | undefined;

  constructor(
    private readonly model: LlamaModel,
    modelName: string,
  ) {
    this.bos = model.tokens.shouldPrependBosToken ? (model.tokens.bos ?? undefined) : undefined;
    this.fim = chooseFim({ hasSpecial: (text) => this.special(text) !== undefined, name: modelName });
    this.stops = new Set((this.fim?.stopTokens ?? []).map((text) => this.special(text)!));
  }

  tokenize(text: string): number[] {
    return text === "" ? [] : this.model.tokenize(text, false);
  }

  special(text: string): number | undefined {
    const tokens = this.model.tokenize(text, true);
    const [token] = tokens;
    return tokens.length === 1 && token !== undefined && this.model.isSpecialToken(token) ? token : undefined;
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

  private *ordinaryTokens(): Generator<readonly [number, string]> {
    // A detokenizer may drop the space of a word that begins a text.
    const before = this.model.tokenize("a", false).slice(-1);
    for (const token of this.model.iterateAllTokens()) {
      if (this.stops.has(token) || this.model.isSpecialToken(token) || this.model.isEogToken(token)) {
        continue;
      }
      const text = this.model.detokenize([token], false, before);
      if (!text.includes("\ufffd")) {
        yield [token, text];
      }
    }
  }

  /** Turns tokens that follow `context` into text. */
  stream(context: readonly number[]): TextStream {
    return new TextStream(this.model, context as Token[]);
  }

  /** Whether a generated token ends the completion. */
  endsGeneration(token: number): boolean {
    return this.stops.has(token) || this.model.isEogToken(token as Token);
  }
}

/** How many tokens of left context a detokenizer may look at for its spacing. */
const CONTEXT_TOKENS = 4;

/** Turns generated tokens into text piece by piece, holding back characters whose bytes are not complete. */
export class TextStream {
  private pending: Token[] = [];

  /** @param context tokens that came before */
  constructor(
    private readonly model: LlamaModel,
    private context: Token[],
  ) {
    this.context = context.slice(-CONTEXT_TOKENS);
  }

  /** The text that `token` completes; empty while a character is incomplete. */
  push(token: number): string {
    this.pending.push(token as Token);
    const text = this.model.detokenize(this.pending, false, this.context);
    if (text.endsWith("\ufffd") && this.pending.length < 8) {
      return "";
    }
    this.context = [...this.context, ...this.pending].slice(-CONTEXT_TOKENS);
    this.pending = [];
    return text;
  }
}
