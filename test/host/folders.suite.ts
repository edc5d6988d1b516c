import assert from "node:assert/strict";
import * as vscode from "vscode";
import type { LacunaApi } from "../../src/extension";
import { A_WHILE, closeAll, cursorAfter, lacuna, setting, sleep, until } from "./helpers";
import { SlowEngine } from "./slowEngine";

/** Two folders of one name, with the same file. */
describe("in a window of several folders", () => {
  let api: LacunaApi;
  let folders: readonly vscode.WorkspaceFolder[];
  before(async () => {
    api = await lacuna();
    folders = vscode.workspace.workspaceFolders!;
    assert.deepEqual(
      folders.map(({ name }) => name),
      ["app", "app"],
    );
  });
  afterEach(closeAll);

  async function openIn(folder: vscode.WorkspaceFolder): Promise<vscode.TextEditor> {
    const document = await vscode.workspace.openTextDocument(vscode.Uri.joinPath(folder.uri, "sum.js"));
    const editor = await vscode.window.showTextDocument(document, { preview: false });
    await vscode.commands.executeCommand("workbench.action.focusActiveEditorGroup");
    await sleep(A_WHILE);
    cursorAfter(editor, "const total = ");
    return editor;
  }

  it("says which settings of its folders do not count", async () => {
    await until("the sentence", () =>
      api.statusBar.view.tooltip.includes(
        "Setting lacuna.maxTokens of the folder app is ignored: this window takes the user's and those of its workspace file.",
      ),
    );
    assert.equal(vscode.workspace.getConfiguration("lacuna").get("maxTokens"), 64);
  });

  it("takes two files of one name for two, with an answer for each", async () => {
    await setting("enabled", false);
    const engine = new SlowEngine();
    const offers: string[] = [];
    engine.provider.onDidOffer(({ text }) => offers.push(text));
    try {
      await engine.service.ready();
      for (const [index, folder] of folders.entries()) {
        const text = `answer${index};`;
        engine.answer({ answers: [{ after: "total = ", text }] });
        await openIn(folder);
        await vscode.commands.executeCommand("editor.action.inlineSuggest.trigger");
        await until("its own answer", () => offers.includes(text));
      }
      assert.ok(!offers.slice(offers.indexOf("answer1;")).includes("answer0;"));
      const asked = engine.events.filter(({ event }) => event === "complete");
      assert.deepEqual([...new Set(asked.map(({ path }) => path))], ["one/app/sum.js", "two/app/sum.js"]);
      assert.deepEqual(
        [...new Set(asked.map(({ document }) => document))],
        folders.map(({ uri }) => vscode.Uri.joinPath(uri, "sum.js").toString()),
      );
    } finally {
      engine.dispose();
      await setting("enabled", undefined);
    }
  });

  it("makes a mask for each of two files of one name", async () => {
    await setting("sparsity", 0.5);
    try {
      const first = await openIn(folders[0]!);
      await until("a mask of one", () => api.sparsity.maskOf(first.document));
      const second = await openIn(folders[1]!);
      assert.equal(api.sparsity.maskOf(second.document), undefined);
      const mask = await until("a mask of the other", () => api.sparsity.maskOf(second.document));
      assert.notEqual(mask, api.sparsity.maskOf(first.document));
    } finally {
      await setting("sparsity", undefined);
    }
  });
});
