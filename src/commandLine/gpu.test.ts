import assert from "node:assert/strict";
import { UsageError } from "./errors";
import { chooseBenchGpu, chooseGpu } from "./gpu";

describe("chooseGpu", () => {
  const given = (word?: string): { text(): string | undefined } => ({ text: () => word });

  it("reads every choice, and falls back to the command's own", () => {
    assert.equal(chooseGpu(given(), "auto"), "auto");
    assert.equal(chooseGpu(given(), "off"), false);
    assert.equal(chooseGpu(given("off"), "auto"), false);
    for (const name of ["auto", "cuda", "metal", "vulkan"]) {
      assert.equal(chooseGpu(given(name), "off"), name);
    }
  });
  it("compares no GPU with a server on the CPU", () => {
    assert.equal(chooseBenchGpu(given(), "llama-server"), false);
    assert.equal(chooseBenchGpu(given("cuda"), undefined), "cuda");
    assert.throws(() => chooseBenchGpu(given("cuda"), "llama-server"), /--server none/);
  });
  it("refuses another word and names those that there are", () => {
    assert.throws(
      () => chooseGpu(given("rocm"), "auto"),
      (error: unknown) =>
        error instanceof UsageError &&
        error.message.includes("one of auto, cuda, metal, vulkan, off, not rocm"),
    );
  });
});
