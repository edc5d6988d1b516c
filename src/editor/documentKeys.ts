import * as vscode from "vscode";

/**
 * What tells documents apart for the engine: their URI. An untitled document takes the name of one that was closed; it shares nothing
 * with that one, and so gets another key.
 */
export class DocumentKeys implements vscode.Disposable {
  /** How many untitled documents of a name have been closed, by URI. */
  private readonly closed = new Map<string, number>();
  private readonly subscription = vscode.workspace.onDidCloseTextDocument(({ uri, isUntitled }) => {
    if (isUntitled) {
      this.closed.set(uri.toString(), (this.closed.get(uri.toString()) ?? 0) + 1);
    }
  });

  of({ uri }: Pick<vscode.TextDocument, "uri">): string {
    const name = uri.toString();
    const before = this.closed.get(name) ?? 0;
    return before === 0 ? name : `${name} ${before + 1}`;
  }

  dispose(): void {
    this.subscription.dispose();
  }
}
