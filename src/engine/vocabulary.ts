import type { NamedTokens } from "../completion/fim";

/** What a model's file says of its tokens, as GGUF's `tokenizer.ggml` has it. */
export interface TokenizerMetadata {
  /** `llama`: SentencePiece. */
  readonly model?: string;
  readonly tokens: readonly string[];
  /** llama.cpp's token types; absent: all are ordinary. */
  readonly token_type?: readonly number[];
  readonly add_space_prefix?: boolean;
  /** `fim_pre_token_id` and the like. */
  readonly [key: string]: unknown;
}

const NORMAL = 1;
const UNKNOWN = 2;
const CONTROL = 3;
const USER_DEFINED = 4;
const UNUSED = 5;

/** What a special token's text looks like; SentencePiece puts a mark for a space before some. */
const MARK = /^▁?(?:<[^\s<>]+>|\[[^\s[\]]+\])$/u;
/** Vocabularies have these as tokens of their own, and mean the text. */
const HTML =
  /^<\/?(?:a|abbr|article|aside|b|blockquote|body|br|button|caption|center|code|col|colgroup|dd|del|div|dl|dt|em|figure|footer|form|h[1-6]|head|header|hr|html|i|iframe|img|input|ins|label|li|link|main|meta|nav|ol|option|p|pre|s|script|section|select|small|span|strong|style|sub|summary|sup|svg|table|tbody|td|textarea|tfoot|th|thead|title|tr|u|ul|video)\/?>$/i;
/** llama.cpp takes every token of this name for the end of a text. */
const STRUCK = "</s>";
/** Tokens that end a text because the file says so. */
const ENDS = ["eos_token_id", "eot_token_id", "eom_token_id"];

/**
 * The tokens of a model as its file describes them: which are text, and which are marks that no reader should see. What llama.cpp makes of
 * them by their names alone is told by the model itself.
 */
export class Vocabulary {
  /** Tokens that fill-in-the-middle prompts are made with, as far as the file names them. */
  readonly named: NamedTokens;
  /** Tokens that are text although llama.cpp ends a generation with them. */
  readonly struck: ReadonlyMap<number, string>;
  /** Whether a text is tokenised with a space before it. */
  readonly addsSpace: boolean;
  private readonly byName = new Map<string, number>();
  /** What looks like a mark although it is no control token. */
  private readonly marks = new Set<number>();
  private readonly types: Uint8Array;

  constructor(file: TokenizerMetadata) {
    const { tokens, model, add_space_prefix: space } = file;
    this.types = Uint8Array.from(tokens, (_, token) => file.token_type?.[token] ?? NORMAL);
    tokens.forEach((text, token) => {
      if (!MARK.test(text)) {
        return;
      }
      if (this.rank(token) > this.rank(this.byName.get(text))) {
        this.byName.set(text, token);
      }
      if (!HTML.test(text)) {
        this.marks.add(token);
      }
    });
    const name = (part: keyof NamedTokens, ...keys: readonly string[]): NamedTokens =>
      this.name(file, part, keys);
    this.named = {
      ...name("prefix", "fim_pre_token_id", "prefix_token_id"),
      ...name("suffix", "fim_suf_token_id", "suffix_token_id"),
      ...name("middle", "fim_mid_token_id", "middle_token_id"),
      ...name("file", "fim_sep_token_id"),
      ...name("repository", "fim_rep_token_id"),
    };
    const ends = new Set(ENDS.map((key) => idOf(file, key)));
    this.struck = new Map(
      tokens.flatMap((text, token) =>
        text === STRUCK && [NORMAL, USER_DEFINED].includes(this.typeOf(token)) && !ends.has(token)
          ? [[token, text] as const]
          : [],
      ),
    );
    this.addsSpace = space ?? model === "llama";
  }

  /** The token of this name, whatever its type; where there are several, the one that the file names, or is a special one. */
  special(text: string): number | undefined {
    return this.byName.get(text);
  }

  /** Whether a token is text to nobody: a control token, or one that looks like it and is no HTML. */
  isMark(token: number): boolean {
    const type = this.typeOf(token);
    return [UNKNOWN, CONTROL, UNUSED].includes(type) || (type === USER_DEFINED && this.marks.has(token));
  }

  /** Whether source text with the token's name is one token, and not pieces. */
  isWhole(token: number): boolean {
    return this.typeOf(token) === USER_DEFINED;
  }

  private typeOf(token: number): number {
    return this.types[token] ?? NORMAL;
  }

  private rank(token: number | undefined): number {
    return token === undefined
      ? -1
      : this.typeOf(token) === CONTROL
        ? 2
        : this.typeOf(token) === NORMAL
          ? 0
          : 1;
  }

  /** A token by the first of `keys` that the file has, and that is one of the vocabulary. */
  private name(file: TokenizerMetadata, part: keyof NamedTokens, keys: readonly string[]): NamedTokens {
    const token = keys.map((key) => idOf(file, key)).find((id) => id !== undefined);
    const text = token === undefined ? undefined : file.tokens[token];
    if (token === undefined || text === undefined || text === "") {
      return {};
    }
    this.byName.set(text, token);
    return { [part]: text };
  }
}

function idOf(file: TokenizerMetadata, key: string): number | undefined {
  const value = file[key];
  const token = typeof value === "number" || typeof value === "bigint" ? Number(value) : -1;
  return token >= 0 && token < file.tokens.length ? token : undefined;
}

/**
 * Lets go of the strings and numbers of a file's vocabulary, tens of MiB, once a {@link Vocabulary} has been made from them. How many tokens there
 * are is all that node-llama-cpp goes on to ask of them.
 */
export function dropTokens(file: TokenizerMetadata): void {
  const lists = file as Partial<Record<"tokens" | "merges" | "scores" | "token_type", unknown[]>>;
  lists.tokens?.fill("");
  delete lists.merges;
  delete lists.scores;
  delete lists.token_type;
}
