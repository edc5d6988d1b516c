import assert from "node:assert/strict";
import { chooseFim, type ContextFile } from "./fim";
import { PromptPlanner, SETTLED_LIMITS, type Plan, type PlanTokenizer } from "./promptPlan";
import { at } from "./testing";

const SPECIALS = ["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|file_sep|>"];
const template = chooseFim({ hasSpecial: (text) => SPECIALS.includes(text), name: "" })!;

/** As byte-pair tokenizers do: a word with the space before it, runs of punctuation, line breaks with indentation. */
class FakeTokenizer implements PlanTokenizer {
  readonly bos = 1;
  private readonly ids = new Map<string, number>();
  private readonly words = new Map<number, string>();

  tokenize(text: string): number[] {
    return (text.match(/\n[^\S\n]*| ?\w+| ?[^\s\w]+|[^\S\n]/gu) ?? []).map((word) => this.id(word));
  }
  special(text: string): number | undefined {
    return SPECIALS.includes(text) ? this.id(text) : undefined;
  }
  text(token: number): string | undefined {
    const word = this.words.get(token);
    return word === undefined || SPECIALS.includes(word) ? undefined : word;
  }
  all(tokens: readonly number[]): string {
    return tokens.map((token) => this.words.get(token) ?? "").join("");
  }
  id(word: string): number {
    const id = this.ids.get(word) ?? this.ids.size + 2;
    this.ids.set(word, id);
    this.words.set(id, word);
    return id;
  }
}

