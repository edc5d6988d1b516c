import assert from "node:assert/strict";
import { exitOf } from "./clientProcess";

describe("the end of an engine process", () => {
  it("by a signal of native code is told apart from others", () => {
    assert.deepEqual(exitOf(null, "SIGILL", "linux"), { why: "was ended by SIGILL", signal: "SIGILL" });
    assert.deepEqual(exitOf(null, "SIGKILL", "linux"), {
      why: "was ended by SIGKILL, perhaps for lack of memory",
    });
  });
  // What wine and Windows give for ud2, a write to address 8, and abort.
  for (const [code, signal] of [
    [0xc000001d, "illegal instruction"],
    [0xc0000005, "access violation"],
    [0xc0000409, "abort"],
    [3, "abort"],
  ] as const) {
    it(`by exit code ${code.toString(16)} is ${signal} on Windows`, () => {
      assert.deepEqual(exitOf(code, null, "win32"), { why: `was ended by ${signal}`, signal });
    });
  }
  it("by any other code is no fault of native code", () => {
    assert.deepEqual(exitOf(1, null, "win32"), { why: "ended with exit code 1" });
    assert.deepEqual(exitOf(3, null, "linux"), { why: "ended with exit code 3" });
  });
});
