import assert from "node:assert/strict";
import { StopRules } from "../stopRules";
import { codeFence } from "./codeFence";

const context = (prefix: string, suffix = "") => ({ prefix, suffix, language: "python", path: "a.py" });

describe("code fences of a chat", () => {
  it("end a completion where the text has none", () => {
    assert.equal(codeFence("return a\n```\nThis adds.", context("def f(a):\n    ")), "return a");
    assert.equal(codeFence("return a\n```", context("def f(a):\n    ")), "return a");
    assert.equal(codeFence("```python\ndef f():", context("x = 1\n")), "");
  });

  it("are text where the file has some, or where they are part of a line", () => {
    assert.equal(codeFence("```\nMore.", context("# Title\n\n```js\nlet a;\n")), "```\nMore.");
    assert.equal(codeFence("return `a```b`", context("f = ")), "return `a```b`");
    assert.equal(codeFence("```", context("mark = ")), "```");
  });

  it("end a generation", () => {
    const rules = new StopRules(context("x = 1\n"));
    assert.deepEqual(rules.push("y = 2\n```\n"), { stop: true, rule: "fence", text: "y = 2" });
    const markdown = new StopRules(context("```js\n"));
    assert.deepEqual(markdown.push("let a;\n```\n"), { stop: false });
  });
});
