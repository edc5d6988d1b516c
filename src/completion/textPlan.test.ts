import assert from "node:assert/strict";
import { ANCHOR_LIMITS } from "./anchor";
import { fimOf, type ContextFile, type Segment } from "./fim";
import { TextPlanner, type TextPlan } from "./textPlan";
import { at } from "./testing";

const counter = { tokenize: (text: string) => ({ length: Math.ceil(text.length / 3) }) };
const shown = (head: readonly Segment[]): string =>
  head.map((one) => ("special" in one ? one.special : one.text)).join("");

describe("TextPlanner", () => {
  let planner: TextPlanner;
  const plan = (text: string, budget = 300, context: readonly ContextFile[] = []): TextPlan =>
    planner.plan({ ...at(text), path: "x.ts", context, budget }, ANCHOR_LIMITS);
  beforeEach(() => {
    planner = new TextPlanner(fimOf("qwen"), counter, 6);
  });

  it("keeps its head while one types", () => {
    const first = plan("a();\n  b│\nend();\n");
    assert.equal(shown(first.head), "<|fim_prefix|><|fim_suffix|>\nend();\n<|fim_middle|>");
    assert.equal(first.typed, "a();\n  b");
    assert.equal(first.reason, "first");
    const second = plan("a();\n  bcd│\nend();\n");
    assert.equal(second.head, first.head);
    assert.equal(second.typed, "a();\n  bcd");
    assert.equal(second.reason, undefined);
  });

  it("leaves the lines before the cursor's behind the middle token, as long as all of it fits", () => {
    const line = "const value = other + another + third + fourth;\n";
    const { head, typed } = plan(`${line.repeat(5)}x = │\nend();\n`);
    assert.equal(typed, `${line.repeat(5)}x = `);
    assert.ok(shown(head).startsWith("<|fim_prefix|><|fim_suffix|>"));
  });

  it("fits its budget, however long the file and the line are", () => {
    for (const text of [`${"x;\n".repeat(500)}y│${"\nz;".repeat(500)}`, `${"abc".repeat(2000)}│`, "│"]) {
      for (const budget of [100, 300, 900]) {
        const { head, typed } = plan(text, budget);
        const length = counter.tokenize(shown(head) + typed).length;
        assert.ok(length <= budget + 20, `${length} of ${budget}`); // marks count as one
      }
    }
  });

  it("takes what has been typed into its head when that has become too much", () => {
    let typed = "";
    let renewed = 0;
    for (let index = 0; index < 60; index++) {
      typed += `value${index} + `;
      const now = plan(`a();\nb = ${typed}│\nend();\n`, 200);
      renewed += now.reason === "typed" ? 1 : 0;
      assert.ok(counter.tokenize(shown(now.head) + now.typed).length <= 220);
    }
    assert.ok(renewed > 0 && renewed < 30, `${renewed}`);
  });

  it("keeps other files in their order, and shows them when there is a new anchor", () => {
    const files = ["a", "b"].map((name) => ({ path: `${name}.ts`, text: `${name}();\n` }));
    assert.match(shown(plan("x│\nend();\n", 300, files).head), /a\.ts.*b\.ts/s);
    planner.forget();
    assert.match(shown(plan("x│\nend();\n", 300, [...files].reverse()).head), /a\.ts.*b\.ts/s);
  });
});
