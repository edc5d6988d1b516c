import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import * as vscode from "vscode";
import { Admission } from "../../src/editor/context/admission";
import { ContextService } from "../../src/editor/context/contextService";
import { Definitions } from "../../src/editor/context/definitions";
import { DocumentChanges } from "../../src/editor/context/documentChanges";
import { Eligibility } from "../../src/editor/eligibility";
import { textAt } from "../../src/editor/documentText";
import { defaultSettings, type Settings } from "../../src/editor/settings";
import { accept, closeAll, cursorAt, lacuna, open, sleep, until, untitled, workspaceFile } from "./helpers";

const quiet = { onDidChange: new vscode.EventEmitter<never>().event };
const configOf = (settings: Partial<Settings> = {}): { settings: Settings } & typeof quiet => ({
  settings: { ...defaultSettings(), ...settings },
  ...quiet,
});

describe("eligibility", () => {
  const parts: { dispose(): unknown }[] = [];
  before(lacuna);
  afterEach(async () => {
    await closeAll();
    parts.splice(0).forEach((part) => part.dispose());
  });

  function eligibility(settings: Partial<Settings> = {}, discharging = false): Eligibility {
    const made = new Eligibility(configOf(settings), { discharging, ...quiet });
    parts.push(made);
    return made;
  }

  it("asks the editor that one works in, of two that show the same file", async () => {
    const left = await open("src/queue.js");
    left.selection = new vscode.Selection(4, 0, 6, 0);
    const right = await vscode.window.showTextDocument(left.document, vscode.ViewColumn.Beside);
    cursorAt(right, new vscode.Position(4, 0));
    await until("the right editor", () => vscode.window.activeTextEditor === right);
    assert.equal(eligibility().check(right.document), undefined);
    right.selection = new vscode.Selection(4, 0, 6, 0);
    assert.equal(eligibility().check(right.document)?.reason, "selection");
    assert.equal(eligibility().checkFile(right.document), undefined);
  });

  const CODE = "function one(a, b) {\n  return a + b;\n}\n\nfunction two(a, b) {\n";

  /** A file system of another extension, every file of which holds {@link CODE}. */
  function fileSystem(scheme: string, options: { readonly isReadonly?: boolean } = {}): void {
    const text = Buffer.from(CODE);
    const stat = { type: vscode.FileType.File, ctime: 0, mtime: 0, size: text.length };
    const none = (): never => {
      throw vscode.FileSystemError.NoPermissions();
    };
    const changed = new vscode.EventEmitter<never>();
    const provider: vscode.FileSystemProvider = {
      onDidChangeFile: changed.event,
      watch: () => new vscode.Disposable(() => undefined),
      stat: () => stat,
      readFile: () => text,
      readDirectory: () => [],
      createDirectory: none,
      writeFile: none,
      delete: none,
      rename: none,
    };
    parts.push(changed, vscode.workspace.registerFileSystemProvider(scheme, provider, options));
  }

  it("lets the files of a virtual workspace be completed", async () => {
    fileSystem("vscode-vfs");
    const uri = vscode.Uri.parse("vscode-vfs://github/owner/repository/a.js");
    const editor = await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri));
    assert.equal(eligibility().check(editor.document), undefined);
    cursorAt(editor, new vscode.Position(4, 20));
    assert.notEqual((await accept(editor)).trim(), "");
  });

  it("lets the files of any file system be completed", async () => {
    for (const scheme of ["vsls", "memfs", "sftp", "isfs"]) {
      fileSystem(scheme);
      const document = await vscode.workspace.openTextDocument(vscode.Uri.parse(`${scheme}:/some/a.js`));
      const editor = await vscode.window.showTextDocument(document);
      assert.equal(eligibility().check(document), undefined, scheme);
      if (scheme === "memfs") {
        cursorAt(editor, new vscode.Position(4, 20));
        assert.notEqual((await accept(editor)).trim(), "");
      }
      await vscode.commands.executeCommand("workbench.action.revertAndCloseActiveEditor");
    }
  });

  it("lets the user's settings be completed", async () => {
    await vscode.commands.executeCommand("workbench.action.openSettingsJson");
    const { document } = await until("the settings", () => vscode.window.activeTextEditor);
    assert.match(document.uri.path, /settings\.json$/);
    assert.equal(eligibility().check(document), undefined, document.uri.toString());
  });

  it("leaves alone what cannot be written, and says so", async () => {
    fileSystem("lockedfs", { isReadonly: true });
    const content = { provideTextDocumentContent: () => CODE };
    parts.push(vscode.workspace.registerTextDocumentContentProvider("shown", content));
    for (const scheme of ["lockedfs", "shown"]) {
      const document = await vscode.workspace.openTextDocument(vscode.Uri.parse(`${scheme}:/some/a.js`));
      await vscode.window.showTextDocument(document);
      assert.equal(eligibility().check(document)?.reason, "read-only", scheme);
    }
  });

  it("lets who asks have a suggestion on battery, but not in a secret file", async () => {
    const { document } = await untitled("const a = 1;\n", "javascript");
    const saving = eligibility({ pauseOnBattery: true }, true);
    assert.equal(saving.check(document)?.reason, "battery");
    assert.equal(saving.check(document, "invoked"), undefined);
    const secret = eligibility({ pauseOnBattery: true, secretFiles: ["Untitled*"] }, true);
    assert.equal(secret.check(document, "invoked")?.reason, "secret");
  });
});

