import assert from "node:assert/strict";
import type { CompleteResult } from "../../engine/protocol";
import { phaseTable, promptTable, RequestLog, summariseWork, type Asked } from "./phases";

const result = (overrides: Partial<CompleteResult> = {}): CompleteResult => ({
  text: "",
  stopReason: "eos",
  activeRatio: 1,
  prefill: { tokens: 3, ms: 10, again: 0 },
  decode: { tokens: 5, ms: 50, tokensPerSecond: 100 },
  times: { arrived: 121, turn: 125, prompt: 127, firstToken: 137 },
  ...overrides,
});

/** Asked at 120; text from 138 to 160. */
function log(ended = result()): RequestLog {
  const made = new RequestLog(120);
  made.grown(138, "\n  a(");
  made.grown(150, "\n  a();\n");
  made.grown(160, "\n  a();\n  b();\n");
  made.ended(161, ended);
  return made;
}

const sum = ({ phases }: Asked): number => Object.values(phases).reduce((a, b) => a + b, 0);

describe("phases of an answer", () => {
  it("divide the time from the key to its text", () => {
    const asked = log().asked(100, 163)!;
    assert.deepEqual(asked.phases, {
      ...{ before: 20, message: 1, turn: 4, prompt: 2 },
      ...{ prefill: 10, line: 13, lines: 10, show: 3 },
    });
    assert.equal(sum(asked), 63);
    assert.equal(asked.promptTokens, 3);
    assert.equal(asked.prompt, "grown");
  });

  it("take only what was written until the text was shown", () => {
    const { phases } = log().asked(100, 152)!;
    assert.deepEqual([phases.line, phases.lines, phases.show], [13, 0, 2]);
  });

  it("charge a key that comes later with what is left", () => {
    const asked = log().asked(145, 163)!;
    assert.deepEqual([asked.phases.before, asked.phases.prefill, asked.phases.line], [0, 0, 5]);
    assert.equal(sum(asked), 18);
  });

  it("tell what came after a key from what was known", () => {
    const made = new RequestLog(120);
    assert.equal(made.grewSince(100), false);
    made.grown(138, "a");
    assert.equal(made.grewSince(130), true);
    assert.equal(made.grewSince(140), false);
    made.ended(161, result());
    assert.equal(made.grewSince(140), true);
  });

  it("are not known of a request that has come to nothing", () => {
    const made = new RequestLog(120);
    assert.equal(made.asked(100, 163), undefined);
    assert.equal(summariseWork([]), undefined);
  });

  it("are summed up, with the prompts by how they came about", () => {
    const jump = log(result({ anchored: "jump", prefill: { tokens: 600, ms: 10, again: 0 } }));
    const work = summariseWork([log().asked(100, 163)!, log().asked(110, 163)!, jump.asked(100, 163)!])!;
    assert.equal(work.keys, 3);
    assert.equal(work.phases.before.p50, 20);
    assert.equal(work.total.mean, (63 + 53 + 63) / 3);
    assert.deepEqual(phaseTable(work)[1], [
      "before the engine is asked (debounce, syntax)",
      ...["20.0", "20.0", "16.7"],
    ]);
    assert.deepEqual(promptTable(work).slice(1), [
      ["only grew", "2", "3", "3", "3"],
      ["elsewhere in it", "1", "600", "600", "600"],
    ]);
  });
});
