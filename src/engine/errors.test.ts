import assert from "node:assert/strict";
import { EngineFailure, toEngineError } from "./errors";

describe("toEngineError", () => {
  it("keeps what is meant for the user", () => {
    assert.deepEqual(toEngineError(new EngineFailure("model-missing", "There is no model.")), {
      code: "model-missing",
      message: "There is no model.",
    });
  });

  it("recognises a lack of memory, whoever noticed it", () => {
    for (const message of [
      "std::bad_alloc",
      "A context size of 4096 is too large for the available VRAM",
      "not enough memory for the packed FFN; a lower activation ratio needs less",
      "failed to allocate buffer",
    ]) {
      const error = toEngineError(new Error(message));
      assert.equal(error.code, "out-of-memory");
      assert.match(
        error.message,
        /^Not enough memory .* Choose a smaller model or a smaller context size\.$/,
      );
    }
  });

  it("makes one line of anything", () => {
    for (const thrown of [new Error("a\nb"), "a\nb", new TypeError("a\n    at f (x.ts:1)")]) {
      assert.deepEqual(toEngineError(thrown), { code: "internal", message: "The engine failed: a" });
    }
    assert.deepEqual(toEngineError(new Error("")), {
      code: "internal",
      message: "The engine failed: unknown error",
    });
  });
});
