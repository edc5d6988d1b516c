import assert from "node:assert/strict";
import { chooseFim } from "./fim";
import { buildPrompt, keepEnd, keepStart, type PromptTokenizer } from "./prompt";

const SPECIALS = ["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|file_sep|>"];
const template = chooseFim({ hasSpecial: (text) => SPECIALS.includes(text), name: "" })!;

/** A token per word, white-space run or punctuation mark; texts come back from the token ids. */
class WordTokenizer implements PromptTokenizer {
  readonly bos = 1;
  calls = 0;
  private readonly ids = new Map<string, number>();

  constructor(private readonly specials: readonly string[] = SPECIALS) {}

  tokenize(text: string): number[] {
    this.calls++;
    return (text.match(/\n|[^\S\n]+|\w+|[^\s\w]/gu) ?? []).map((word) => this.id(word));
  }
  special(text: string): number | undefined {
    return this.specials.includes(text) ? this.id(text) : undefined;
  }
  text(tokens: readonly number[]): string {
    const words = new Map([...this.ids].map(([word, id]) => [id, word]));
    return tokens.map((token) => words.get(token) ?? "").join("");
  }
  private id(word: string): number {
    const id = this.ids.get(word) ?? this.ids.size + 2;
    this.ids.set(word, id);
    return id;
  }
}

const lines = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, i) => `line ${from + i};\n`).join("");

