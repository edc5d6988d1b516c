import * as vscode from "vscode";
import { PrefillSpeed } from "../../completion/prefillSpeed";
import type { Eligibility } from "../eligibility";
import type { CompletionSource } from "../completionSource";
import { isCancelled, messageOf } from "../failures";
import type { Generator } from "../generator";
import type { Log } from "../log";
import type { ContextService } from "./contextService";

/** The cursor has come to rest. */
const SETTLE_MS = 400;
/** It rests for long enough to be made ready for by a model that does so in no time. */
const REST_MS = 150;
/** The same for someone who was typing. */
const PAUSE_MS = 1_000;
/** The cursor moves with what is typed; that much later at most the editor says so. */
const SAME_KEY_MS = 50;
/** Someone who types has paused for longer than between two thoughts. */
const IDLE_MS = 3_000;
/** A context is not made anew for a pause more often than this, */
const REFRESH_MS = 20_000;
/** nor where reading it takes long: it stands in front of all that has been read. */
const SLOW_REFRESH_MS = 180_000;
/** Further than this is another place, with other things in sight. */
const JUMP_LINES = 30;

/**
 * When the cursor settles in another file or another place, or the typist pauses: gathers the context of the place and lets the engine evaluate what a
 * completion there would be asked with. A small model is made ready wherever the cursor rests, with the context that there is: then the first key there costs
 * no more than any other. Nothing of this happens while one types.
 */
export class Settling implements vscode.Disposable {
  private timer: NodeJS.Timeout | undefined;
  private restTimer: NodeJS.Timeout | undefined;
  private typedAt = -Infinity;
  private readonly speed = new PrefillSpeed();
  private warming: AbortController | undefined;
  private readonly settledAt = new Map<string, { readonly line: number; readonly time: number }>();
  private readonly subscriptions: readonly vscode.Disposable[];

  constructor(
    private readonly engine: Pick<CompletionSource, "model" | "sleeping" | "onDidChangeModel">,
    private readonly generator: Generator,
    private readonly context: ContextService,
    private readonly eligibility: Eligibility,
    private readonly log: Log,
  ) {
    this.subscriptions = [
      generator.onDidComplete(({ result }) => this.speed.evaluated(result.prefill)),
      vscode.window.onDidChangeActiveTextEditor(() => {
        this.after(SETTLE_MS);
        this.rest(REST_MS);
      }),
      vscode.window.onDidChangeTextEditorSelection(({ textEditor }) => this.moved(textEditor)),
      vscode.workspace.onDidChangeTextDocument(({ document }) => {
        if (document === vscode.window.activeTextEditor?.document) {
          this.warming?.abort();
          this.typedAt = performance.now();
          this.after(IDLE_MS);
          this.rest(PAUSE_MS);
        }
      }),
      vscode.workspace.onDidCloseTextDocument((document) => this.settledAt.delete(document.uri.toString())),
      engine.onDidChangeModel((model) => {
        this.settledAt.clear();
        this.speed.forget();
        if (model !== undefined) {
          this.after(SETTLE_MS);
        }
      }),
    ];
  }

  dispose(): void {
    clearTimeout(this.timer);
    clearTimeout(this.restTimer);
    this.warming?.abort();
    vscode.Disposable.from(...this.subscriptions).dispose();
  }

  private moved(editor: vscode.TextEditor): void {
    if (performance.now() - this.typedAt > SAME_KEY_MS) {
      this.rest(REST_MS);
    }
    const settled = this.settledAt.get(editor.document.uri.toString());
    if (settled === undefined || Math.abs(editor.selection.active.line - settled.line) > JUMP_LINES) {
      this.after(SETTLE_MS);
    }
  }

  /** The model reads a whole prompt in no time. */
  private get isCheap(): boolean {
    return this.speed.isCheap(this.engine.model?.contextSize ?? Infinity);
  }

  private get refreshMs(): number {
    return this.isCheap ? REFRESH_MS : SLOW_REFRESH_MS;
  }

  private after(ms: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.settled(), ms);
  }

  private rest(ms: number): void {
    clearTimeout(this.restTimer);
    this.restTimer = setTimeout(() => {
      const place = this.place();
      if (place !== undefined && this.isCheap) {
        void this.warm(place);
      }
    }, ms);
  }

  /** Where the cursor is, unless nothing is to be done there. */
  private place():
    { readonly document: vscode.TextDocument; readonly position: vscode.Position } | undefined {
    const editor = vscode.window.activeTextEditor;
    // An unloaded model is not loaded for this; nor is anything read for a document without completions.
    if (editor === undefined || this.engine.model === undefined || this.engine.sleeping) {
      return undefined;
    }
    const { document } = editor;
    return this.eligibility.checkFile(document) === undefined
      ? { document, position: editor.selection.active }
      : undefined;
  }

  private async settled(): Promise<void> {
    const place = this.place();
    if (place === undefined) {
      return;
    }
    const { document, position } = place;
    const key = document.uri.toString();
    const before = this.settledAt.get(key);
    const jumped = before === undefined || Math.abs(position.line - before.line) > JUMP_LINES;
    if (!jumped && performance.now() - before.time < this.refreshMs) {
      return;
    }
    this.settledAt.set(key, { line: position.line, time: performance.now() });
    const { version } = document;
    const changed = await this.context.gather(document, position);
    if (!(changed || jumped) || document.isClosed || document.version !== version) {
      return;
    }
    await this.warm(place);
  }

  private async warm({ document, position }: NonNullable<ReturnType<Settling["place"]>>): Promise<void> {
    this.warming?.abort();
    const warming = new AbortController();
    this.warming = warming;
    try {
      const { prefill } = await this.generator.warm(document, position, warming.signal);
      this.speed.evaluated(prefill);
    } catch (error) {
      if (!isCancelled(error)) {
        this.log.write("debug", `warm: ${messageOf(error)}`);
      }
    }
  }
}
