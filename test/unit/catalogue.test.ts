import assert from "node:assert/strict";
import { chooseFim } from "../../src/completion/fim";
import { catalogue } from "../../src/models/catalogue/catalogue";

describe("the catalogue of models", () => {
  it("uses families of prompts that completions know", () => {
    const tokens: Readonly<Record<string, readonly string[]>> = {
      qwen: ["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|file_sep|>"],
      codegemma: ["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|file_separator|>"],
      granite: ["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"],
      mellum: ["<fim_prefix>", "<fim_suffix>", "<fim_middle>", "<filename>"],
      starcoder2: ["<fim_prefix>", "<fim_suffix>", "<fim_middle>", "<file_sep>"],
      starcoder: ["<fim_prefix>", "<fim_suffix>", "<fim_middle>"],
      "deepseek-coder": ["<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"],
      codestral: ["[PREFIX]", "[SUFFIX]"],
      "seed-coder": ["<[fim-prefix]>", "<[fim-suffix]>", "<[fim-middle]>"],
      "code-llama": ["▁<PRE>", "▁<SUF>", "▁<MID>", "▁<EOT>"],
    };
    for (const { name, fim } of catalogue) {
      const own = tokens[fim] ?? [];
      assert.equal(chooseFim({ name, hasSpecial: (text) => own.includes(text) })?.family, fim, name);
    }
  });
});