describe("buildPrompt", () => {
  let tokenizer: WordTokenizer;
  beforeEach(() => {
    tokenizer = new WordTokenizer();
  });

  it("keeps everything that fits", () => {
    const request = { prefix: "a\nb", suffix: "c\n", path: "x.ts", context: [], budget: 100 };
    const prompt = buildPrompt(request, template, tokenizer);
    assert.equal(tokenizer.text(prompt.tokens), "<|fim_prefix|>a\nb<|fim_suffix|>c\n<|fim_middle|>");
    assert.equal(prompt.tokens[0], 1);
  });

  it("never exceeds its budget and cuts at lines", () => {
    for (const budget of [40, 75, 133, 400]) {
      const request = { prefix: `${lines(0, 300)}cur`, suffix: lines(300, 600), path: "x.ts", budget };
      const context = [{ path: "y.ts", text: lines(900, 910) }];
      const prompt = buildPrompt({ ...request, context }, template, tokenizer);
      assert.ok(prompt.tokens.length <= budget, `${prompt.tokens.length} of ${budget}`);
      const text = tokenizer.text(prompt.tokens);
      assert.match(text, /<\|fim_prefix\|>(line \d+;\n)*cur<\|fim_suffix\|>(line \d+;\n)*<\|fim_middle\|>$/);
      assert.ok(prompt.prefixChars > 3 && prompt.suffixChars > 0);
    }
  });

  it("passes what the prefix leaves on to the suffix, and what both leave on to other files", () => {
    const context = [{ path: "y.ts", text: lines(900, 950) }];
    const suffix = buildPrompt(
      { prefix: "a", suffix: lines(0, 300), path: "x", context: [], budget: 200 },
      template,
      tokenizer,
    );
    assert.ok(suffix.tokens.length > 150);
    const files = buildPrompt(
      { prefix: "a", suffix: "b", path: "x", context, budget: 400 },
      template,
      tokenizer,
    );
    assert.equal(files.files.length, 1);
  });

  it("gives the prefix what nobody else wants", () => {
    const request = { prefix: lines(0, 300), suffix: "b\n", path: "x", context: [], budget: 300 };
    assert.ok(buildPrompt(request, template, tokenizer).tokens.length > 180);
  });

  it("gives the latest edits what is left, in whole lines, to a model that knows them", () => {
    const tokens = ["<[fim-prefix]>", "<[fim-suffix]>", "<[fim-middle]>"];
    const words = new WordTokenizer(tokens);
    const zeta = chooseFim({ hasSpecial: (text) => tokens.includes(text), name: "zeta" })!;
    const request = { prefix: lines(0, 300), suffix: lines(300, 600), path: "x", context: [], budget: 400 };
    const prompt = buildPrompt({ ...request, edits: lines(700, 900) }, zeta, words);
    assert.ok(prompt.tokens.length <= 400);
    assert.match(
      words.text(prompt.tokens),
      /<filename>edit_history\n(line [78]\d\d;\n)+line 899;\n<filename>x\n/,
    );
    const few = buildPrompt({ ...request, prefix: "a\n", edits: lines(700, 702) }, zeta, words);
    assert.match(words.text(few.tokens), /edit_history\nline 700;\nline 701;\n<filename>x\na\n/);
  });

  it("shows the same files wherever the cursor is in a document, and keeps them while it grows", () => {
    const whole = lines(0, 30);
    const context = ["b.ts", "c.ts", "d.ts"].map((path) => ({ path, text: lines(900, 915) }));
    const files = (text: string, cursor: number, contextStays = false): readonly string[] => {
      const place = { prefix: text.slice(0, cursor), suffix: text.slice(cursor), path: "x" };
      const prompt = buildPrompt({ ...place, context, contextStays, budget: 400 }, template, tokenizer);
      return prompt.files.map(({ path }) => path);
    };
    for (const cursor of [0, 100, 200, whole.length]) {
      assert.deepEqual(files(whole, cursor), ["c.ts", "d.ts"]);
    }
    const grown = lines(0, 60);
    assert.deepEqual(files(grown, 200), ["d.ts"]);
    assert.deepEqual(files(grown, 200, true), ["c.ts", "d.ts"]);
  });

  it("drops the least important file first", () => {
    const context = ["old", "mid", "new"].map((path) => ({ path, text: lines(0, 12) }));
    const prompt = buildPrompt(
      { prefix: "a", suffix: "b", path: "x", context, budget: 180 },
      template,
      tokenizer,
    );
    assert.equal(prompt.files.length, 2);
    assert.doesNotMatch(tokenizer.text(prompt.tokens), /old/);
    assert.match(tokenizer.text(prompt.tokens), /mid.*new/s);
  });

  it("moves the head of a long prefix rarely while one types", () => {
    const request = { suffix: "", path: "x", context: [], budget: 256 };
    let prefix = lines(0, 400);
    const heads = new Set<string>();
    for (let i = 0; i < 60; i++) {
      prefix += "x ";
      const text = tokenizer.text(buildPrompt({ ...request, prefix }, template, tokenizer).tokens);
      heads.add(text.slice(0, 40));
    }
    assert.ok(heads.size <= 5, `${heads.size} heads`);
  });

  it("gives a model without FIM the plain prefix", () => {
    const prompt = buildPrompt(
      { prefix: "a b", suffix: "c", path: "x", context: [], budget: 50 },
      undefined,
      tokenizer,
    );
    assert.equal(tokenizer.text(prompt.tokens), "a b");
  });

  it("tokenises a bounded part of a huge file", () => {
    const huge = lines(0, 200_000);
    let longest = 0;
    const counting: PromptTokenizer = {
      bos: undefined,
      special: (text) => tokenizer.special(text),
      tokenize: (text) => {
        longest = Math.max(longest, text.length);
        return tokenizer.tokenize(text);
      },
    };
    buildPrompt({ prefix: huge, suffix: huge, path: "x", context: [], budget: 500 }, template, counting);
    assert.ok(longest <= 500 * 8, `${longest} characters at once`);
  });
});

describe("keepEnd and keepStart", () => {
  const tokenizer = new WordTokenizer();
  /** A token per UTF-16 unit, as the worst case of cutting inside a line. */
  const byUnit: PromptTokenizer = {
    bos: undefined,
    special: () => undefined,
    tokenize: (text) => Array.from({ length: text.length }, (_, i) => text.charCodeAt(i)),
  };

  it("cut inside a line that alone is too long", () => {
    assert.equal(keepEnd("a".repeat(100), 10, byUnit).text.length, 10);
    assert.equal(keepStart("a".repeat(100), 10, byUnit).text.length, 10);
  });

  it("never split a surrogate pair", () => {
    const smile = "😀".repeat(30);
    for (let budget = 1; budget < 20; budget++) {
      assert.doesNotMatch(keepEnd(smile, budget, byUnit).text, /^[\udc00-\udfff]/);
      assert.doesNotMatch(keepStart(smile, budget, byUnit).text, /[\ud800-\udbff]$/);
    }
  });

  it("return nothing for no budget", () => {
    assert.equal(keepEnd("a", 0, tokenizer).text, "");
    assert.equal(keepStart("a", 0, tokenizer).text, "");
  });
});
