import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { exitOf, forkEngine } from "./clientProcess";

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

describe("an engine process", () => {
  it("has a small heap for what is garbage soon", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "lacuna-fork-"));
    const hostPath = path.join(folder, "host.cjs");
    // Some hundred MiB, of which little lives; without a limit the young generation has grown to tens of MiB afterwards.
    writeFileSync(
      hostPath,
      `let kept = [];
       for (let i = 0; i < 5e5; i++) { kept.push({ text: [i, i, i, i] }); if (kept.length > 5e4) kept = []; }
       const young = require("node:v8").getHeapSpaceStatistics().find(({ space_name: name }) => name === "new_space");
       process.send(young.space_size);`,
    );
    try {
      const bytes = await new Promise<number>((resolve, reject) => {
        const child = forkEngine({ hostPath });
        child.onMessage((message) => resolve(message as unknown as number));
        child.onExit(({ why }) => reject(new Error(why)));
      });
      assert.ok(bytes <= 8 * 2 ** 20, `${bytes} bytes`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
