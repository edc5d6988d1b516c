import * as vscode from "vscode";

/** The editor that shows a document; of several, as in a split view, the one that is active. */
export function visibleEditor(document: vscode.TextDocument): vscode.TextEditor | undefined {
  const { activeTextEditor, visibleTextEditors } = vscode.window;
  return activeTextEditor?.document === document
    ? activeTextEditor
    : visibleTextEditors.find((editor) => editor.document === document);
}
