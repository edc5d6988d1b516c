import assert from "node:assert/strict";
import { chooseFim, plainPrompt, type FimParts, type NamedTokens, type Segment } from "./fim";

const parts: FimParts = { prefix: "P", suffix: "S", path: "src/cur.ts", repository: "repo", files: [] };
const withFiles: FimParts = {
  ...parts,
  files: [
    { path: "a.ts", text: "A" },
    { path: "b.ts", text: "B\n" },
  ],
};

const shown = (segments: readonly Segment[]): string =>
  segments.map((segment) => ("text" in segment ? segment.text : segment.special)).join("");

function template(tokens: readonly string[], name = "") {
  return chooseFim({ hasSpecial: (text) => tokens.includes(text), name });
}

const PIPES = ["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"];
const ANGLES = ["<fim_prefix>", "<fim_suffix>", "<fim_middle>"];

interface Golden {
  readonly family: string;
  readonly tokens: readonly string[];
  readonly name?: string;
  readonly alone: string;
  readonly files: string;
}

const GOLDEN: readonly Golden[] = [
  {
    family: "qwen",
    tokens: [...PIPES, "<|file_sep|>", "<|repo_name|>"],
    alone: "<|fim_prefix|>P<|fim_suffix|>S<|fim_middle|>",
    files:
      "<|repo_name|>repo\n<|file_sep|>a.ts\nA\n<|file_sep|>b.ts\nB\n<|file_sep|>src/cur.ts\n" +
      "<|fim_prefix|>P<|fim_suffix|>S<|fim_middle|>",
  },
  {
    family: "codegemma",
    tokens: [...PIPES, "<|file_separator|>"],
    alone: "<|fim_prefix|>P<|fim_suffix|>S<|fim_middle|>",
    files:
      "<|file_separator|>a.ts\nA\n<|file_separator|>b.ts\nB\n<|file_separator|>src/cur.ts\n" +
      "<|fim_prefix|>P<|fim_suffix|>S<|fim_middle|>",
  },
  {
    family: "granite",
    tokens: PIPES,
    alone: "<|fim_prefix|>P<|fim_suffix|>S<|fim_middle|>",
    files: "<|fim_prefix|>P<|fim_suffix|>S<|fim_middle|>",
  },
  {
    family: "starcoder2",
    tokens: [...ANGLES, "<file_sep>"],
    alone: "<fim_prefix>P<fim_suffix>S<fim_middle>",
    files: "<file_sep>A\n<file_sep>B\n<file_sep><fim_prefix>P<fim_suffix>S<fim_middle>",
  },
  {
    family: "starcoder",
    tokens: [...ANGLES, "<filename>"],
    name: "granite-3.3-8b-base",
    alone: "<fim_prefix>P<fim_suffix>S<fim_middle>",
    files: "<fim_prefix>P<fim_suffix>S<fim_middle>",
  },
  {
    family: "mellum",
    tokens: [...ANGLES, "<filename>", "<file_sep>"],
    name: "Mellum 4b Base",
    alone: "<filename>src/cur.ts\n<fim_suffix>S<fim_prefix>P<fim_middle>",
    files:
      "<filename>a.ts\nA\n<filename>b.ts\nB\n<filename>src/cur.ts\n<fim_suffix>S<fim_prefix>P<fim_middle>",
  },
  {
    family: "deepseek-coder",
    tokens: ["<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"],
    alone: "<｜fim▁begin｜>P<｜fim▁hole｜>S<｜fim▁end｜>",
    files: "<｜fim▁begin｜>P<｜fim▁hole｜>S<｜fim▁end｜>",
  },
  {
    family: "codestral",
    tokens: ["[PREFIX]", "[SUFFIX]", "[MIDDLE]"],
    name: "Codestral-22B-v0.1",
    alone: "[SUFFIX]S[PREFIX]P",
    files: "[SUFFIX]S[PREFIX]+++++ a.ts\nA\n+++++ b.ts\nB\n+++++ src/cur.ts\nP",
  },
  {
    family: "seed-coder",
    tokens: ["<[fim-prefix]>", "<[fim-suffix]>", "<[fim-middle]>"],
    alone: "<[fim-suffix]>S<[fim-prefix]>P<[fim-middle]>",
    files: "<[fim-suffix]>S<[fim-prefix]>P<[fim-middle]>",
  },
  ...(
    [
      ["code-llama", "▁<PRE>P▁<SUF>S▁<MID>", "▁<EOT>"],
      ["code-llama", "<PRE>P<SUF>S<MID>", "<EOT>"],
      ["glm", "<|code_prefix|>P<|code_suffix|>S<|code_middle|>", "<|user|>"],
      ["santacoder", "<fim-prefix>P<fim-suffix>S<fim-middle>", "<fim-pad>"],
      ["falcon-h1-coder", "<|prefix|>P<|suffix|>S<|middle|>", "<|pad|>"],
      ["aixcoder", "▁<AIX-SPAN-PRE>P▁<AIX-SPAN-POST>S▁<AIX-SPAN-MIDDLE>", "<s>"],
    ] as const
  ).map(([family, prompt, other]) => ({
    family,
    tokens: [...prompt.split(/(?<=>)[PS](?=[<▁])/), other],
    alone: prompt,
    files: prompt,
  })),
];

