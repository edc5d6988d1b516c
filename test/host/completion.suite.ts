import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import * as vscode from "vscode";
import type { LacunaApi } from "../../src/extension";
import {
  accept,
  closeAll,
  cursorAfter,
  lacuna,
  open,
  setting,
  sleep,
  until,
  untitled,
  workspaceFile,
} from "./helpers";

/** Places where any model has something to say. */
const JS = "function one(a, b) {\n  return a + b;\n}\n\nfunction two(a, b) {│\n";
const PYTHON = "def one(a, b):\n    return a + b\n\n\ndef two(a, b):\n    │";
const TS =
  "export function sum(values: number[]): number {\n  let total = 0;\n  for (const value of values) {│\n";

describe("completions", () => {
  let api: LacunaApi;
  before(async () => {
    api = await lacuna();
    await api.engine.ready();
  });
  afterEach(async () => {
    await closeAll();
    for (const name of [
      "enabled",
      "languages",
      "maxLines",
      "maxTokens",
      "debounce",
      "maxFileSizeKB",
      "secretFiles",
      "logLevel",
    ]) {
      await setting(name, undefined);
    }
  });

  it("appear and are accepted in a TypeScript file that was just opened", async () => {
    const editor = await open("src/inventory.ts");
    cursorAfter(editor, "total(): number {");
    const text = await accept(editor);
    assert.notEqual(text.trim(), "");
  });

  for (const [language, content] of [
    ["javascript", JS],
    ["python", PYTHON],
  ] as const) {
    it(`appear in ${language}`, async () => {
      const editor = await untitled(content, language);
      assert.notEqual((await accept(editor)).trim(), "");
    });
  }

  it("are accepted word by word", async () => {
    const editor = await untitled(TS);
    const first = await accept(editor, 15_000, "editor.action.inlineSuggest.acceptNextWord");
    assert.notEqual(first, "");
    assert.ok(api.statistics.data.latencies.length > 0);
  });

  it("keep the line ends of a CRLF file", async () => {
    const editor = await untitled(JS, "javascript");
    await editor.edit((edit) => edit.setEndOfLine(vscode.EndOfLine.CRLF));
    await editor.edit((edit) => edit.insert(new vscode.Position(0, 0), "\r\n\r\n"));
    assert.notEqual(await accept(editor), "");
    assert.doesNotMatch(editor.document.getText(), /[^\r]\n/);
  });

  it("work in a file that is indented with tabs", async () => {
    const editor = await untitled(
      "class A {\n\tone() {\n\t\treturn this.a;\n\t}\n\n\ttwo() {│\n\t}\n}\n",
      "javascript",
    );
    assert.notEqual((await accept(editor)).trim(), "");
  });

  it("work after surrogate pairs, and never tear a character", async () => {
    const editor = await untitled(`const face = '😀👩‍👩‍👧 e\u0301';\n${JS}`, "javascript");
    assert.notEqual((await accept(editor)).trim(), "");
    const before = editor.document.getText();
    cursorAfter(editor, " e");
    assert.equal(await accept(editor, 1_500), "");
    assert.equal(editor.document.getText(), before);
  });

  it("come in notebook cells", async () => {
    const code = PYTHON.replace("│", "");
    const cell = new vscode.NotebookCellData(vscode.NotebookCellKind.Code, code, "python");
    const notebook = await vscode.workspace.openNotebookDocument(
      "jupyter-notebook",
      new vscode.NotebookData([cell]),
    );
    const notebookEditor = await vscode.window.showNotebookDocument(notebook);
    notebookEditor.selection = new vscode.NotebookRange(0, 1);
    await vscode.commands.executeCommand("notebook.cell.edit");
    const { document } = notebook.cellAt(0);
    assert.equal(document.uri.scheme, "vscode-notebook-cell");
    const editor = await until("the cell's editor", () =>
      vscode.window.activeTextEditor?.document === document ? vscode.window.activeTextEditor : undefined,
    );
    cursorAfter(editor, code);
    assert.notEqual((await accept(editor)).trim(), "");
  });

  it("are served along from the cache, without another request", async () => {
    const editor = await untitled(JS, "javascript");
    const word = await accept(editor, 15_000, "editor.action.inlineSuggest.acceptNextWord");
    assert.notEqual(word, "");
    const asked = api.statistics.data.latencies.length;
    // The editor asks again after each word; what it gets is the rest of the same suggestion.
    const before = editor.document.getText();
    await sleep(500);
    assert.equal(api.statistics.data.latencies.length, asked);
    await vscode.commands.executeCommand("editor.action.inlineSuggest.commit");
    await until("the rest", () => editor.document.getText() !== before, 5_000);
  });

  it("do not come where they are not wanted, and the status bar says why", async () => {
    await setting("languages", { "*": true, javascript: false });
    const editor = await untitled(JS, "javascript");
    assert.equal(await accept(editor, 1_500), "");
    await until("reason", () => api.statusBar.view.text.includes("switched off for javascript"));
    await setting("languages", undefined);
    await until("no reason", () => !api.statusBar.view.text.includes("switched off"));
    await setting("enabled", false);
    await until("reason", () => api.statusBar.view.text.includes("switched off"));
    assert.equal(await accept(editor, 1_500), "");
  });

  it("do not come in secrets and in files over the limit", async () => {
    await open("src/inventory.ts");
    await setting("secretFiles", ["**/inventory.ts"]);
    await until("secret", () => api.statusBar.view.text.includes("looks like a secret"));
    await setting("secretFiles", undefined);
    await setting("maxFileSizeKB", 1);
    await until("size", () => api.statusBar.view.text.includes("larger than 1 KB"));
  });

  it("do not come in read-only files, with a selection or several cursors", async () => {
    const editor = await open("src/queue.js");
    editor.selection = new vscode.Selection(4, 0, 6, 0);
    await until("selection", () => api.statusBar.view.tooltip.includes("text is selected"));
    editor.selections = [new vscode.Selection(4, 0, 4, 0), new vscode.Selection(6, 0, 6, 0)];
    await until("cursors", () => api.statusBar.view.tooltip.includes("there are several cursors"));
    const file = workspaceFile("src/readonly.js").fsPath;
    writeFileSync(file, "const a = 1;\n", { mode: 0o444 });
    await open("src/readonly.js");
    // For root every file is writable, and VS Code takes its word.
    if (process.getuid?.() !== 0) {
      await until("read-only", () => api.statusBar.view.text.includes("read-only"));
    }
    rmSync(file, { force: true });
  });

  it("leave a 5 MB file alone without slowing the editor", async () => {
    const editor = await untitled("");
    const text = "const value = 1;\n".repeat(300_000);
    await editor.edit((edit) => edit.insert(new vscode.Position(0, 0), text));
    await until("size", () => api.statusBar.view.text.includes("larger than 1024 KB"));
    assert.equal(await accept(editor, 1_500), "");
  });

  it("obey the limits of length", async () => {
    await setting("maxTokens", 8); // some of them may go into white space
    const editor = await untitled(JS, "javascript");
    const text = await accept(editor);
    assert.ok(text.length > 0 && text.length < 120, JSON.stringify(text));
  });

  it("survive a document that is closed during a request", async () => {
    const editor = await untitled(JS, "javascript");
    void vscode.commands.executeCommand("editor.action.inlineSuggest.trigger");
    await sleep(10);
    assert.ok(editor.document);
    await closeAll();
    const next = await untitled(JS, "javascript");
    assert.notEqual((await accept(next)).trim(), "");
  });

  it("fall back on defaults when settings have the wrong type", async () => {
    await setting("maxTokens", "many");
    await setting("languages", "all");
    await setting("debounce", { a: 1 });
    const editor = await untitled(JS, "javascript");
    assert.notEqual((await accept(editor)).trim(), "");
  });
});
