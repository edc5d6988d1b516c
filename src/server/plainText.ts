import { familyInName, fimOf, type FimTemplate, type Segment } from "../completion/fim";
import { leadLinesFor } from "../completion/leadLines";
import { TextPlanner, type TextPlan } from "../completion/textPlan";
import { ANCHOR_LIMITS } from "../completion/anchor";
import type { CompleteRequest } from "../engine/protocol";
import { EngineFailure } from "../engine/errors";
import type { Call } from "./backend";
import { DocumentMap } from "./documents";
import { TokenEstimate } from "./estimate";

/** A prompt as a text, for servers that take no tokens. */
export interface TextPrompt {
  readonly prompt: string;
  /** For servers that put it where it belongs themselves. */
  readonly suffix?: string;
  readonly reason: TextPlan["reason"];
  /** About so many tokens. */
  readonly tokens: number;
}

const COMPLETION_TOKENS = 128;
/** Such servers have large models; nobody tells their sizes. */
const PARAMETERS = 1e9;

/** Which way a model fills in: a template by name, the server's own, or none. */
export type FimWay = FimTemplate | "suffix" | undefined;

/**
 * @param wanted a family, `suffix` or `auto`
 * @param suffix whether the server has a way of its own
 */
export function fimWay(wanted: string, model: string, suffix: boolean): FimWay {
  const name = wanted === "auto" ? familyInName(model) : wanted;
  if (name === "suffix" || name === undefined) {
    return suffix ? "suffix" : undefined;
  }
  const template = fimOf(name);
  if (template === undefined) {
    throw new EngineFailure("bad-request", `There is no fill-in-the-middle family ${name}.`);
  }
  return template;
}

/** Prompts for one server: what stays the same comes first, so that its prefix cache holds. */
export class TextPrompts {
  private readonly estimate = new TokenEstimate();
  private readonly documents: DocumentMap<TextPlanner>;

  /** @param contextSize tokens */
  constructor(
    private readonly way: FimWay,
    public contextSize: number,
  ) {
    const template = way === "suffix" ? undefined : way;
    this.documents = new DocumentMap(
      () => new TextPlanner(template, this.estimate, leadLinesFor(PARAMETERS)),
    );
  }

  of({ context = [], ...request }: CompleteRequest): TextPrompt {
    const budget = this.contextSize - Math.min(COMPLETION_TOKENS, Math.floor(this.contextSize / 4));
    if (this.way === "suffix") {
      return this.withSuffix(request, budget);
    }
    const { head, typed, reason } = this.documents
      .of(request)
      .plan({ ...request, context, budget }, ANCHOR_LIMITS);
    const prompt = head.map(written).join("") + typed;
    return { prompt, reason, tokens: this.estimate.tokenize(prompt).length };
  }

  /** A prompt has turned out to have so many tokens. */
  learn({ prompt, suffix = "" }: TextPrompt, tokens: number): void {
    this.estimate.learn(prompt.length + suffix.length, tokens);
  }

  private withSuffix({ prefix, suffix }: CompleteRequest, budget: number): TextPrompt {
    const characters = Math.floor((budget * 100) / this.estimate.tokenize(" ".repeat(100)).length);
    const after = wholeLines(suffix, Math.floor(characters / 3));
    // Its beginning moves in steps, for the prefix cache's sake.
    const room = characters - after.length;
    const step = Math.max(1, Math.floor(room / 4));
    const from = prefix.length <= room ? 0 : Math.ceil((prefix.length - room) / step) * step;
    const line = from === 0 ? 0 : prefix.indexOf("\n", from) + 1;
    const prompt = prefix.slice(line === 0 ? from : line);
    return {
      prompt,
      suffix: after,
      reason: undefined,
      tokens: this.estimate.tokenize(prompt + after).length,
    };
  }
}

/** An answer in pieces of text while it is read. */
export class TextReading {
  /** The server has said so, or no more is wanted. */
  isOver = false;
  pieces = 0;
  private readonly started = performance.now();
  private first: number | undefined;

  constructor(private readonly call: Call) {}

  /** True: no more is wanted. */
  take(piece: string): boolean {
    if (piece === "") {
      return false;
    }
    this.first ??= performance.now();
    this.pieces++;
    const stops = this.call.onText(piece);
    this.isOver ||= stops;
    return stops;
  }

  /** Milliseconds to the first piece, and from there on, as they are seen from here. */
  get times(): { readonly prompt: number; readonly text: number } {
    const now = performance.now();
    const first = this.first ?? now;
    return { prompt: first - this.started, text: now - first };
  }
}

const written = (segment: Segment): string => ("special" in segment ? segment.special : segment.text);

/** The beginning of a text, up to the end of a line. */
function wholeLines(text: string, characters: number): string {
  if (text.length <= characters) {
    return text;
  }
  const end = text.lastIndexOf("\n", characters);
  return text.slice(0, end < 0 ? characters : end + 1);
}
