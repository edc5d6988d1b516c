import {
  ANCHOR_LIMITS,
  anchorFor,
  type Anchor,
  type AnchorLimits,
  type AnchorReason,
  type Place,
} from "./anchor";
import type { FimTemplate } from "./fim";
import { heal } from "./healing";
import type { Landmarks } from "./movable";
import { buildPrompt, type PromptRequest, type PromptTokenizer } from "./prompt";
import { ShownFiles } from "./shownFiles";

/** A tokenizer that also knows what its tokens say. */
export interface PlanTokenizer extends PromptTokenizer {
  /** The text of an ordinary token; undefined for special ones and parts of characters. */
  text(token: number): string | undefined;
}

export interface Plan {
  readonly tokens: readonly number[];
  /** Generation has to begin with this; the text at the cursor follows it. */
  readonly piece: string;
  /** Tokens up to and including the middle token; the typed ones follow. */
  readonly headTokens: number;
  /** Absent: the prompt is laid out otherwise. */
  readonly landmarks?: Landmarks;
  /** Absent: only typed text has been added since the last plan. */
  readonly reason?: AnchorReason;
}

/** When a new anchor is set. */
export type PlanLimits = Omit<AnchorLimits, "leadLines">;

/** For idle time: a new anchor takes in what has been typed before the next key would have to. */
export const SETTLED_LIMITS: PlanLimits = { maxTyped: 200, maxLines: 3 };

/** Share of the context that is kept free for text typed after the anchor. */
export const TYPED_SHARE = 0.25;

/** Characters at the beginning of a prompt's prefix by which its place in the document is found again. */
const MIN_HEAD = 256;

/** Share of it that has to be left before the cursor for the next one to begin there, too. */
const MIN_LEFT = 0.5;

/**
 * The prompts of one document, one after the other: keeps the anchor and its tokens. Cross-file context is as it was when the
 * anchor was set, so that a change of it alone evaluates nothing anew while one types.
 */
export class PromptPlanner {
  private anchor: Anchor | undefined;
  private head: readonly number[] = [];
  private budget = 0;
  private readonly files = new ShownFiles();
  /** What the prompt holds of the document before the anchor, where that is not all. */
  private shownPrefix = "";

  constructor(
    private readonly template: FimTemplate | undefined,
    private readonly tokenizer: PlanTokenizer,
    private readonly leadLines: number = ANCHOR_LIMITS.leadLines,
  ) {}

  /**
   * @param request its budget is what prompt and typed text may use
   * @param held tokens that the KV cache holds now: typed text that the model has written itself keeps the model's tokens
   */
  plan(request: PromptRequest, held: readonly number[] = [], when: PlanLimits = ANCHOR_LIMITS): Plan {
    const limits = { ...when, leadLines: this.leadLines };
    const typedRoom = Math.floor(request.budget * TYPED_SHARE);
    const place = { prefix: request.prefix, suffix: request.suffix };
    const fresh = this.budget === 0;
    const known = fresh
      ? this.recovered(place, held)
      : request.budget === this.budget
        ? this.anchor
        : undefined;
    let { anchor, typed, reason } = anchorFor(known, place, limits);
    for (;;) {
      if (reason !== undefined || fresh) {
        this.head = this.headOf(request, anchor, request.budget - typedRoom);
        this.budget = request.budget;
      }
      this.anchor = anchor;
      const { stable, piece } = this.head.length === 0 ? { stable: typed, piece: "" } : heal(typed);
      const tokens = [...this.head, ...this.typedTokens(stable, held)];
      if (tokens.length <= request.budget) {
        const headTokens = this.head.length;
        return {
          tokens,
          piece,
          headTokens,
          ...this.landmarks(),
          ...(reason === undefined ? {} : { reason }),
        };
      }
      // Too much has been typed, or the line alone is too long: what is before the cursor becomes prefix.
      anchor = reason === undefined ? anchorFor(undefined, place, limits).anchor : { ...place, lead: 0 };
      typed = place.prefix.slice(anchor.prefix.length);
      reason = "typed";
    }
  }

  /** The next plan makes a new anchor, with the context that it is given. */
  forget(): void {
    this.anchor = undefined;
  }

  private headOf(request: PromptRequest, anchor: Anchor, budget: number): readonly number[] {
    const { context, stay } = this.files.offer(request.context);
    const prefixStart = this.prefixStart(anchor.prefix);
    const { tokens, files, prefixChars } = buildPrompt(
      {
        ...request,
        ...anchor,
        ...(prefixStart === undefined ? {} : { prefixStart }),
        context,
        contextStays: stay,
        budget,
      },
      this.template,
      this.tokenizer,
    );
    this.files.choose(files);
    this.shownPrefix =
      prefixChars < anchor.prefix.length ? anchor.prefix.slice(anchor.prefix.length - prefixChars) : "";
    return tokens;
  }

  private landmarks(): Pick<Plan, "landmarks"> {
    const [, between, behind] = (this.template?.marks ?? []).map((mark) => this.tokenizer.special(mark));
    const cursor = this.head.lastIndexOf(between ?? -1);
    const end = this.head.lastIndexOf(behind ?? -1);
    return cursor < 0 || end < cursor ? {} : { landmarks: { cursor, end } };
  }

  /** Where in a document's text before the cursor the last prompt begins, if enough of it is left: all of the prompt would be evaluated anew otherwise. */
  private prefixStart(prefix: string): number | undefined {
    const head = this.shownPrefix.slice(0, MIN_HEAD);
    const at = head.length < MIN_HEAD ? -1 : prefix.indexOf(head);
    return at < 0 || prefix.length - at < this.shownPrefix.length * MIN_LEFT ? undefined : at;
  }

  /**
   * The anchor of the prompt that the cache holds, where that comes from an earlier run of the process: nobody else remembers it.
   */
  private recovered({ suffix }: Place, held: readonly number[]): Anchor | undefined {
    const [before, between, behind] = this.template?.marks ?? [];
    if (
      before === undefined ||
      between === undefined ||
      behind === undefined ||
      this.template?.filesInPrefix === true
    ) {
      return undefined;
    }
    const at = (mark: string): number => held.indexOf(this.tokenizer.special(mark) ?? -1);
    const [prefixAt, suffixAt, middleAt] = [at(before), at(between), at(behind)];
    const text = (from: number, to: number): string | undefined => {
      const texts = held.slice(from + 1, to).map((token) => this.tokenizer.text(token));
      return from < 0 || to <= from || texts.includes(undefined) ? undefined : texts.join("");
    };
    const prefix = text(prefixAt, suffixAt);
    const shown = text(suffixAt, middleAt);
    return prefix === undefined || shown === undefined || !suffix.startsWith(shown)
      ? undefined
      : { prefix, suffix, lead: 0 };
  }

  /** Tokens of typed text: those in the cache as far as they say the same, then the tokenizer's. */
  private typedTokens(text: string, held: readonly number[]): number[] {
    const tokens: number[] = [];
    let at = 0;
    if (held.length > this.head.length && this.head.every((token, index) => token === held[index])) {
      for (let index = this.head.length; index < held.length; index++) {
        const said = this.tokenizer.text(held[index]!);
        if (said === undefined || !text.startsWith(said, at)) {
          break;
        }
        tokens.push(held[index]!);
        at += said.length;
      }
    }
    return [...tokens, ...this.tokenizer.tokenize(text.slice(at))];
  }
}
