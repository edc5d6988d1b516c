import { plainPrompt, type ContextFile, type FimTemplate, type Segment } from "./fim";

/** Tells how many tokens a text has, or about how many. */
export interface TokenCounter {
  tokenize(text: string): { readonly length: number };
}

/** What prompt building needs of a tokenizer. */
export interface PromptTokenizer extends TokenCounter {
  /** Tokens of ordinary text; never yields special tokens. */
  tokenize(text: string): number[];
  /** The special token with exactly this text. */
  special(text: string): number | undefined;
  /** Put before every prompt, where the model wants it. */
  readonly bos: number | undefined;
}

export interface PromptRequest {
  readonly prefix: string;
  /** Where the last prompt's prefix began: this one's begins there, too, if all that follows fits. */
  readonly prefixStart?: number;
  readonly suffix: string;
  readonly path: string;
  readonly repository?: string;
  /** Other files, most important last. */
  readonly context: readonly ContextFile[];
  /** The files are in the last prompt, too: they may use half of the budget, however long the document is. */
  readonly contextStays?: boolean;
  /** Recent edits as a unified diff, the latest last; for models that know them. */
  readonly edits?: string;
  /** Tokens that the whole prompt may use. */
  readonly budget: number;
}

/** What of a request a prompt holds, not tokenised yet. */
export interface Layout {
  readonly segments: readonly Segment[];
  /** Characters of prefix and suffix that made it into the prompt, counted from the cursor. */
  readonly prefixChars: number;
  readonly suffixChars: number;
  readonly files: readonly ContextFile[];
}

export interface Prompt extends Omit<Layout, "segments"> {
  readonly tokens: number[];
}

/** Shares of the budget; what one part leaves unused passes on to the next in this order. */
const SHARES = { prefix: 0.45, suffix: 0.2, context: 0.25, edits: 0.1 } as const;

/** Special tokens, path and repository name of the longest template. */
const OVERHEAD_TOKENS = 64;

/** More characters than a token has on average: bounds how much text is tokenised at all. */
const CHARS_PER_TOKEN = 6;

/**
 * The prompt for one completion, within `budget` tokens. The prefix keeps its end and the suffix its beginning, both
 * cut at line boundaries. Where the prefix begins moves in coarse steps, so that it stays put while one types and the
 * KV cache stays valid.
 */
export function buildPrompt(
  request: PromptRequest,
  template: FimTemplate | undefined,
  tokenizer: PromptTokenizer,
): Prompt {
  const { segments, ...kept } = layOut(request, template, tokenizer);
  return { tokens: flatten(segments, tokenizer), ...kept };
}

/** As {@link buildPrompt}, before its texts become tokens. */
export function layOut(
  request: PromptRequest,
  template: FimTemplate | undefined,
  tokenizer: TokenCounter,
): Layout {
  const available = Math.max(1, request.budget - Math.min(OVERHEAD_TOKENS, Math.floor(request.budget / 8)));
  if (template === undefined) {
    const prefix = keepEnd(request.prefix, available, tokenizer);
    return { segments: plainPrompt(prefix.text), prefixChars: prefix.text.length, suffixChars: 0, files: [] };
  }
  const wantsContext = template.hasFiles && request.context.length > 0;
  const wantsEdits = template.hasEdits && (request.edits ?? "") !== "";
  const share = (wanted: boolean, part: number): number => (wanted ? Math.floor(available * part) : 0);
  const suffixShare = share(request.suffix !== "", SHARES.suffix);
  const contextShare = share(wantsContext, SHARES.context);
  const editsShare = share(wantsEdits, SHARES.edits);

  const files = (room: number): Chosen =>
    wantsContext ? chooseFiles(request.context, room, tokenizer) : { kept: [], count: 0 };
  const kept = request.contextStays === true ? files(Math.floor((available - editsShare) / 2)) : undefined;
  const reserved = Math.max(contextShare, kept?.count ?? 0);

  // Cascade: each may use what those before it left over, and the prefix at last what nobody wanted.
  let left = available - editsShare - reserved - suffixShare;
  let prefix = keepEnd(request.prefix, left, tokenizer, request.prefixStart);
  left += suffixShare - prefix.count;
  const suffix = keepStart(request.suffix, suffixShare === 0 ? 0 : left, tokenizer);
  left += reserved - suffix.count;
  const chosen = kept ?? files(left);
  left += editsShare - chosen.count;
  const edits = wantsEdits ? keepLastLines(request.edits!, left, tokenizer) : { text: "", count: 0 };
  if (prefix.text.length < request.prefix.length) {
    prefix = keepEnd(request.prefix, left - edits.count + prefix.count, tokenizer, request.prefixStart);
  }

  const segments = template.render({
    prefix: prefix.text,
    suffix: suffix.text,
    path: request.path,
    ...(request.repository === undefined ? {} : { repository: request.repository }),
    files: chosen.kept,
    ...(edits.text === "" ? {} : { edits: edits.text }),
  });
  return {
    segments,
    prefixChars: prefix.text.length,
    suffixChars: suffix.text.length,
    files: chosen.kept,
  };
}

