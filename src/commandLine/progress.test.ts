import assert from "node:assert/strict";
import { Progress } from "./progress";

function progressOn(isTTY: boolean): { readonly progress: Progress; readonly written: string[] } {
  const written: string[] = [];
  const stream = { isTTY, write: (text: string) => written.push(text) > 0 };
  return { progress: new Progress(stream as unknown as NodeJS.WriteStream), written };
}

describe("Progress", () => {
  it("writes few lines to a file", () => {
    const { progress, written } = progressOn(false);
    for (let i = 0; i <= 1000; i++) {
      progress.report("Working", i / 1000);
    }
    assert.deepEqual(written, [
      "Working 0 %\n",
      "Working 25 %\n",
      "Working 50 %\n",
      "Working 75 %\n",
      "Working 100 %\n",
    ]);
  });

  it("rewrites a line on a terminal and leaves it empty", () => {
    const { progress, written } = progressOn(true);
    progress.report("Working", 0);
    progress.report("Working", 0.001);
    progress.report("Working", 0.5);
    progress.end();
    assert.deepEqual(written, ["\rWorking 0 %", "\rWorking 50 %", `\r${" ".repeat(12)}\r`]);
  });

  it("begins anew with every label", () => {
    const { progress, written } = progressOn(false);
    progress.report("One", 1);
    progress.report("Two", 0);
    assert.deepEqual(written, ["One 100 %\n", "Two 0 %\n"]);
  });
});
