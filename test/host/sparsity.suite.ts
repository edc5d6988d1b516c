import assert from "node:assert/strict";
import * as vscode from "vscode";
import type { LacunaApi } from "../../src/extension";
import { closeAll, cursorAfter, lacuna, nextCompletion, open, setting, until } from "./helpers";

describe("sparsity", () => {
  let api: LacunaApi;
  before(async () => {
    api = await lacuna();
    await api.engine.ready();
  });
  after(() => setting("sparsity", undefined));
  afterEach(closeAll);

  const maskOf = (editor: vscode.TextEditor, ratio?: number): ReturnType<LacunaApi["sparsity"]["maskOf"]> => {
    const mask = api.sparsity.maskOf(editor.document);
    return mask !== undefined && (ratio === undefined || Math.abs(mask.result.activeRatio - ratio) < 0.05)
      ? mask
      : undefined;
  };

  it("is set by command, applies to the open file, and shows", async () => {
    const editor = await open("src/inventory.ts");
    cursorAfter(editor, "let total = 0;");
    await vscode.commands.executeCommand("lacuna.setSparsity", 0.4);
    const mask = await until("a mask", () => maskOf(editor, 0.4), 60_000);
    assert.ok(mask.result.rows.every((rows) => rows > 0));
    assert.ok(mask.result.memory.packedBytes > 0);
    // and what that costs, if it is more than the user wants
    await until("40 % in the status bar", () => / · 40 %( · loss \S+ %)?$/.test(api.statusBar.view.text));
    assert.match(api.statusBar.view.tooltip, /Mask \| 40 %/);
    // Whatever the model has to say here, it says it with this share. (What was said to an unchanged text may be known still.)
    await editor.edit((edit) => edit.insert(new vscode.Position(0, 0), `// ${Math.random()}\n`));
    const completion = nextCompletion(api, editor.document);
    cursorAfter(editor, "total(): number {");
    await vscode.commands.executeCommand("editor.action.inlineSuggest.trigger");
    assert.ok(Math.abs((await completion).result.activeRatio - 0.4) < 0.05);
    await until("its figures", () => api.statusBar.view.tooltip.includes("| Decode |"));
    await vscode.commands.executeCommand("lacuna.setSparsity", "dense");
    await until("no figures of before", () => {
      const { text, tooltip } = api.statusBar.view;
      return text.startsWith("$(layers) – tok/s") && !tooltip.includes("| Decode |");
    });
  });

  it("goes back to dense", async () => {
    const editor = await open("src/inventory.ts");
    await vscode.commands.executeCommand("lacuna.setSparsity", "dense");
    await until("dense", () => maskOf(editor, 1), 60_000);
    await until("100 % in the status bar", () => api.statusBar.view.text.endsWith("100 %"));
  });

  it("gives two files masks of their own", async () => {
    await vscode.commands.executeCommand("lacuna.setSparsity", 0.5);
    const a = await open("src/queue.js");
    const first = await until("a mask", () => maskOf(a, 0.5), 60_000);
    const b = await open("scripts/words.py");
    const second = await until("another mask", () => maskOf(b, 0.5), 60_000);
    assert.notDeepEqual([...first.result.heatmap.values], [...second.result.heatmap.values]);
    const again = await open("src/queue.js");
    assert.equal(maskOf(again), first, "the first file keeps its mask");
  });

  it("remembers the mask of a file that is opened again", async () => {
    await vscode.commands.executeCommand("lacuna.setSparsity", 0.5);
    const editor = await open("src/queue.js");
    await until("a mask", () => maskOf(editor, 0.5), 60_000);
    await closeAll();
    await api.engine.restart();
    const again = await open("src/queue.js");
    const mask = await until("a mask", () => maskOf(again, 0.5), 60_000);
    assert.equal(mask.result.source, "remembered");
  });

  it("is left alone by auto where a model is too small to gain, and the status says so", async () => {
    const editor = await open("src/inventory.ts");
    await vscode.commands.executeCommand("lacuna.setSparsity", 0.5);
    await until("a mask", () => maskOf(editor, 0.5), 60_000);
    await vscode.commands.executeCommand("lacuna.setSparsity", "auto");
    const { result } = await until("dense", () => maskOf(editor, 1), 60_000);
    assert.equal(result.source, "dense");
    assert.match(result.why!, /too small to gain/);
    await until("the reason", () => api.statusBar.view.tooltip.includes("too small to gain"));
  });
});