describe("PromptPlanner", () => {
  let tokenizer: FakeTokenizer;
  let planner: PromptPlanner;
  let held: readonly number[];
  /** Tokens that had to be evaluated for the last plan, its last one included. */
  let evaluated: number;

  beforeEach(() => {
    tokenizer = new FakeTokenizer();
    planner = new PromptPlanner(template, tokenizer);
    held = [];
    evaluated = 0;
  });

  /** What an engine would do: evaluates what the cache does not hold, then writes `written`. */
  function complete(
    text: string,
    written: readonly string[] = [],
    budget = 400,
    context: readonly ContextFile[] = [],
  ): Plan {
    const plan = planner.plan({ ...at(text), path: "x.ts", context, budget }, held);
    let same = 0;
    while (same < plan.tokens.length - 1 && plan.tokens[same] === held[same]) {
      same++;
    }
    evaluated = plan.tokens.length - same;
    held = [...plan.tokens, ...written.map((word) => tokenizer.id(word))];
    return plan;
  }

  const shown = (plan: Plan): string => tokenizer.all(plan.tokens) + `[${plan.piece}]`;

  it("puts the last lines behind the middle token, and holds generation to its last piece", () => {
    const plan = complete("x;\n  a = 1;\n1\n2\n3\n4\n5\n  b = foo.ba│\nend\n");
    const middle = "a = 1;\n1\n2\n3\n4\n5\n  b = foo.[ba]";
    assert.equal(shown(plan), `<|fim_prefix|>x;\n  <|fim_suffix|>\nend\n<|fim_middle|>${middle}`);
    assert.equal(plan.reason, "first");
    assert.equal(tokenizer.all(plan.tokens.slice(0, plan.headTokens)).slice(-14), "<|fim_middle|>");
  });

  it("evaluates the tokens of a key and one more, at most", () => {
    const typed = "const total = items.map((item) => item.price);\n  return total;\n";
    complete(`function sum(items) {\n  │\n}\n`);
    let total = 0;
    for (let length = 1; length <= typed.length; length++) {
      const plan = complete(`function sum(items) {\n  ${typed.slice(0, length)}│\n}\n`);
      assert.equal(plan.reason, undefined, typed.slice(0, length));
      // A word's tokens come with the key after it; until then it is the model that writes it.
      assert.ok(evaluated <= 4, `${evaluated} tokens for ${JSON.stringify(typed.slice(0, length))}`);
      total += evaluated;
    }
    assert.ok(total <= tokenizer.tokenize(typed).length + typed.length, `${total} tokens`);
  });

  it("keeps the tokens of an accepted completion as the model wrote them", () => {
    complete("a│\nend\n", ["ab", "so", "lute", "(", ")"]);
    const plan = complete("abso│\nend\n", ["lute", "(", ")"]);
    assert.equal(plan.piece, "abso");
    const accepted = complete("absolute() + x│\nend\n");
    assert.equal(accepted.reason, undefined);
    assert.equal(accepted.piece, " x");
    assert.ok(accepted.tokens.length - accepted.headTokens <= 5);
  });

  it("evaluates from the change on when typing departs from what the model wrote", () => {
    complete("a = │\nend\n", [" foo", ".", "bar", "(", ")"]);
    complete("a = foo.baz + │\nend\n");
    assert.ok(evaluated <= 3, `${evaluated} tokens`);
  });

  it("does not look at new context until there is a new anchor", () => {
    const context = [{ path: "y.ts", text: "other\n" }];
    complete("a│\nend\n");
    const same = planner.plan({ ...at("ab│\nend\n"), path: "x.ts", context, budget: 400 }, held);
    assert.doesNotMatch(tokenizer.all(same.tokens), /other/);
    const jumped = planner.plan({ ...at("ab\nend\n│"), path: "x.ts", context, budget: 400 }, held);
    assert.match(tokenizer.all(jumped.tokens), /other/);
  });

  it("takes typed lines into the prefix when one rests", () => {
    complete("a\n│end\n");
    const more = { ...at("a\nb;\nc;\nd;\ne;\n│end\n"), path: "x.ts", context: [], budget: 400 };
    assert.equal(planner.plan(more).reason, undefined);
    assert.equal(planner.plan(more, [], SETTLED_LIMITS).reason, "typed");
  });

  it("makes a new anchor when what is typed no longer fits, and always fits itself", () => {
    const lines = (n: number): string => Array.from({ length: n }, (_, i) => `line ${i};\n`).join("");
    const budget = 200;
    complete(`${lines(60)}│${lines(60)}`, [], budget);
    let typed = "";
    const reasons = new Set<string | undefined>();
    for (let i = 0; i < 40; i++) {
      typed += `value${i} + ${i} - `;
      const plan = complete(`${lines(60)}${typed}│${lines(60)}`, [], budget);
      assert.ok(plan.tokens.length <= budget, `${plan.tokens.length} tokens`);
      reasons.add(plan.reason);
    }
    assert.ok(reasons.has("typed") && reasons.has(undefined));
  });

  it("begins anew when the budget changes or it is told to", () => {
    complete("a│\nend\n");
    assert.equal(complete("ab│\nend\n", [], 300).reason, "first");
    planner.forget();
    assert.equal(complete("abc│\nend\n", [], 300).reason, "first");
  });

  it("gives a model without FIM the prefix, and heals it too", () => {
    const plain = new PromptPlanner(undefined, tokenizer);
    const plan = plain.plan({ ...at("a = 1;\nb = re│\nend\n"), path: "x.ts", context: [], budget: 100 });
    assert.equal(shown(plan), "a = 1;\nb =[ re]");
    const noBos = new PromptPlanner(undefined, Object.assign(new FakeTokenizer(), { bos: undefined }));
    const only = noBos.plan({ ...at("re│"), path: "x.ts", context: [], budget: 100 });
    assert.equal(only.piece, "");
    assert.equal(only.tokens.length, 1);
  });

  it("has as many lines after the middle token as it is told, and evaluates a key's own tokens either way", () => {
    const text = (typed: string): string => `one();\ntwo();\nthree(${typed}│);\nfour();\n`;
    for (const [leadLines, after] of [
      [0, "three("],
      [1, "two();\nthree("],
      [6, "one();\ntwo();\nthree("],
    ] as const) {
      planner = new PromptPlanner(template, tokenizer, leadLines);
      held = [];
      const { tokens, headTokens, piece } = complete(text(""));
      assert.equal(tokenizer.all(tokens.slice(headTokens)) + piece, after);
      complete(text("a"));
      assert.ok(evaluated <= 2, `${evaluated} tokens with ${leadLines} lines`);
    }
  });

  describe("reads nothing twice", () => {
    const ABOVE = "const one = 1;\nconst two = 2;\nconst three = 3;\nconst four = 4;\n";
    const BELOW = "\nfunction last() {\n  return one + two + three + four;\n}\n";
    const files = ["a", "b", "c"].map((name) => ({
      path: `${name}.ts`,
      text: `export const ${name} = 1 + 2 + 3;\n`,
    }));

    it("when files are given in another order, or one more", () => {
      complete(`${ABOVE}foo│${BELOW}`, [], 400, files);
      complete(`│${ABOVE}${BELOW}`, [], 400, [files[2]!, files[0]!, files[1]!]);
      const [a, b] = [tokenizer.all(held).indexOf("a.ts"), tokenizer.all(held).indexOf("b.ts")];
      assert.ok(a >= 0 && a < b);
      complete(`${ABOVE}foo│`, [], 400, [{ path: "d.ts", text: "export const d = 1;\n" }, ...files]);
      assert.ok(tokenizer.all(held).indexOf("c.ts") < tokenizer.all(held).indexOf("d.ts"));
    });

    it("but shows no file that is not given any more", () => {
      complete(`${ABOVE}foo│${BELOW}`, [], 400, files);
      complete(`│${ABOVE}${BELOW}`, [], 400, [files[2]!]);
      assert.ok(!tokenizer.all(held).includes("a.ts"));
    });

    it("when what a large model has before the cursor is taken back line by line", () => {
      planner = new PromptPlanner(template, tokenizer, 0);
      complete(`${ABOVE}foo│${BELOW}`);
      complete(`${ABOVE.trimEnd()}│${BELOW}`);
      assert.ok(evaluated > 20, "once");
      for (const text of [
        "const one = 1;\nconst two = 2;\nconst three = 3;│",
        "const one = 1;\nconst two = 2;\nconst thirty│",
      ]) {
        complete(`${text}${BELOW}`);
        assert.ok(evaluated < 8, `${evaluated} for ${text}`);
      }
    });

    it("when the cursor goes up in a document that is longer than the prompt", () => {
      const lines = Array.from({ length: 200 }, (_, index) => `const value${index} = make${index}();\n`);
      const text = (line: number): string => `${lines.slice(0, line).join("")}│${lines.slice(line).join("")}`;
      const beginning = (): string => tokenizer.all(held).slice(0, 60);
      complete(text(190), [], 1_000);
      const first = beginning();
      complete(text(160), [], 1_000);
      assert.equal(beginning(), first);
      complete(text(20), [], 1_000);
      assert.ok(beginning().includes("value0 "), "so little would be left that it begins anew");
    });

    it("after the process was started anew, with the cache from disk", () => {
      complete(`${ABOVE}foo│${BELOW}`, [], 400, files);
      complete(`${ABOVE}foo = bar;\nbaz│${BELOW}`, [], 400, files);
      planner = new PromptPlanner(template, tokenizer);
      const plan = complete(`${ABOVE}foo = bar;\nbaz = 1│${BELOW}`, [], 400, files);
      assert.equal(plan.reason, undefined);
      assert.ok(evaluated < 8, String(evaluated));
      // Elsewhere it is of no use.
      planner = new PromptPlanner(template, tokenizer);
      assert.equal(complete(`│${ABOVE}${BELOW}`, [], 400, files).reason, "first");
    });
  });
});