function flatten(segments: readonly Segment[], tokenizer: PromptTokenizer): number[] {
  const tokens = tokenizer.bos === undefined ? [] : [tokenizer.bos];
  for (const segment of segments) {
    if ("text" in segment) {
      for (const token of tokenizer.tokenize(segment.text)) tokens.push(token);
    } else {
      const token = tokenizer.special(segment.special);
      if (token === undefined) {
        throw new Error(`the vocabulary lost its special token ${segment.special}`);
      }
      tokens.push(token);
    }
  }
  return tokens;
}

interface Piece {
  readonly text: string;
  readonly count: number;
}

/**
 * The end of `text` that fits `budget` tokens, beginning at a line where a line fits at all.
 * @param wanted where it is to begin if what follows fits
 */
export function keepEnd(text: string, budget: number, tokenizer: TokenCounter, wanted?: number): Piece {
  if (budget <= 0) {
    return { text: "", count: 0 };
  }
  if (wanted !== undefined && text.length - wanted <= budget * CHARS_PER_TOKEN) {
    const piece = text.slice(wanted);
    const count = tokenizer.tokenize(piece).length;
    if (count <= budget) {
      return { text: piece, count };
    }
  }
  const maxChars = budget * CHARS_PER_TOKEN;
  // About a fifth of the budget in characters: few re-prefills, not much context given away.
  const step = 2 ** Math.max(4, Math.floor(Math.log2(budget * 0.75)));
  let start = text.length <= maxChars ? 0 : Math.ceil((text.length - maxChars) / step) * step;
  for (;;) {
    const at = start === 0 ? 0 : lineStartFrom(text, start);
    if (at >= text.length && text.length > 0) {
      break; // the last line alone is too long
    }
    const piece = text.slice(at);
    const count = tokenizer.tokenize(piece).length;
    if (count <= budget) {
      return { text: piece, count };
    }
    start = (Math.floor(at / step) + 1) * step;
  }
  return longestFitting(
    text.length,
    (chars) => text.slice(safeCut(text, text.length - chars)),
    budget,
    tokenizer,
  );
}

/** The last whole lines of `text` that fit `budget` tokens; none at all rather than a part of one. */
function keepLastLines(text: string, budget: number, tokenizer: TokenCounter): Piece {
  const lines = text.split(/(?<=\n)/);
  let kept = "";
  let count = 0;
  for (let line = lines.length - 1; line >= 0; line--) {
    const more = lines[line]! + kept;
    const cost = tokenizer.tokenize(more).length;
    if (cost > budget || more.length > budget * CHARS_PER_TOKEN) {
      break;
    }
    kept = more;
    count = cost;
  }
  return { text: kept, count };
}

/** The beginning of `text` that fits `budget` tokens, ending with a whole line where a line fits at all. */
export function keepStart(text: string, budget: number, tokenizer: TokenCounter): Piece {
  if (budget <= 0) {
    return { text: "", count: 0 };
  }
  const limit = Math.min(text.length, budget * CHARS_PER_TOKEN);
  const piece = longestFitting(limit, (chars) => text.slice(0, safeCut(text, chars)), budget, tokenizer);
  if (piece.text.length === text.length) {
    return piece;
  }
  const lineEnd = piece.text.lastIndexOf("\n");
  if (lineEnd < 0) {
    return piece;
  }
  const cut = piece.text.slice(0, lineEnd + 1);
  return { text: cut, count: tokenizer.tokenize(cut).length };
}

/** Binary search: token counts grow with the text, up to a token or two at its edge. */
function longestFitting(
  maxChars: number,
  cut: (chars: number) => string,
  budget: number,
  tokenizer: TokenCounter,
): Piece {
  let best: Piece = { text: "", count: 0 };
  let low = 0;
  let high = Math.min(maxChars, budget * CHARS_PER_TOKEN);
  while (low <= high) {
    const middle = (low + high) >> 1;
    const text = cut(middle);
    const count = tokenizer.tokenize(text).length;
    if (count <= budget) {
      best = text.length >= best.text.length ? { text, count } : best;
      low = middle + 1;
    } else {
      high = middle - 1;
    }
  }
  return best;
}

interface Chosen {
  readonly kept: readonly ContextFile[];
  readonly count: number;
}

function chooseFiles(files: readonly ContextFile[], budget: number, tokenizer: TokenCounter): Chosen {
  const kept: ContextFile[] = [];
  let count = 0;
  // The most important come last and are served first; the order in the prompt stays.
  for (const file of [...files].reverse()) {
    const cost = tokenizer.tokenize(`${file.path}\n${file.text}\n`).length + 1;
    if (count + cost <= budget) {
      kept.unshift(file);
      count += cost;
    }
  }
  return { kept, count };
}

/** The first line start at or after `offset`; the text's length when there is none. */
function lineStartFrom(text: string, offset: number): number {
  const newline = text.indexOf("\n", offset - 1);
  return newline < 0 ? text.length : newline + 1;
}

/** Moves a cut out of a surrogate pair. */
function safeCut(text: string, at: number): number {
  const code = at > 0 && at < text.length ? text.charCodeAt(at) : 0;
  return code >= 0xdc00 && code <= 0xdfff ? at + 1 : at;
}
