import * as vscode from "vscode";
import { BackgroundSyntax } from "../syntax/backgroundSyntax";

/** Trees of the documents that are open. */
export class DocumentSyntax extends BackgroundSyntax implements vscode.Disposable {
  private readonly subscription = vscode.workspace.onDidCloseTextDocument((document) =>
    this.forget(document.uri.toString()),
  );

  override dispose(): void {
    this.subscription.dispose();
    super.dispose();
  }
}
