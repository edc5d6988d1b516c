import assert from "node:assert/strict";
import { dropTokens, Vocabulary, type TokenizerMetadata } from "./vocabulary";

const [NORMAL, UNKNOWN, CONTROL, USER_DEFINED] = [1, 2, 3, 4];

/** A vocabulary of these tokens with their types. */
function vocabulary(
  tokens: readonly (readonly [text: string, type: number | undefined])[],
  more: Partial<TokenizerMetadata> = {},
): Vocabulary {
  return new Vocabulary({
    tokens: tokens.map(([text]) => text),
    token_type: tokens.map(([, type]) => type!),
    ...more,
  });
}

describe("a vocabulary", () => {
  it("tells marks from text", () => {
    const text = [
      ["<think>", NORMAL],
      ["\n\n", USER_DEFINED],
      ["    ", USER_DEFINED],
      ["\n * ", USER_DEFINED],
      ["ö", USER_DEFINED],
      ["<table>", USER_DEFINED],
      ["</td>", USER_DEFINED],
      ["<h1>", USER_DEFINED],
      ["</s>", USER_DEFINED],
    ] as const;
    const marks = [
      ["<unk>", UNKNOWN],
      ["<issue_start>", CONTROL],
      ["<｜fim▁hole｜>", CONTROL],
      ["<think>", USER_DEFINED],
      ["</think>", USER_DEFINED],
      ["<tool_call>", USER_DEFINED],
      ["<|message|>", USER_DEFINED],
      ["[INST]", USER_DEFINED],
      ["[multimodal]", USER_DEFINED],
      ["▁<EOT>", USER_DEFINED],
      ["<[fim-middle]>", USER_DEFINED],
    ] as const;
    const all = vocabulary([...text, ...marks]);
    [...text, ...marks].forEach(([name, type], token) =>
      assert.equal(all.isMark(token), token >= text.length, `${name} ${type}`),
    );
  });

  it("takes struck text for text unless the file says that it ends one", () => {
    const tokens = [
      ["a", NORMAL],
      ["</s>", NORMAL],
    ] as const;
    assert.deepEqual([...vocabulary(tokens).struck], [[1, "</s>"]]);
    assert.equal(vocabulary(tokens, { eos_token_id: 1 }).struck.size, 0);
    assert.equal(vocabulary(tokens, { eot_token_id: 1 }).struck.size, 0);
    assert.equal(vocabulary([["</s>", CONTROL]]).struck.size, 0);
    assert.equal(vocabulary([["</s>", USER_DEFINED]], { eos_token_id: 7 }).struck.size, 1);
  });

  it("knows the tokens for filling in that the file names, whatever their type", () => {
    for (const type of [NORMAL, CONTROL, USER_DEFINED]) {
      const tokens = ["a", "<P>", "<S>", "middle", "<F>"].map((text) => [text, type] as const);
      const named = vocabulary(tokens, {
        fim_pre_token_id: 1,
        suffix_token_id: 2,
        fim_mid_token_id: 3,
        fim_sep_token_id: 4,
      });
      assert.deepEqual(named.named, { prefix: "<P>", suffix: "<S>", middle: "middle", file: "<F>" });
      assert.equal(named.special("middle"), 3);
    }
    assert.deepEqual(vocabulary([["a", NORMAL]], { fim_pre_token_id: 9, fim_suf_token_id: -1 }).named, {});
  });

  it("finds tokens by their names, whatever their type, and prefers the special one", () => {
    const found = vocabulary([
      ["<fim_prefix>", NORMAL],
      ["▁<PRE>", NORMAL],
      ["<fim_prefix>", CONTROL],
      ["<fim_prefix>", USER_DEFINED],
      ["word", NORMAL],
    ]);
    assert.deepEqual(
      ["<fim_prefix>", "▁<PRE>", "word"].map((text) => found.special(text)),
      [2, 1, undefined],
    );
  });

  it("knows whether text gets a space in front", () => {
    assert.equal(vocabulary([], { model: "llama" }).addsSpace, true);
    assert.equal(vocabulary([], { model: "llama", add_space_prefix: false }).addsSpace, false);
    assert.equal(vocabulary([], { model: "gpt2" }).addsSpace, false);
  });

  it("takes everything for text where the file says nothing", () => {
    const bare = new Vocabulary({ tokens: ["<s>", "a"] });
    assert.equal(bare.isMark(0), false);
    assert.deepEqual(bare.named, {});
  });

  it("needs the file's tokens no longer once it is made", () => {
    const file = {
      tokens: ["a", "<table>", "<think>", "</s>", "<fim_prefix>"],
      token_type: [NORMAL, USER_DEFINED, USER_DEFINED, NORMAL, CONTROL],
      scores: [1, 2, 3, 4, 5],
      merges: ["a b"],
      fim_suf_token_id: 2,
    };
    const made = new Vocabulary(file);
    const known = (): unknown[] => [
      file.tokens.map((_, token) => [made.isMark(token), made.isWhole(token)]),
      made.special("<fim_prefix>"),
      made.named,
      made.struck,
    ];
    const before = known();
    dropTokens(file);
    assert.deepEqual(known(), before);
    assert.deepEqual(file, { tokens: ["", "", "", "", ""], fim_suf_token_id: 2 });
  });
});
