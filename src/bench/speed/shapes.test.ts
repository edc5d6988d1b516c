import assert from "node:assert/strict";
import { tensorBytes } from "../../models/ggmlTypes";
import { QUANTS, SHAPES, tensorsOf, type Quant } from "./shapes";

const typesOf = (shape: string, quant: Quant): Map<string, string> =>
  new Map(tensorsOf(SHAPES[shape]!, quant).map(({ name, type }) => [name, type.name]));

const parameters = (shape: string): number =>
  tensorsOf(SHAPES[shape]!, "F16").reduce(
    (sum, { dimensions }) => sum + dimensions.reduce((a, b) => a * b, 1),
    0,
  );

describe("bench shapes", () => {
  it("have the published numbers of parameters", () => {
    // Qwen2.5-Coder's model cards: 0.49 B, 1.54 B, 3.09 B and 7.61 B.
    assert.equal(parameters("qwen2.5-coder-0.5b"), 494_032_768);
    assert.equal(parameters("qwen2.5-coder-1.5b"), 1_543_714_304);
    assert.equal(parameters("qwen2.5-coder-3b"), 3_085_938_688);
    assert.equal(parameters("qwen2.5-coder-7b"), 7_615_616_512);
  });

  it("mix types as llama.cpp's Q4_K_M does", () => {
    const types = typesOf("qwen2.5-coder-1.5b", "Q4_K_M");
    assert.equal(types.get("token_embd.weight"), "Q6_K");
    assert.equal(types.get("blk.0.attn_q.weight"), "Q4_K");
    assert.equal(types.get("blk.0.ffn_down.weight"), "Q6_K");
    assert.equal(types.get("blk.4.ffn_down.weight"), "Q4_K");
    assert.equal(types.get("blk.5.attn_v.weight"), "Q6_K");
    const down = Array.from({ length: 28 }, (_, layer) => types.get(`blk.${layer}.ffn_down.weight`));
    assert.equal(down.filter((type) => type === "Q6_K").length, 14);
    assert.equal(typesOf("qwen2.5-coder-7b", "Q4_K_M").get("token_embd.weight"), "Q4_K");
    assert.equal(typesOf("qwen2.5-coder-7b", "Q4_K_M").get("output.weight"), "Q6_K");
  });

  it("fall back where rows are no whole number of K-quant blocks", () => {
    const types = typesOf("qwen2.5-coder-0.5b", "Q4_K_M");
    assert.equal(types.get("blk.3.ffn_up.weight"), "Q5_0");
    assert.equal(types.get("blk.0.attn_v.weight"), "Q8_0");
    assert.equal(types.get("token_embd.weight"), "Q8_0");
    assert.equal(types.get("blk.0.ffn_down.weight"), "Q6_K");
  });

  it("give every tensor whole blocks", () => {
    for (const shape of Object.values(SHAPES)) {
      for (const quant of QUANTS) {
        for (const { type, dimensions } of tensorsOf(shape, quant)) {
          assert.ok(Number.isInteger(tensorBytes(type, dimensions)));
        }
      }
    }
  });
});
