import assert from "node:assert/strict";
import * as vscode from "vscode";
import { A_WHILE, closeAll, commit, lacuna, setting, settled, sleep, type, until } from "./helpers";
import { SlowEngine } from "./slowEngine";

interface Case {
  readonly language: string;
  /** With the cursor at `│`. */
  readonly content: string;
  readonly typed: string;
  /** What the model writes from there on, also when it is asked again. */
  readonly text: string;
  readonly accepted: string;
}

/** What is cut of each: the model would go on with it, and says so when it is asked again. */
const CASES: Readonly<Record<string, Case>> = {
  "closes blocks that are closed below": {
    language: "javascript",
    content: "function go() {\n  if (a) {\n    run│\n  }\n}\n",
    typed: "(",
    text: "a);\n  }\n}\n\ngo();\n",
    accepted: "function go() {\n  if (a) {\n    run(a);\n  }\n}\n",
  },
  "repeats the lines below": {
    language: "python",
    content: "def one(a):\n    return│\n\n\ndef two(a):\n    return a + 2\n",
    typed: " ",
    text: "a + 1\n\n\ndef two(a):\n    return a + 2\n",
    accepted: "def one(a):\n    return a + 1\n\n\ndef two(a):\n    return a + 2\n",
  },
  "repeats what stands right of the cursor": {
    language: "javascript",
    content: "const a = [one│];\nconst b = 2;\n",
    typed: ",",
    text: " two];\nconst b = 2;\n",
    accepted: "const a = [one, two];\nconst b = 2;\n",
  },
  "leaves a bracket open": {
    language: "javascript",
    content: "const a =│\nconst b = 2;\n",
    typed: " ",
    text: "f(g(1)",
    accepted: "const a = f(g(1));\nconst b = 2;\n",
  },
};

/** A model that goes on with what has been cut, whenever it is asked. */
describe("what was cut to fit", function () {
  this.retries(2); // an editor on a busy machine shows things late, or asks late
  let engine: SlowEngine;
  let offers: string[];

  before(async () => {
    await lacuna();
    await setting("enabled", false);
  });
  after(() => setting("enabled", undefined));
  beforeEach(async () => {
    offers = [];
    engine = new SlowEngine();
    engine.provider.onDidOffer(({ text }) => offers.push(text));
    await engine.service.ready();
  });
  afterEach(async () => {
    engine.dispose();
    await closeAll();
  });

  for (const [what, { language, content, typed, text, accepted }] of Object.entries(CASES)) {
    it(`is not offered after it where a model ${what}`, async () => {
      const before = content.slice(0, content.indexOf("│")).split("\n").at(-1)! + typed;
      engine.answer({ firstMs: 50, answers: [{ after: before, text }] });
      const editor = await settled(content, language);
      offers = [];
      await type(typed);
      await until("the suggestion", () => offers.length > 0);
      await sleep(A_WHILE);
      assert.equal(await commit(editor), accepted);
      offers = [];
      for (let again = 0; again < 2; again++) {
        await vscode.commands.executeCommand("editor.action.inlineSuggest.trigger");
        await sleep(A_WHILE);
      }
      assert.deepEqual(offers, []);
      assert.equal(await commit(editor), "");
    });
  }
});