describe("the indentation of a document", () => {
  before(lacuna);
  afterEach(closeAll);
  const START = new vscode.Position(0, 0);

  it("is the language's, shown or not", async () => {
    for (const [language, insertSpaces] of [
      ["makefile", false],
      ["go", false],
      ["python", true],
      ["yaml", true],
    ] as const) {
      const document = await vscode.workspace.openTextDocument({ language, content: "\n" });
      assert.equal(textAt(document, START).indentation?.insertSpaces, insertSpaces, `${language}, not shown`);
      await vscode.window.showTextDocument(document);
      assert.equal(textAt(document, START).indentation?.insertSpaces, insertSpaces, language);
    }
  });

  it("is the editor's where it has been chosen there, or seen in the file", async () => {
    const editor = await untitled("function a() {\n\tb();\n\tc();\n}\n", "javascript");
    editor.options = { insertSpaces: false, tabSize: 8 };
    await until("the options", () => textAt(editor.document, START).indentation?.tabSize === 8);
    assert.deepEqual(textAt(editor.document, START).indentation, { insertSpaces: false, tabSize: 8 });
  });
});

describe("what may be read for another file", () => {
  const NOTEBOOK = JSON.stringify({
    cells: [{ cell_type: "code", source: ["a = 1"], metadata: {}, outputs: [], execution_count: null }],
    metadata: {},
    nbformat: 4,
    nbformat_minor: 5,
  });
  const parts: { dispose(): unknown }[] = [];
  before(async () => {
    await lacuna();
    execFileSync("git", ["init", "-q", workspaceFile("").fsPath]);
    mkdirSync(workspaceFile("notes").fsPath, { recursive: true });
    for (const [name, text] of Object.entries({
      ".gitignore": "*.local.*\n",
      "notes/kept.ipynb": NOTEBOOK,
      "notes/mine.local.ipynb": NOTEBOOK,
      "notes/mine.local.js": "const mine = 1;\n",
      "notes/kept.js": "const kept = 1;\n",
    })) {
      writeFileSync(workspaceFile(name).fsPath, text);
    }
  });
  afterEach(async () => {
    parts.splice(0).forEach((part) => part.dispose());
    await closeAll();
  });
  after(() => {
    for (const name of ["notes", ".git", ".gitignore"]) {
      rmSync(workspaceFile(name).fsPath, { recursive: true, force: true });
    }
  });

  it("are cells of notebooks that git does not ignore", async () => {
    const admission = new Admission(configOf());
    for (const [name, admitted] of [
      ["notes/kept.ipynb", true],
      ["notes/mine.local.ipynb", false],
    ] as const) {
      const notebook = await vscode.workspace.openNotebookDocument(workspaceFile(name));
      assert.equal(await admission.isAdmitted(notebook.cellAt(0).document.uri), admitted, name);
    }
  });

  it("are no files of a machine where git cannot be asked", async () => {
    const admission = new Admission(configOf());
    assert.equal(await admission.isAdmitted(workspaceFile("notes/kept.js")), true);
    const there = vscode.Uri.parse("vscode-remote://ssh-remote+host/home/me/kept.js");
    assert.equal(await admission.isAdmitted(there), false);
  });

  it("are no edits of files that git ignores", async () => {
    const admission = new Admission(configOf());
    const changes = new DocumentChanges(admission);
    const model = { contextSize: 2_048, hasEdits: true } as never;
    const service = new ContextService(
      admission,
      new Definitions(admission),
      { model },
      configOf({ context: "visited" }),
      changes,
    );
    parts.push(changes, service);
    for (const name of ["notes/mine.local.js", "notes/kept.js"]) {
      const editor = await open(name);
      await sleep(500);
      await editor.edit((edit) => edit.insert(new vscode.Position(0, 0), `// edited ${name}\n`));
    }
    const { document } = await untitled("const a = 1;\n", "javascript");
    await service.gather(document, new vscode.Position(1, 0));
    const { edits } = service.of(document);
    assert.match(edits, /edited notes\/kept\.js/);
    assert.doesNotMatch(edits, /local/);
  });
});
