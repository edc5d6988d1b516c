import { anchorFor, type Anchor, type AnchorLimits, type AnchorReason } from "./anchor";
import type { FimTemplate, Segment } from "./fim";
import { layOut, type PromptRequest, type TokenCounter } from "./prompt";
import { TYPED_SHARE, type PlanLimits } from "./promptPlan";
import { ShownFiles } from "./shownFiles";

/** A prompt whose tokens are another's business. */
export interface TextPlan {
  /** Up to and including the middle token: the same object as long as the anchor is. */
  readonly head: readonly Segment[];
  /** Between the anchor and the cursor. */
  readonly typed: string;
  /** Absent: only typed text has been added since the last plan. */
  readonly reason?: AnchorReason;
}

/**
 * The prompts of one document for a model that is elsewhere: what stays the same comes first, and what has been typed since the anchor follows
 * the middle token, as in `promptPlan`. How many tokens a text has is only estimated here.
 */
export class TextPlanner {
  private anchor: Anchor | undefined;
  private head: readonly Segment[] = [];
  private budget = 0;
  private readonly files = new ShownFiles();

  constructor(
    private readonly template: FimTemplate | undefined,
    private readonly counter: TokenCounter,
    private readonly leadLines: number,
  ) {}

  /** @param request its budget is what prompt and typed text may use */
  plan(request: PromptRequest, when: PlanLimits): TextPlan {
    const limits: AnchorLimits = { ...when, leadLines: this.leadLines };
    const place = { prefix: request.prefix, suffix: request.suffix };
    const known = request.budget === this.budget ? this.anchor : undefined;
    let { anchor, typed, reason } = anchorFor(known, place, limits);
    for (;;) {
      if (reason !== undefined) {
        this.head = this.headOf(request, anchor);
        this.budget = request.budget;
      }
      this.anchor = anchor;
      if (typed === "" || this.count(this.head) + this.counter.tokenize(typed).length <= request.budget) {
        return { head: this.head, typed, ...(reason === undefined ? {} : { reason }) };
      }
      // As in `promptPlan`: too much has been typed, or the line alone is too long.
      anchor = reason === undefined ? anchorFor(undefined, place, limits).anchor : { ...place, lead: 0 };
      typed = place.prefix.slice(anchor.prefix.length);
      reason = "typed";
    }
  }

  /** The next plan makes a new anchor, with the context that it is given. */
  forget(): void {
    this.anchor = undefined;
  }

  private headOf(request: PromptRequest, anchor: Anchor): readonly Segment[] {
    const { context, stay } = this.files.offer(request.context);
    const budget = request.budget - Math.floor(request.budget * TYPED_SHARE);
    const { segments, files } = layOut(
      { ...request, ...anchor, context, contextStays: stay, budget },
      this.template,
      this.counter,
    );
    this.files.choose(files);
    return segments;
  }

  private count(segments: readonly Segment[]): number {
    const lengths = segments.map((one) => ("text" in one ? this.counter.tokenize(one.text).length : 1));
    return lengths.reduce((sum, length) => sum + length, 0);
  }
}
