import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import * as vscode from "vscode";
import { NO_CONTEXT } from "../../src/completion/context/frozen";
import { DocumentKeys } from "../../src/editor/documentKeys";
import { Generator } from "../../src/editor/generator";
import { defaultSettings } from "../../src/editor/settings";
import type { WarmRequest } from "../../src/engine/protocol";
import { closeAll, lacuna, open, sleep, until, untitled, workspaceFile } from "./helpers";

const CELLS: readonly (readonly [type: string, source: string])[] = [
  ["code", "import pandas as pd\n\ndef mean_price(frame):\n    return frame.price.mean()"],
  ["markdown", "# Prices\n"],
  ["code", "%%time\nprices = pd.read_csv('prices.csv')\n"],
  ["code", ""],
  ["code", "y = mean_pr"],
  ["code", "later = 1"],
];
const notebookOf = (cells: typeof CELLS): string =>
  JSON.stringify({
    cells: cells.map(([type, source]) => ({
      cell_type: type,
      source: source.split(/(?<=\n)/),
      metadata: {},
      ...(type === "code" ? { outputs: [], execution_count: null } : {}),
    })),
    metadata: { language_info: { name: "python" } },
    nbformat: 4,
    nbformat_minor: 5,
  });

/** What the engine is asked, by a generator of the test's own. */
describe("what the engine is told of a document", () => {
  let keys: DocumentKeys;
  let generator: Generator;
  let asked: WarmRequest[];
  before(async () => {
    await lacuna();
    mkdirSync(workspaceFile("notes").fsPath, { recursive: true });
    writeFileSync(workspaceFile("notes/prices.ipynb").fsPath, notebookOf(CELLS));
    writeFileSync(workspaceFile("notes/helper.py").fsPath, "def mean_price(prices):\n    pass\n");
  });
  beforeEach(() => {
    asked = [];
    keys = new DocumentKeys();
    const warm = (request: WarmRequest): Promise<object> => Promise.resolve({ asked: asked.push(request) });
    generator = new Generator(
      { warm } as never,
      { settings: defaultSettings() },
      { of: () => NO_CONTEXT },
      keys,
    );
  });
  afterEach(async () => {
    keys.dispose();
    generator.dispose();
    await closeAll();
  });
  after(() => rmSync(workspaceFile("notes").fsPath, { recursive: true, force: true }));

  async function askedFor(document: vscode.TextDocument): Promise<WarmRequest> {
    const end = document.positionAt(document.getText().length);
    await generator.warm(document, end, new AbortController().signal);
    return asked.at(-1)!;
  }

  it("has the code of the cells above a cell, in their order, and no other", async () => {
    const notebook = await vscode.workspace.openNotebookDocument(workspaceFile("notes/prices.ipynb"));
    const cell = (index: number): vscode.TextDocument => notebook.cellAt(index).document;
    const { prefix, suffix } = await askedFor(cell(4));
    assert.equal(prefix, `${CELLS[0]![1]}\n\n${CELLS[2]![1].trimEnd()}\n\n${CELLS[4]![1]}`);
    assert.equal(suffix, "");
    assert.equal((await askedFor(cell(0))).prefix, CELLS[0]![1]);
  });

  it("has the cells that have been run above what is typed into an Interactive Window", async () => {
    const opened = await vscode.commands.executeCommand<{ notebookUri: vscode.Uri; inputUri: vscode.Uri }>(
      "interactive.open",
      { preserveFocus: false },
    );
    const ofWindow = (): vscode.NotebookDocument | undefined =>
      vscode.workspace.notebookDocuments.find(({ uri }) => uri.toString() === opened.notebookUri.toString());
    await until("the window is open", () => ofWindow() !== undefined);
    const edit = new vscode.WorkspaceEdit();
    const cell = new vscode.NotebookCellData(vscode.NotebookCellKind.Code, "rate = 1.19\n", "python");
    edit.set(opened.notebookUri, [vscode.NotebookEdit.insertCells(0, [cell])]);
    assert.ok(await vscode.workspace.applyEdit(edit));
    await until("the cell is there", () => ofWindow()!.cellCount === 1);
    const input = await vscode.workspace.openTextDocument(opened.inputUri);
    const document = await vscode.languages.setTextDocumentLanguage(input, "python");
    const typed = new vscode.WorkspaceEdit();
    typed.insert(document.uri, new vscode.Position(0, 0), "gross = net * ra");
    assert.ok(await vscode.workspace.applyEdit(typed));
    assert.equal((await askedFor(document)).prefix, "rate = 1.19\n\ngross = net * ra");
  });

  it("names a cell by its notebook's place in the workspace, without ids and folders of the machine", async () => {
    const notebook = await vscode.workspace.openNotebookDocument(workspaceFile("notes/prices.ipynb"));
    const [first, last] = [0, 4].map((index) => notebook.cellAt(index).document);
    const request = await askedFor(last!);
    assert.equal(request.path, "notes/prices.ipynb");
    assert.notEqual((await askedFor(first!)).document, request.document);
    for (const text of [request.path, request.repository ?? ""]) {
      assert.doesNotMatch(text, /#|W\d|^\//);
      assert.ok(!text.includes(os.homedir()));
    }
  });

  it("names a file outside of the workspace without the folders that it is in", async () => {
    const outside = path.join(os.tmpdir(), `lacuna-outside-${process.pid}.py`);
    writeFileSync(outside, "a = 1\n");
    try {
      const document = await vscode.workspace.openTextDocument(outside);
      assert.equal((await askedFor(document)).path, path.basename(outside));
    } finally {
      rmSync(outside);
    }
    const unsaved = workspaceFile("notes/new.py").with({ scheme: "untitled" });
    assert.equal((await askedFor(await vscode.workspace.openTextDocument(unsaved))).path, "notes/new.py");
  });

  it("tells an untitled document from a closed one whose name it has", async () => {
    const { document } = await untitled("first = 1\n", "python");
    const first = await askedFor(document);
    await vscode.commands.executeCommand("workbench.action.revertAndCloseActiveEditor");
    await until("the document is closed", () => document.isClosed);
    const second = (await untitled("second = 1\n", "python")).document;
    assert.equal(second.uri.toString(), document.uri.toString());
    assert.notEqual((await askedFor(second)).document, first.document);
  });

  it("is the same for a file whenever it is opened", async () => {
    const { document } = await open("src/queue.js");
    const first = await askedFor(document);
    await closeAll();
    assert.deepEqual(await askedFor((await open("src/queue.js")).document), first);
  });

  it("has no cell of the same notebook for a neighbour, but files beside it", async () => {
    const { context, engine } = await lacuna();
    await engine.ready();
    const notebook = await vscode.workspace.openNotebookDocument(workspaceFile("notes/prices.ipynb"));
    const editor = await vscode.window.showNotebookDocument(notebook);
    for (const index of [0, 2, 4]) {
      editor.selection = new vscode.NotebookRange(index, index + 1);
      await vscode.commands.executeCommand("notebook.cell.edit");
      await sleep(700);
    }
    const { document } = notebook.cellAt(4);
    await context.gather(document, new vscode.Position(0, 11));
    const { files } = context.of(document);
    // What other tests have visited may be there, too.
    assert.deepEqual(
      files.map(({ path: name }) => name).filter((name) => name.startsWith("notes/")),
      ["notes/helper.py"],
    );
  });
});
