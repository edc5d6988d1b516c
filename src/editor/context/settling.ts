import * as vscode from "vscode";
import type { Eligibility } from "../eligibility";
import { isCancelled, messageOf, type EngineService } from "../engineService";
import type { Generator } from "../generator";
import type { Log } from "../log";
import type { ContextService } from "./contextService";

/** The cursor has come to rest. */
const SETTLE_MS = 400;
/** Someone who types has paused for longer than between two thoughts. */
const IDLE_MS = 3_000;
/** A context is not made anew for a pause more often than this. */
const REFRESH_MS = 20_000;
/** Further than this is another place, with other things in sight. */
const JUMP_LINES = 30;

/**
 * When the cursor settles in another file or another place, or the typist pauses: gathers the context of the place and lets the engine evaluate what a
 * completion there would be asked with. Nothing of this happens while one types.
 */
export class Settling implements vscode.Disposable {
  private timer: NodeJS.Timeout | undefined;
  private warming: AbortController | undefined;
  private readonly settledAt = new Map<string, { readonly line: number; readonly time: number }>();
  private readonly subscriptions: readonly vscode.Disposable[];

  constructor(
    private readonly engine: EngineService,
    private readonly generator: Generator,
    private readonly context: ContextService,
    private readonly eligibility: Eligibility,
    private readonly log: Log,
  ) {
    this.subscriptions = [
      vscode.window.onDidChangeActiveTextEditor(() => this.after(SETTLE_MS)),
      vscode.window.onDidChangeTextEditorSelection(({ textEditor }) => this.moved(textEditor)),
      vscode.workspace.onDidChangeTextDocument(({ document }) => {
        if (document === vscode.window.activeTextEditor?.document) {
          this.warming?.abort();
          this.after(IDLE_MS);
        }
      }),
      vscode.workspace.onDidCloseTextDocument((document) => this.settledAt.delete(document.uri.toString())),
      engine.onDidChangeModel((model) => {
        this.settledAt.clear();
        if (model !== undefined) {
          this.after(SETTLE_MS);
        }
      }),
    ];
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.warming?.abort();
    vscode.Disposable.from(...this.subscriptions).dispose();
  }

  private moved(editor: vscode.TextEditor): void {
    const settled = this.settledAt.get(editor.document.uri.toString());
    if (settled === undefined || Math.abs(editor.selection.active.line - settled.line) > JUMP_LINES) {
      this.after(SETTLE_MS);
    }
  }

  private after(ms: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.settled(), ms);
  }

  private async settled(): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    // An unloaded model is not loaded for this; nor is anything read for a document without completions.
    if (editor === undefined || this.engine.model === undefined || this.engine.sleeping) {
      return;
    }
    const { document } = editor;
    const reason = this.eligibility.check(document)?.reason;
    if (reason !== undefined && reason !== "selection" && reason !== "cursors") {
      return;
    }
    const position = editor.selection.active;
    const key = document.uri.toString();
    const before = this.settledAt.get(key);
    const jumped = before === undefined || Math.abs(position.line - before.line) > JUMP_LINES;
    if (!jumped && performance.now() - before.time < REFRESH_MS) {
      return;
    }
    this.settledAt.set(key, { line: position.line, time: performance.now() });
    const { version } = document;
    const changed = await this.context.gather(document, position);
    if (!(changed || jumped) || document.isClosed || document.version !== version) {
      return;
    }
    this.warming?.abort();
    const warming = new AbortController();
    this.warming = warming;
    try {
      await this.generator.warm(document, position, warming.signal);
    } catch (error) {
      if (!isCancelled(error)) {
        this.log.write("debug", `warm: ${messageOf(error)}`);
      }
    }
  }
}
