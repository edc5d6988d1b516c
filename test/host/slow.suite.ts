import assert from "node:assert/strict";
import * as vscode from "vscode";
import { A_WHILE, closeAll, commit, lacuna, setting, settled, sleep, type, until } from "./helpers";
import { SlowEngine } from "./slowEngine";

/** Words that no other document has: the editor's list has nothing for them, whatever other tests have left open. */
const WORDS = [
  { typed: "quibble", line: "def ", text: "_item(self, item):", language: "python" },
  { typed: "zorp", line: "    if ", text: " is not None:", language: "python" },
  { typed: "wyvern", line: "const ", text: " = cart.all();", language: "javascript" },
] as const;

const REMOVE = { after: "def ", text: "remove_item(self, item):" };

/** Nothing is set: VS Code waits 750 ms for ghost text at the end of a word, then opens its list and does not ask again. */
describe("a slow engine", function () {
  this.retries(2); // an editor on a busy machine shows things late, or asks late
  let engine: SlowEngine;
  let offers: string[];
  let subscriptions: { dispose(): unknown }[];

  before(async () => {
    await lacuna();
    await setting("enabled", false);
  });
  after(() => setting("enabled", undefined));
  beforeEach(async () => {
    offers = [];
    engine = new SlowEngine();
    subscriptions = [engine, engine.provider.onDidOffer(({ text }) => offers.push(text))];
    await engine.service.ready();
  });
  afterEach(async function () {
    if (this.currentTest?.isPassed() !== true) {
      // One has failed on another machine, and nobody knows why: what the editor had asked for, and was given.
      console.log(JSON.stringify({ offers, events: engine.events, text: textNow() }, undefined, 1));
    }
    subscriptions.forEach((subscription) => subscription.dispose());
    await closeAll();
  });

  const textNow = (): string | undefined => vscode.window.activeTextEditor?.document.getText();

  /** The editor's list has these to offer, and nothing of what the document says. */
  function listing(language: string, labels: readonly string[]): void {
    const items = labels.map((label) => new vscode.CompletionItem(label, vscode.CompletionItemKind.Function));
    subscriptions.push(
      vscode.languages.registerCompletionItemProvider(
        { language },
        { provideCompletionItems: () => new vscode.CompletionList(items) },
      ),
    );
  }

  async function typing(content: string, language: string, typed: string): Promise<vscode.TextEditor> {
    const editor = await settled(content, language);
    offers = [];
    await type(typed);
    return editor;
  }

  for (const [index, seconds] of [0.8, 2, 5].entries()) {
    const { typed, line, text, language } = WORDS[index]!;
    it(`of ${seconds} s shows its text at the end of "${line}${typed}"`, async () => {
      engine.answer({ firstMs: 1000 * seconds, answers: [{ after: line, text: typed + text }] });
      const editor = await typing(`${line}│\n`, language, typed);
      await until("the suggestion", () => offers.length > 0, 1000 * seconds + 5_000);
      await sleep(A_WHILE);
      assert.equal(await commit(editor), `${line}${typed}${text}\n`);
      assert.deepEqual([...new Set(offers)], [text]);
    });

    it(`of ${seconds} s shows its text beside a list that goes with it`, async () => {
      listing("python", ["remove_item", "remove_many"]);
      engine.answer({ firstMs: 1000 * seconds, answers: [REMOVE] });
      const editor = await typing("def │\n", "python", "remove");
      await until("the suggestion", () => offers.length > 0, 1000 * seconds + 5_000);
      await sleep(A_WHILE);
      assert.equal(await commit(editor), "def remove_item(self, item):\n");
    });
  }

  it("leaves a list alone that does not go with it, and shows its text after that", async () => {
    listing("python", ["remove_all"]);
    engine.answer({ firstMs: 1_500, answers: [REMOVE] });
    const editor = await typing("def │\n", "python", "remove");
    await until("the answer", () => engine.events.some(({ how }) => how === "whole"), 10_000);
    await sleep(A_WHILE);
    assert.equal(await commit(editor), "", "nothing is shown beside it");
    await vscode.commands.executeCommand("hideSuggestWidget");
    await until("the suggestion", () => offers.length > 0, 5_000);
    await sleep(A_WHILE);
    assert.equal(await commit(editor), "def remove_item(self, item):\n");
  });

  it("is asked once for a word that is erased and typed again beside a list, and shows its text with every key", async () => {
    listing("python", ["remove_item", "remove_many"]);
    engine.answer({ firstMs: 300, answers: [REMOVE] });
    const editor = await typing("def │\n", "python", "re");
    await until("the suggestion", () => offers.length > 0);
    await sleep(A_WHILE);
    const asked = engine.events.filter(({ event }) => event === "complete").length;
    for (let round = 0; round < 2; round++) {
      for (const text of ["m", "o", "v"]) {
        offers = [];
        await vscode.commands.executeCommand("type", { text });
        await until(`text after ${text}`, () => offers.length > 0, 5_000);
      }
      for (let back = 0; back < 3; back++) {
        await vscode.commands.executeCommand("deleteLeft");
        await sleep(60);
      }
      await sleep(A_WHILE);
    }
    assert.equal(engine.events.filter(({ event }) => event === "complete").length, asked);
    assert.equal(editor.document.getText().split("\n")[1], "def re");
  });

  it("asks for the whole word when its first letter has come to something else", async () => {
    engine.answer({
      firstMs: 1_000,
      answers: [
        { after: "def r", text: "un(self):" },
        { after: "def remove", text: "_item(self, item):" },
      ],
    });
    const editor = await typing("def │\n", "python", "remove");
    await until("the suggestion", () => offers.length > 0, 10_000);
    await sleep(A_WHILE);
    assert.equal(await commit(editor), "def remove_item(self, item):\n");
  });

  it("forgets what it has written when settings or the mask change what it would write", async () => {
    engine.answer({ answers: [{ after: "total = ", text: "one;" }] });
    const editor = await typing("const total =│\n", "javascript", " ");
    await until("the suggestion", () => offers.includes("one;"));
    // It does not ask again while it shows something.
    const asks = async (): Promise<void> => {
      await vscode.commands.executeCommand("editor.action.inlineSuggest.hide");
      await vscode.commands.executeCommand("editor.action.inlineSuggest.trigger");
    };
    engine.answer({ answers: [{ after: "total = ", text: "two;" }] });
    offers = [];
    engine.maskChanged.fire({ document: editor.document.uri, runsOtherwise: false });
    await asks();
    await until("the same", () => offers.includes("one;"));
    engine.maskChanged.fire({ document: editor.document.uri, runsOtherwise: true });
    await asks();
    await until("another", () => offers.includes("two;"));
    for (const [index, settings] of [
      { sparsity: 0.5 },
      { sparsity: "dense" as const },
      { metric: "gxo" },
      { contextSize: 512 },
      { maxQualityLoss: 0.2 },
      { model: "/another.gguf" },
      { server: "http://127.0.0.1:1" },
      { server: "" },
    ].entries()) {
      const text = `after${index};`;
      engine.answer({ answers: [{ after: "total = ", text }] });
      engine.set(settings);
      await asks();
      await until(`what is written with ${JSON.stringify(settings)}`, () => offers.includes(text));
    }
  });

  it("goes on between quotes that the editor has inserted", async () => {
    const text = '"submit" class="main">Save</button>';
    engine.answer({ firstMs: 100, answers: [{ after: "<button type=", text }] });
    const editor = await typing("<form>\n<button type│\n</form>\n", "plaintext", "=");
    await until("the suggestion", () => offers.includes(text));
    await sleep(A_WHILE);
    await editor.insertSnippet(new vscode.SnippetString('"$1"')); // as VS Code's HTML does
    await until("the rest of it", () => offers.includes(text.slice(1)), 5_000);
    await sleep(A_WHILE);
    assert.equal(engine.events.filter(({ event }) => event === "complete").length, 1);
    assert.equal(await commit(editor), `<form>\n<button type=${text}\n</form>\n`);
  });

  for (const [who, language, line, text, quotes] of [
    ["as VS Code's JSX does", "javascriptreact", "const a = <a className", '"b" key={c} />;', '"$1"'],
    ["in JSX, in single quotes", "typescriptreact", "const a = <a className", "'b' key={c} />;", "'$1'"],
    ["as Vue's extension does", "plaintext", "<li :class", '"{ on: a }">{{ b }}</li>', '"$0"'],
  ] as const) {
    it(`goes on between quotes that are inserted ${who}`, async () => {
      engine.answer({ firstMs: 100, answers: [{ after: `${line}=`, text }] });
      const editor = await typing(`${line}│\n`, language, "=");
      await until("the suggestion", () => offers.includes(text));
      await sleep(A_WHILE);
      await editor.insertSnippet(new vscode.SnippetString(quotes));
      await until("the rest of it", () => offers.includes(text.slice(1)), 5_000);
      await sleep(A_WHILE);
      assert.equal(engine.events.filter(({ event }) => event === "complete").length, 1);
      assert.equal(await commit(editor), `${line}=${text}\n`);
    });
  }

  for (const [language, line, typed, text] of [
    ["typescriptreact", "const a = <a className=", '"', '"b" key={c} />;'],
    ["typescriptreact", "const a = <a style=", "{", "{{ b: c }} />;"],
    ["javascriptreact", "const a = <a title=", "'", "'b' />;"],
  ] as const) {
    it(`goes on between ${typed} and what the editor closes it with, after ${line} in ${language}`, async () => {
      engine.answer({ firstMs: 100, answers: [{ after: line, text }] });
      const editor = await typing(`${line.slice(0, -1)}│\n`, language, "");
      await editor.edit((edit) => edit.insert(editor.selection.active, "=")); // no quotes are inserted for that
      await vscode.commands.executeCommand("editor.action.inlineSuggest.trigger");
      await until("the suggestion", () => offers.includes(text));
      await sleep(A_WHILE);
      await type(typed);
      await until("the rest of it", () => offers.includes(text.slice(1)), 5_000);
      await sleep(A_WHILE);
      assert.equal(await commit(editor), `${line}${text}\n`);
    });
  }

  it("goes on between quotes that VS Code's HTML inserts by itself", async () => {
    const text = '"{ on: a }">{{ b }}</li>';
    engine.answer({ firstMs: 100, answers: [{ after: "<li :class=", text }] });
    const editor = await typing("<ul>\n<li :class│\n</ul>\n", "html", "=");
    await until("the quotes", () => editor.document.getText().includes('=""'), 20_000);
    await until("the rest of it", () => offers.includes(text.slice(1)), 10_000);
    await sleep(A_WHILE);
    assert.equal(await commit(editor), `<ul>\n<li :class=${text}\n</ul>\n`);
  });

  it("that is out of time offers what is whole of its text", async () => {
    engine.answer({
      tokenMs: 500,
      deadlineMs: 3_300,
      answers: [{ after: "def add(self, ", text: "a, b):\n    try:\n        self.c = 1" }],
    });
    const editor = await typing("def add(self,│\n", "python", " ");
    await until("its end", () => engine.events.some(({ how }) => how === "deadline"), 20_000);
    await sleep(A_WHILE);
    assert.equal(await commit(editor), "def add(self, a, b):\n");
    assert.deepEqual(new Set(offers), new Set(["a, b):"]));
  });

  describe("whose suggestion has several lines", () => {
    const BEFORE = "class Cart {\n  items = [];\n\n  ";
    const REST = "Item(id) {\n    this.items = this.items.filter((item) => item.id !== id);\n  }";
    const AFTER = "\n}\n";

    for (const [how, tokenMs] of [
      ["at once", 0],
      ["slowly", 60],
    ] as const) {
      async function shown(): Promise<vscode.TextEditor> {
        engine.answer({ firstMs: 200, tokenMs, answers: [{ after: BEFORE, text: `remove${REST}` }] });
        const editor = await typing(`${BEFORE}│${AFTER}`, "javascript", "remove");
        await until("all of the suggestion", () => offers.includes(REST), 10_000);
        await sleep(A_WHILE);
        return editor;
      }
      const whole = `${BEFORE}remove${REST}${AFTER}`;

      for (const part of ["acceptNextWord", "acceptNextLine"]) {
        it(`and was written ${how}, keeps the rest of it whole after ${part}`, async () => {
          const editor = await shown();
          const before = editor.document.getText();
          await vscode.commands.executeCommand(`editor.action.inlineSuggest.${part}`);
          await sleep(A_WHILE);
          assert.notEqual(editor.document.getText(), before);
          assert.equal(engine.events.filter(({ event }) => event === "complete").length, 1);
          assert.equal(await commit(editor), whole);
        });
      }

      it(`and was written ${how}, keeps the rest of it whole while one types through`, async () => {
        const editor = await shown();
        for (const character of "Item(") {
          await vscode.commands.executeCommand("type", { text: character });
          await sleep(150);
        }
        await sleep(A_WHILE);
        assert.equal(await commit(editor), whole);
      });
    }
  });

  it("goes on when the editor no longer waits, and stops when the cursor goes elsewhere", async () => {
    engine.answer({ firstMs: 2_500, answers: [REMOVE] });
    const editor = await typing("def │\n", "python", "remove");
    await sleep(1_500);
    const last = engine.events.findLast(({ event }) => event === "complete");
    assert.ok(!engine.events.some(({ event, id }) => event === "cancel" && id === last?.id));
    await vscode.commands.executeCommand("cursorTop");
    await until("a stop", () => engine.events.some(({ how }) => how === "cancelled"), 5_000);
    await sleep(A_WHILE);
    assert.deepEqual(offers, []);
    assert.equal(await commit(editor), "");
  });

  it("that answers after the document was closed shows nothing, and the next document has its own", async () => {
    engine.answer({
      firstMs: 1_500,
      ignoresCancel: true,
      answers: [REMOVE],
    });
    await typing("def │\n", "python", "remove");
    await sleep(300);
    await closeAll();
    await until("the answer", () => engine.events.some(({ how }) => how === "whole"), 10_000);
    await sleep(A_WHILE);
    assert.deepEqual(offers, []);
    engine.answer({ firstMs: 1_000, answers: [{ after: "if err", text: " is not None:" }] });
    const editor = await typing("    if │\n", "python", "err");
    await until("the suggestion", () => offers.length > 0, 10_000);
    await sleep(A_WHILE);
    assert.equal(await commit(editor), "    if err is not None:\n");
  });
});
