import * as vscode from "vscode";
import { AdaptiveDebounce } from "../completion/debounce";
import { LongerSuggestions } from "../completion/longerSuggestions";
import type { Place } from "../completion/place";
import { Shaper } from "../completion/shaper";
import { Suggester } from "../completion/suggester";
import type { Syntax } from "../completion/syntaxTree";
import { agreeWith } from "../completion/suggestWidget";
import { ActiveScreen, askAt } from "./asksEditor";
import type { Config } from "./config";
import { textAt } from "./documentText";
import type { EditorLanguages } from "./editorLanguages";
import type { Eligibility } from "./eligibility";
import type { CompletionSource } from "./completionSource";
import { isCancelled } from "./failures";
import type { Generator } from "./generator";
import type { Settings } from "./settings";
import type { SparsityController } from "./sparsityController";

/** A suggestion that has been handed to the editor. */
export interface Offered {
  readonly document: vscode.TextDocument;
  /** Document offset at which `text` would be inserted. */
  readonly offset: number;
  readonly text: string;
}

/** An engine that takes longer than this is not asked for what nobody may want. */
const AHEAD_WITHIN_MS = 400;

/** Settings that decide what is suggested: what was made with others is not shown again. */
const SUGGESTED_BY = [
  ...["model", "contextSize", "sparsity", "metric", "window", "maxQualityLoss"],
  ...["server", "serverKind", "serverModel", "serverFim"],
  ...["maxTokens", "maxLines", "context", "maxContextKB"],
] as const satisfies readonly (keyof Settings)[];

/** Ghost text: asks when place and document allow it, and hands to the editor what comes of it. */
export class InlineProvider implements vscode.InlineCompletionItemProvider, vscode.Disposable {
  private readonly debounce = new AdaptiveDebounce();
  private readonly shaper: Shaper;
  private readonly suggester: Suggester;
  private readonly offered = new vscode.EventEmitter<Offered>();
  readonly onDidOffer = this.offered.event;
  private readonly failed = new vscode.EventEmitter<unknown>();
  readonly onDidFail = this.failed.event;
  private readonly place = new vscode.EventEmitter<string | undefined>();
  /** Why the last place that was asked for gets no completion. */
  readonly onDidJudgePlace = this.place.event;
  private readonly subscriptions: readonly vscode.Disposable[];
  private readonly longer: LongerSuggestions;
  /** Where a suggestion was there last that the editor's list did not go with. */
  private behindList: string | undefined;
  /** What has been typed into since the cursor moved last. */
  private typedInto: vscode.TextDocument | undefined;
  /** Where a pair of quotes has been inserted since. */
  private quotedIn: vscode.TextDocument | undefined;

  constructor(
    engine: Pick<CompletionSource, "onDidChangeModel">,
    generator: Pick<Generator, "generate" | "onDidTake">,
    private readonly eligibility: Pick<Eligibility, "check" | "onBattery">,
    sparsity: Pick<SparsityController, "onDidChangeMask">,
    config: Pick<Config, "settings" | "onDidChange">,
    syntax: Syntax,
    languages: Pick<EditorLanguages, "of">,
    extension: string,
  ) {
    const { debounce } = this;
    this.longer = new LongerSuggestions(new ActiveScreen(extension, this));
    this.shaper = new Shaper(syntax, (language) => languages.of(language));
    this.suggester = new Suggester({
      shaper: this.shaper,
      generate: (...request) => generator.generate(...request),
      pauseMs: () => (config.settings.debounce === "auto" ? debounce.delay() : config.settings.debounce),
      onLonger: (place) => this.longer.wanted(place),
      onReady: (place) => askAt(place),
      onFailed: (error) => this.fail(error),
      goesAhead: () => debounce.latency < AHEAD_WITHIN_MS && !eligibility.onBattery,
    });
    this.subscriptions = [
      // Documents of all languages and file systems, also those of other extensions; `eligibility` leaves some out.
      vscode.languages.registerInlineCompletionItemProvider("*", this),
      vscode.workspace.onDidChangeTextDocument((event) => this.textChanged(event)),
      vscode.window.onDidChangeTextEditorSelection((event) => this.cursorMoved(event)),
      vscode.workspace.onDidCloseTextDocument((document) => this.suggester.forget(document.uri.toString())),
      vscode.window.onDidChangeActiveTextEditor(() => this.suggester.cancel()),
      engine.onDidChangeModel(() => this.suggester.forgetAll()),
      sparsity.onDidChangeMask(({ document, runsOtherwise }) =>
        runsOtherwise ? this.suggester.outdate(document.toString()) : undefined,
      ),
      config.onDidChange(({ before, now }) => {
        if (SUGGESTED_BY.some((name) => before[name] !== now[name])) {
          this.suggester.cancel();
          this.suggester.forgetAll();
        }
      }),
      generator.onDidTake((outcome) => debounce.took(outcome)),
    ];
  }

