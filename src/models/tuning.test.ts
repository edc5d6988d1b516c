import assert from "node:assert/strict";
import { tuningOf } from "./tuning";

describe("what a model was trained for", () => {
  const says = (entries: Record<string, string>): Parameters<typeof tuningOf>[1] => ({
    metadata: new Map(Object.entries(entries)),
  });

  it("is told by its file's name", () => {
    assert.equal(tuningOf("/models/qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"), "chat");
    assert.equal(tuningOf("/models/gemma-3-270m-it-Q8_0.gguf"), "chat");
    assert.equal(tuningOf("/models/starcoder2-3b-Q4_K_M.gguf"), "completion");
    assert.equal(tuningOf("/models/limited-edition.gguf"), undefined);
  });

  it("is told by what the file says of itself, whatever somebody has called it", () => {
    const instruct = { "general.name": "Qwen2.5 Coder 0.5B", "general.finetune": "Instruct-AWQ" };
    assert.equal(tuningOf("/models/qwen2.5-coder-0.5b.gguf", says(instruct)), "chat");
    assert.equal(tuningOf("/models/mine.gguf", says({ "general.name": "Gemma 3 4b It" })), "chat");
    assert.equal(tuningOf("/models/mine.gguf", says({ "general.basename": "Qwen2.5-Coder" })), "completion");
    assert.equal(tuningOf("/models/mine.gguf", says({ "general.name": "Smollm2 135M" })), undefined);
  });
});
