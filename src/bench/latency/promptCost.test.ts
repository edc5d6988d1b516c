import assert from "node:assert/strict";
import { chooseFim } from "../../completion/fim";
import type { PlanTokenizer } from "../../completion/promptPlan";
import { promptCost, type PromptCost } from "./promptCost";
import type { Trace, TraceEvent } from "./trace";
import { shippedTraces } from "./traces";

/** Words, blanks and signs, in the order in which they come; names of special tokens are no text. */
class Words implements PlanTokenizer {
  readonly bos = undefined;
  private readonly ids = new Map<string, number>();
  private readonly texts: string[] = [];

  tokenize(text: string): number[] {
    return (text.match(/ ?[\p{L}\p{N}_]{1,6}|\s+|./gsu) ?? []).map((word) => this.id(word));
  }

  special(text: string): number | undefined {
    return /^<\|.*\|>$/.test(text) ? this.id(text) : undefined;
  }

  text(token: number): string | undefined {
    return this.special(this.texts[token]!) === undefined ? this.texts[token] : undefined;
  }

  private id(word: string): number {
    const known = this.ids.get(word) ?? this.ids.size;
    this.ids.set(word, known);
    this.texts[known] = word;
    return known;
  }
}

const template = chooseFim({
  hasSpecial: (text) => text.startsWith("<|"),
  name: "qwen2.5-coder",
  named: [] as never,
});

const costOf = (trace: Trace, contextSize: number): Promise<PromptCost> =>
  promptCost(trace, { template, tokenizer: new Words(), leadLines: 0, contextSize });

/** Tokens read again: with a context of 2,048, of 4,096, and where lines are erased and written again. What reads more has to say what for. */
const AT_MOST: Readonly<Record<string, readonly [number, number, number]>> = {
  typescript: [232, 233, 122],
  javascript: [241, 363, 134],
  python: [99, 99, 114],
};

/** The line under the cursor is erased and written again, and then those before it, too. */
function retyping(trace: Trace): Trace {
  const at = trace.text.indexOf("\n", trace.text.length / 2);
  const lines = trace.text.slice(0, at).split("\n").slice(-3);
  const events: TraceEvent[] = lines.flatMap((_, index) => {
    const text = lines.slice(-1 - index).join("\n");
    const erased = Array.from(text, () => ({ ms: 60, back: 1 }));
    return [...erased, ...Array.from(text, (character) => ({ ms: 150, text: character }))];
  });
  return { ...trace, name: `${trace.name}, retyped`, offset: at, events };
}

describe("the prompts of the traces", () => {
  for (const trace of shippedTraces()) {
    const [small, large, retyped] = AT_MOST[trace.name]!;
    for (const [contextSize, most] of [
      [2048, small],
      [4096, large],
    ] as const) {
      it(`of ${trace.name} read no more again than they did, with a context of ${contextSize}`, async () => {
        const { requests, evaluated, again } = await costOf(trace, contextSize);
        assert.ok(requests > 300 && evaluated > 1_500);
        assert.ok(again <= most, `${again} of ${evaluated}`);
      });
    }

    it(`of ${trace.name} read no more again than they did when lines are erased and written again`, async () => {
      const { evaluated, again } = await costOf(retyping(trace), 2048);
      assert.ok(again <= retyped, `${again} of ${evaluated}`);
    });
  }
});
