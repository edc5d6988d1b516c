import assert from "node:assert/strict";
import * as vscode from "vscode";
import type { Completed } from "../../src/editor/generator";
import type { LacunaApi } from "../../src/extension";

export const EXTENSION_ID = "lacuna.lacuna";

/** The extension under test, activated. */
export async function lacuna(): Promise<LacunaApi> {
  const extension = vscode.extensions.getExtension<LacunaApi>(EXTENSION_ID);
  assert.ok(extension, "the extension is not installed");
  return extension.activate();
}

/** The next generation in `document` that comes to its end, whatever it has come to. */
export function nextCompletion(
  { generator }: LacunaApi,
  document: vscode.TextDocument,
  ms = 30_000,
): Promise<Completed> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      subscription.dispose();
      reject(new Error(`no completion within ${ms} ms`));
    }, ms);
    const subscription = generator.onDidComplete((completed) => {
      if (completed.document === document) {
        clearTimeout(timer);
        subscription.dispose();
        resolve(completed);
      }
    });
  });
}

export const workspaceFile = (name: string): vscode.Uri =>
  vscode.Uri.joinPath(vscode.workspace.workspaceFolders![0]!.uri, name);

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until `probe` returns something other than undefined or false. */
export async function until<T>(what: string, probe: () => T | undefined | false, ms = 30_000): Promise<T> {
  const end = Date.now() + ms;
  for (;;) {
    const value = probe();
    if (value !== undefined && value !== false) {
      return value;
    }
    assert.ok(Date.now() < end, `${what}: nothing after ${ms} ms`);
    await sleep(50);
  }
}

export async function open(name: string): Promise<vscode.TextEditor> {
  const document = await vscode.workspace.openTextDocument(workspaceFile(name));
  return vscode.window.showTextDocument(document, { preview: false });
}

/** A new untitled document in an editor, with the cursor at `│`. */
export async function untitled(content: string, language = "typescript"): Promise<vscode.TextEditor> {
  // An untitled document takes the name of one that was closed: the first line tells them apart for the cache.
  const comment = language === "python" ? "#" : "//";
  content = `${comment} ${Math.random().toString(36).slice(2)}\n${content}`;
  const at = content.indexOf("│");
  const document = await vscode.workspace.openTextDocument({ language, content: content.replace("│", "") });
  const editor = await vscode.window.showTextDocument(document, { preview: false });
  cursorAt(editor, document.positionAt(at < 0 ? content.length : at));
  return editor;
}

export function cursorAt(editor: vscode.TextEditor, position: vscode.Position): void {
  editor.selection = new vscode.Selection(position, position);
}

/** Places the cursor after `text`, which occurs in the document. */
export function cursorAfter(editor: vscode.TextEditor, text: string): void {
  const offset = editor.document.getText().indexOf(text);
  assert.ok(offset >= 0, `${text} is not in the document`);
  cursorAt(editor, editor.document.positionAt(offset + text.length));
}

/**
 * Asks for a suggestion as a person does, waits for it and accepts it. Returns what came into the document, "" when nothing was
 * suggested within `ms`.
 */
export async function accept(
  editor: vscode.TextEditor,
  ms = 15_000,
  command = "editor.action.inlineSuggest.commit",
): Promise<string> {
  const { document } = editor;
  const before = document.getText();
  const end = Date.now() + ms;
  while (document.getText() === before && Date.now() < end) {
    await vscode.commands.executeCommand("editor.action.inlineSuggest.trigger");
    for (let i = 0; i < 20 && document.getText() === before; i++) {
      await sleep(100);
      await vscode.commands.executeCommand(command);
    }
  }
  return inserted(before, document.getText());
}

/** Longer than the editor takes to show what it is given. */
export const A_WHILE = 600;

/** An {@link untitled} document whose editor has done with opening it: before, it does not ask for suggestions. */
export async function settled(content: string, language: string): Promise<vscode.TextEditor> {
  const editor = await untitled(content, language);
  await vscode.commands.executeCommand("workbench.action.focusActiveEditorGroup");
  await sleep(A_WHILE);
  return editor;
}

/** As a person does, key by key. */
export async function type(text: string): Promise<void> {
  for (const character of text) {
    await vscode.commands.executeCommand("type", { text: character });
    await sleep(60);
  }
}

/** What an untitled document says after what is shown has come into it, "" when nothing has. */
export async function commit({ document }: vscode.TextEditor): Promise<string> {
  const before = document.getText();
  await vscode.commands.executeCommand("editor.action.inlineSuggest.commit");
  await sleep(A_WHILE / 2);
  return document.getText() === before ? "" : document.getText().split("\n").slice(1).join("\n");
}

/** What `after` has that `before` has not, as one piece. */
export function inserted(before: string, after: string): string {
  let start = 0;
  while (start < before.length && before[start] === after[start]) {
    start++;
  }
  let end = 0;
  while (end < before.length - start && before.at(-1 - end) === after.at(-1 - end)) {
    end++;
  }
  return after.slice(start, after.length - end);
}

export async function setting(name: string, value: unknown): Promise<void> {
  await vscode.workspace.getConfiguration("lacuna").update(name, value, vscode.ConfigurationTarget.Global);
}

export const closeAll = async (): Promise<void> => {
  await vscode.commands.executeCommand("workbench.action.revertAndCloseActiveEditor");
  await vscode.commands.executeCommand("workbench.action.closeAllEditors");
};