  async provideInlineCompletionItems(
    document: vscode.TextDocument,
    position: vscode.Position,
    context: vscode.InlineCompletionContext,
    token: vscode.CancellationToken,
  ): Promise<vscode.InlineCompletionItem[] | undefined> {
    const purpose =
      context.triggerKind === vscode.InlineCompletionTriggerKind.Automatic ? "automatic" : "invoked";
    if (this.eligibility.check(document, purpose) !== undefined) {
      return undefined;
    }
    const place = textAt(document, position);
    const why = this.shaper.whyNotHere(place, purpose);
    this.place.fire(why);
    if (why !== undefined) {
      return undefined;
    }
    const text = await this.suggest(place, purpose, token);
    if (text === undefined || text === "") {
      return undefined;
    }
    if (token.isCancellationRequested) {
      askAt(place); // it was withdrawn at this moment
      return undefined;
    }
    const item = this.item(document, position, place, text, context.selectedCompletionInfo);
    if (item === undefined) {
      this.showAfterList(document, position);
      return undefined;
    }
    this.longer.given(place);
    this.offered.fire({ document, offset: document.offsetAt(position), text });
    return [item];
  }

  dispose(): void {
    this.suggester.cancel();
    vscode.Disposable.from(
      ...this.subscriptions,
      this.longer,
      this.offered,
      this.failed,
      this.place,
    ).dispose();
  }

  /** An editor that has stopped asking because of its list has to be told that there is something for when the list is closed. */
  private showAfterList(document: vscode.TextDocument, position: vscode.Position): void {
    const where = `${document.uri.toString()} ${document.version} ${document.offsetAt(position)}`;
    if (where !== this.behindList) {
      this.behindList = where; // once: it may ask again for that
      askAt(textAt(document, position));
    }
  }

  private fail(error: unknown): void {
    if (!isCancelled(error)) {
      this.failed.fire(error);
    }
  }

  private async suggest(
    place: Place,
    purpose: "automatic" | "invoked",
    token: vscode.CancellationToken,
  ): Promise<string | undefined> {
    const controller = new AbortController();
    const cancelled = token.onCancellationRequested(() => controller.abort());
    try {
      return await this.suggester.suggest(place, purpose, controller.signal);
    } catch (error) {
      this.fail(error);
      return undefined;
    } finally {
      cancelled.dispose();
    }
  }

  private item(
    document: vscode.TextDocument,
    position: vscode.Position,
    place: Place,
    text: string,
    selected: vscode.SelectedCompletionInfo | undefined,
  ): vscode.InlineCompletionItem | undefined {
    const replaced = this.shaper.replaced(text, place);
    const end = position.translate(0, replaced);
    if (selected === undefined) {
      return new vscode.InlineCompletionItem(text, new vscode.Range(position, end));
    }
    const typed = document.getText(new vscode.Range(selected.range.start, position));
    const whole = agreeWith({ typed, text: selected.text }, text);
    return whole === undefined
      ? undefined
      : new vscode.InlineCompletionItem(whole, new vscode.Range(selected.range.start, end));
  }

  /** The editor waits for a moment before it asks; a fast engine is at work by then. */
  private cursorMoved({ textEditor, kind, selections }: vscode.TextEditorSelectionChangeEvent): void {
    const { document } = textEditor;
    const typed = this.typedInto === document;
    this.typedInto = undefined;
    const quoted = this.quotedIn === document && kind !== vscode.TextEditorSelectionChangeKind.Keyboard;
    if (quoted && selections.length === 1) {
      this.goOnInQuotes(textAt(document, selections[0]!.active));
    }
    if (!typed && textEditor === vscode.window.activeTextEditor) {
      this.suggester.moved(selections.map(({ active }) => textAt(document, active)));
    }
    if (!typed || kind !== vscode.TextEditorSelectionChangeKind.Keyboard || selections.length !== 1) {
      return;
    }
    const asks = vscode.workspace.getConfiguration("editor", document).get<boolean>("inlineSuggest.enabled");
    if (asks !== true || this.eligibility.check(document) !== undefined) {
      return;
    }
    const place = textAt(document, selections[0]!.active);
    if (this.shaper.whyNotHere(place, "automatic") === undefined) {
      this.suggester.expect(place);
    }
  }

  /**
   * `type=` in HTML becomes `type=""` by itself, as a snippet. The editor shows nothing in a snippet, nor does it ask: what was suggested before, with
   * quotes of its own, goes on between these.
   */
  private goOnInQuotes(place: Place): void {
    // It puts the cursor behind them first, then between.
    if (/^["']/.test(place.suffix) && this.suggester.hasFor(place)) {
      this.quotedIn = undefined;
      void vscode.commands.executeCommand("leaveSnippet").then(() => askAt(place));
    }
  }

  private textChanged({ document, contentChanges, reason }: vscode.TextDocumentChangeEvent): void {
    const change = contentChanges[0];
    // Logs grow and files are formatted elsewhere meanwhile: only what is typed here contradicts a suggestion.
    if (change === undefined || document !== vscode.window.activeTextEditor?.document) {
      return;
    }
    this.typedInto = reason === undefined ? document : undefined;
    this.quotedIn = /^(""|'')$/.test(change.text) ? document : undefined;
    if (change.text !== "") {
      this.debounce.keystroke(performance.now());
    }
    const inserted = change.text.split(/\r?\n/);
    const { start } = change.range;
    const after =
      inserted.length === 1
        ? start.translate(0, change.text.length)
        : new vscode.Position(start.line + inserted.length - 1, inserted.at(-1)!.length);
    // An auto-closed pair leaves the cursor between its halves; either place may agree.
    const places = /^(\(\)|\[\]|\{\}|""|''|``)$/.test(change.text)
      ? [after.translate(0, -1), after]
      : [after];
    this.suggester.moved(places.map((place) => textAt(document, document.validatePosition(place))));
  }
}
