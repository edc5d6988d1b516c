import * as vscode from "vscode";
import { CHUNK_LINES, type ChunkSource } from "../../completion/context/chunk";
import type { LineEdit } from "../../completion/context/edits";
import { fileOf, modelPath } from "../documentNames";
import { visibleEditor } from "../visibleEditor";
import type { Admission } from "./admission";

/** A place that someone has looked at. */
export interface Look {
  readonly document: vscode.TextDocument;
  readonly line: number;
  readonly source: ChunkSource;
}

/** Follows what is opened, left, edited, saved and copied from. */
export class DocumentChanges implements vscode.Disposable {
  private readonly looked = new vscode.EventEmitter<Look>();
  readonly onDidLook = this.looked.event;
  private readonly edited = new vscode.EventEmitter<LineEdit>();
  readonly onDidEdit = this.edited.event;
  /** Lines of documents before their next change, by URI. */
  private readonly lines = new Map<string, readonly string[]>();
  /** Where documents were edited last, by URI. */
  private readonly editedAt = new Map<string, number>();
  private last = vscode.window.activeTextEditor;
  private readonly subscriptions: readonly vscode.Disposable[];

  constructor(private readonly admission: Admission) {
    this.subscriptions = [
      vscode.window.onDidChangeActiveTextEditor((editor) => this.switched(editor)),
      vscode.workspace.onDidSaveTextDocument((document) => this.at(document, "saved")),
      vscode.workspace.onDidCloseTextDocument((document) => this.forget(document)),
      vscode.workspace.onDidChangeTextDocument((event) => this.changed(event)),
      vscode.languages.registerDocumentPasteEditProvider(
        "*",
        { prepareDocumentPaste: (document, ranges) => this.copied(document, ranges) },
        // Only looks: puts nothing on the clipboard, and changes no paste.
        { providedPasteEditKinds: [], copyMimeTypes: [], pasteMimeTypes: [] },
      ),
    ];
    void this.keepLines(this.last?.document);
  }

  dispose(): void {
    vscode.Disposable.from(...this.subscriptions, this.looked, this.edited).dispose();
  }

  private switched(editor: vscode.TextEditor | undefined): void {
    if (editor?.document === this.last?.document) {
      return;
    }
    const left = this.last;
    if (left !== undefined && !left.document.isClosed) {
      this.looked.fire({ document: left.document, line: left.selection.active.line, source: "left" });
      this.leave(left.document, left.selection.active.line);
    }
    this.last = editor ?? this.last;
    if (editor !== undefined) {
      this.looked.fire({ document: editor.document, line: editor.selection.active.line, source: "opened" });
      void this.keepLines(editor.document);
    }
  }

  /** Where it was edited matters, if that is out of sight of the cursor. */
  private leave(document: vscode.TextDocument, line: number): void {
    const edited = this.editedAt.get(document.uri.toString());
    if (edited !== undefined && Math.abs(edited - line) > CHUNK_LINES / 2) {
      this.looked.fire({ document, line: edited, source: "edited" });
    }
    this.forget(document);
  }

  private forget(document: vscode.TextDocument): void {
    const key = document.uri.toString();
    this.lines.delete(key);
    this.editedAt.delete(key);
  }

  private at(document: vscode.TextDocument, source: ChunkSource): void {
    const editor = visibleEditor(document);
    if (editor !== undefined) {
      this.looked.fire({ document, line: editor.selection.active.line, source });
    }
  }

  private changed({ document, contentChanges }: vscode.TextDocumentChangeEvent): void {
    const key = document.uri.toString();
    const before = this.lines.get(key);
    if (before === undefined || contentChanges.length === 0) {
      return;
    }
    if (!this.admission.mayEnter(document.uri, document)) {
      this.lines.delete(key);
      return;
    }
    if (contentChanges.length > 1) {
      this.lines.delete(key);
      void this.keepLines(document); // several places at once: a formatter, not someone who writes
      return;
    }
    const { range, text } = contentChanges[0]!;
    const removed = before.slice(range.start.line, range.end.line + 1);
    const count = text.split("\n").length;
    const added = Array.from({ length: count }, (_, i) => document.lineAt(range.start.line + i).text);
    this.lines.set(key, [
      ...before.slice(0, range.start.line),
      ...added,
      ...before.slice(range.end.line + 1),
    ]);
    const elsewhere = this.editedAt.get(key);
    this.editedAt.set(key, range.start.line);
    if (elsewhere !== undefined && Math.abs(elsewhere - range.start.line) > CHUNK_LINES) {
      this.looked.fire({ document, line: elsewhere, source: "edited" });
    }
    const { uri } = document;
    this.edited.fire({ file: fileOf(uri), path: modelPath(uri), line: range.start.line, removed, added });
  }

  private copied(document: vscode.TextDocument, [range]: readonly vscode.Range[]): void {
    if (range !== undefined) {
      this.looked.fire({ document, line: range.start.line, source: "copied" });
    }
  }

  /** From now on, edits of the document are told, if it may be shown with others. */
  private async keepLines(document: vscode.TextDocument | undefined): Promise<void> {
    if (
      document !== undefined &&
      (await this.admission.isAdmitted(document.uri, document)) &&
      this.last?.document === document // still
    ) {
      this.lines.set(document.uri.toString(), document.getText().split(/\r?\n/));
    }
  }
}