describe("FIM templates", () => {
  for (const golden of GOLDEN) {
    it(`recognises and renders ${golden.family}, ${golden.tokens[0]!}`, () => {
      const chosen = template(golden.tokens, golden.name);
      assert.equal(chosen?.family, golden.family);
      assert.equal(shown(chosen.render(parts)), golden.alone);
      assert.equal(shown(chosen.render(withFiles)), golden.files);
      assert.ok(chosen.stopTokens.every((token) => golden.tokens.includes(token)));
    });
  }

  it("shows recent edits to a model that knows them, and to no other", () => {
    const edits = "--- a.ts\n+++ a.ts\n@@ -1 +1 @@\n-a\n+b\n";
    const tokens = ["<[fim-prefix]>", "<[fim-suffix]>", "<[fim-middle]>"];
    const zeta = template(tokens, "zeta-2")!;
    assert.equal(zeta.family, "zeta");
    assert.ok(zeta.hasEdits && zeta.hasFiles);
    assert.equal(
      shown(zeta.render({ ...withFiles, edits })),
      `<[fim-suffix]>S<[fim-prefix]><filename>a.ts\nA\n<filename>b.ts\nB\n<filename>edit_history\n${edits}` +
        "<filename>src/cur.ts\nP<[fim-middle]>",
    );
    assert.equal(shown(zeta.render(parts)), "<[fim-suffix]>S<[fim-prefix]>P<[fim-middle]>");
    for (const golden of GOLDEN) {
      const other = template(golden.tokens, golden.name)!;
      assert.equal(other.hasEdits, false);
      assert.equal(shown(other.render({ ...withFiles, edits })), golden.files);
    }
  });

  it("shows files without a repository name where the model or the request has none", () => {
    const noRepository: FimParts = { prefix: "P", suffix: "S", path: "c", files: [{ path: "a", text: "A" }] };
    const files = "<|file_sep|>a\nA\n<|file_sep|>c\n<|fim_prefix|>P<|fim_suffix|>S<|fim_middle|>";
    assert.equal(
      shown(template([...PIPES, "<|file_sep|>"])!.render({ ...noRepository, repository: "r" })),
      files,
    );
    assert.equal(shown(template([...PIPES, "<|file_sep|>", "<|repo_name|>"])!.render(noRepository)), files);
  });

  it("never turns special-looking source text into special segments", () => {
    const rendered = template(PIPES)!.render({ ...parts, prefix: "x = '<|fim_middle|>'" });
    assert.deepEqual(rendered[1], { text: "x = '<|fim_middle|>'" });
  });

  it("takes the tokens that the model's file names before those that it has", () => {
    const named = { prefix: "<P>", suffix: "<S>", middle: "<M>" };
    const chosen = (tokens: readonly string[], file: NamedTokens) =>
      chooseFim({ hasSpecial: (text) => tokens.includes(text), name: "", named: file });
    const own = chosen([...ANGLES, "<P>", "<S>", "<M>"], named)!;
    assert.equal(shown(own.render(withFiles)), "<P>P<S>S<M>");
    assert.deepEqual(own.stopTokens, ["<P>", "<S>", "<M>"]);
    const files = chosen(["<P>", "<S>", "<M>", "<R>"], { ...named, file: "<F>", repository: "<R>" })!;
    assert.equal(
      shown(files.render(withFiles)),
      "<R>repo\n<F>a.ts\nA\n<F>b.ts\nB\n<F>src/cur.ts\n<P>P<S>S<M>",
    );
  });

  it("knows the family of the tokens that a file names", () => {
    const squares = ["<[fim-prefix]>", "<[fim-suffix]>", "<[fim-middle]>"] as const;
    const [prefix, suffix, middle] = squares;
    const both = (text: string): boolean => [...PIPES, ...squares].includes(text);
    const chosen = chooseFim({ hasSpecial: both, name: "", named: { prefix, suffix, middle } })!;
    assert.equal(shown(chosen.render(parts)), "<[fim-suffix]>S<[fim-prefix]>P<[fim-middle]>");
    assert.equal(chooseFim({ hasSpecial: both, name: "" })!.family, "granite");
  });

  it("takes the tokens that a file does not name from the family, in the family's order", () => {
    const squares = ["<[fim-prefix]>", "<[fim-suffix]>", "<[fim-middle]>"];
    const chosen = (tokens: readonly string[], named: NamedTokens): string | undefined => {
      const fim = chooseFim({ hasSpecial: (text) => tokens.includes(text), name: "", named });
      return fim === undefined ? undefined : shown(fim.render(parts));
    };
    assert.equal(chosen(PIPES, { prefix: "<P>" }), "<P>P<|fim_suffix|>S<|fim_middle|>");
    assert.equal(chosen(squares, { prefix: "<P>", suffix: "<S>" }), "<S>S<P>P<[fim-middle]>");
    // One that has the named token goes before the first.
    const middle = "<[fim-middle]>";
    assert.equal(chosen([...PIPES, ...squares], { middle }), "<[fim-suffix]>S<[fim-prefix]>P<[fim-middle]>");
    assert.equal(chosen([], { prefix: "<P>", suffix: "<S>" }), undefined);
  });

  it("does not believe a file that names one token for two purposes", () => {
    const named = { prefix: "<P>", suffix: "<P>", middle: "<M>" };
    assert.equal(chooseFim({ hasSpecial: () => false, name: "", named }), undefined);
    const has = (text: string): boolean => PIPES.includes(text);
    assert.equal(chooseFim({ hasSpecial: has, name: "", named })!.family, "granite");
    assert.equal(chooseFim({ hasSpecial: has, name: "", named: { prefix: PIPES[2]! } })!.family, "granite");
  });

  it("does not take a vocabulary that models share for what one of them was trained with", () => {
    const tokens = ["[PREFIX]", "[SUFFIX]", "[MIDDLE]"];
    const has = (text: string): boolean => tokens.includes(text);
    assert.equal(chooseFim({ hasSpecial: has, name: "Mistral Nemo Instruct 2407" }), undefined);
    const named = { prefix: "[PREFIX]", suffix: "[SUFFIX]" };
    assert.equal(chooseFim({ hasSpecial: has, name: "Ours 7B", named })?.family, "codestral");
  });

  it("has no template for a model without all tokens of a family", () => {
    assert.equal(template([]), undefined);
    assert.equal(template(["<|fim_prefix|>", "<|fim_suffix|>"]), undefined);
    assert.deepEqual(plainPrompt("P"), [{ text: "P" }]);
  });
});
