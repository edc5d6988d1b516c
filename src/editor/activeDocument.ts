import * as vscode from "vscode";
import { excludedScheme } from "../completion/eligibility";

/** The document that the user works on: the active editor's, or the last one while a panel or a page has the focus. */
export class ActiveDocument implements vscode.Disposable {
  private last = vscode.window.activeTextEditor?.document;
  private readonly subscription = vscode.window.onDidChangeActiveTextEditor((editor) => {
    if (editor !== undefined && excludedScheme(editor.document.uri.scheme) === undefined) {
      this.last = editor.document;
    }
  });

  get current(): vscode.TextDocument | undefined {
    const active = vscode.window.activeTextEditor?.document;
    return active ?? (this.last?.isClosed === true ? undefined : this.last);
  }

  dispose(): void {
    this.subscription.dispose();
  }
}
