import * as vscode from "vscode";
import { CompletionCache, type CacheKey } from "../completion/cache";
import { linePrefix, lineSuffix } from "../completion/cursor";
import { AdaptiveDebounce } from "../completion/debounce";
import { SCHEMES } from "../completion/eligibility";
import { applyFilters } from "../completion/filters";
import { InFlight, type Generation } from "../completion/inFlight";
import { replacedLength } from "../completion/replaceRange";
import { agreeWith } from "../completion/suggestWidget";
import { afterTrailingSpace, withoutTrailingSpace } from "../completion/trailingSpace";
import { whyNotHere } from "../completion/trigger";
import type { CompleteResult } from "../engine/protocol";
import type { Config } from "./config";
import { modelPath, textAt } from "./documentText";
import type { Eligibility } from "./eligibility";
import { codeOf, isCancelled, type EngineService } from "./engineService";

/** A finished completion, for status bar, dashboard and statistics. */
export interface Completed {
  readonly document: vscode.TextDocument;
  readonly result: CompleteResult;
  /** From the request that started it to its text, milliseconds. */
  readonly latencyMs: number;
}

/** A suggestion that has been handed to the editor. */
export interface Offered {
  readonly document: vscode.TextDocument;
  /** Document offset at which `text` would be inserted. */
  readonly offset: number;
  readonly text: string;
}

/** Run by the editor after a suggestion has been accepted in full. */
export const ACCEPTED_COMMAND = "lacuna.accepted";

/** After this long nobody waits for an unasked suggestion. */
const AUTOMATIC_DEADLINE_MS = 8_000;
const INVOKED_DEADLINE_MS = 30_000;

/** Ghost text: asks the engine when place and document allow it, serves what is known already from the cache. */
export class InlineProvider implements vscode.InlineCompletionItemProvider, vscode.Disposable {
  private readonly cache = new CompletionCache();
  private readonly inFlight = new InFlight<CompleteResult>();
  private readonly debounce = new AdaptiveDebounce();
  private readonly completed = new vscode.EventEmitter<Completed>();
  readonly onDidComplete = this.completed.event;
  private readonly offered = new vscode.EventEmitter<Offered>();
  readonly onDidOffer = this.offered.event;
  private readonly failed = new vscode.EventEmitter<unknown>();
  readonly onDidFail = this.failed.event;
  private readonly place = new vscode.EventEmitter<string | undefined>();
  /** Why the last place that was asked for gets no completion. */
  readonly onDidJudgePlace = this.place.event;
  private readonly subscriptions: readonly vscode.Disposable[];

  constructor(
    private readonly engine: EngineService,
    private readonly eligibility: Eligibility,
    private readonly config: Config,
  ) {
    this.subscriptions = [
      vscode.languages.registerInlineCompletionItemProvider(
        SCHEMES.map((scheme) => ({ scheme })),
        this,
      ),
      vscode.workspace.onDidChangeTextDocument((event) => this.textChanged(event)),
      vscode.workspace.onDidCloseTextDocument((document) => {
        this.cache.forget(document.uri.toString());
        this.inFlight.closed(document.uri.toString());
      }),
      vscode.window.onDidChangeActiveTextEditor(() => this.inFlight.cancel()),
      engine.onDidChangeModel(() => this.cache.forget()),
    ];
  }

  async provideInlineCompletionItems(
    document: vscode.TextDocument,
    position: vscode.Position,
    context: vscode.InlineCompletionContext,
    token: vscode.CancellationToken,
  ): Promise<vscode.InlineCompletionItem[] | undefined> {
    if (this.eligibility.check(document) !== undefined) {
      return undefined;
    }
    const automatic = context.triggerKind === vscode.InlineCompletionTriggerKind.Automatic;
    const key = textAt(document, position);
    const why = whyNotHere(key, automatic ? "automatic" : "invoked");
    this.place.fire(why);
    if (why !== undefined) {
      return undefined;
    }
    const text = this.cache.get(key) ?? (await this.generate(document, key, automatic, token));
    if (text === undefined || text === "" || token.isCancellationRequested) {
      return undefined;
    }
    const item = this.item(document, position, key, text, context.selectedCompletionInfo);
    if (item === undefined) {
      return undefined;
    }
    this.offered.fire({ document, offset: document.offsetAt(position), text });
    return [item];
  }

  dispose(): void {
    this.inFlight.cancel();
    vscode.Disposable.from(
      ...this.subscriptions,
      this.completed,
      this.offered,
      this.failed,
      this.place,
    ).dispose();
  }

  private async generate(
    document: vscode.TextDocument,
    key: CacheKey,
    automatic: boolean,
    token: vscode.CancellationToken,
  ): Promise<string | undefined> {
    let generation = this.inFlight.join(key);
    if (generation === undefined) {
      if (automatic && !(await this.pause(token))) {
        return undefined;
      }
      generation = this.start(document, key, automatic);
    }
    const release = this.inFlight.hold(generation);
    const cancelled = token.onCancellationRequested(release);
    try {
      await untilCancelled(generation.done, token);
      return token.isCancellationRequested ? undefined : this.cache.get(key);
    } catch (error) {
      if (!isCancelled(error) && !token.isCancellationRequested) {
        this.failed.fire(error);
      }
      return undefined;
    } finally {
      cancelled.dispose();
      release();
    }
  }

  private start(
    document: vscode.TextDocument,
    key: CacheKey,
    automatic: boolean,
  ): Generation<CompleteResult> {
    const { maxTokens, maxLines } = this.config.settings;
    const rightOfCursor = lineSuffix(key).trim();
    const started = performance.now();
    const healed = withoutTrailingSpace(key.prefix);
    let written = "";
    return this.inFlight.start(key, async (signal, onText) => {
      const ask = (): Promise<CompleteResult> => {
        written = "";
        return this.engine.complete(
          {
            prefix: healed.prefix,
            suffix: key.suffix,
            path: modelPath(document),
            language: document.languageId,
            maxTokens,
            // With text to the right the completion has to fit into the line.
            maxLines: rightOfCursor === "" || /^[)\]}]*[;,]?$/.test(rightOfCursor) ? maxLines : 1,
          },
          {
            signal,
            deadlineMs: automatic ? AUTOMATIC_DEADLINE_MS : INVOKED_DEADLINE_MS,
            onItem: ({ text }) => {
              written += text;
              onText(afterTrailingSpace(written, healed));
            },
          },
        );
      };
      // The editor does not ask again at the same place: after a crash the new process is asked, once.
      const result = await ask().catch((error: unknown) => {
        if (codeOf(error) !== "engine-crashed" || signal.aborted) {
          throw error;
        }
        return ask();
      });
      const latencyMs = performance.now() - started;
      if (result.stopReason !== "cancelled") {
        const text = afterTrailingSpace(result.text.replaceAll("\r\n", "\n"), healed);
        this.cache.put(key, applyFilters(text, key));
        this.debounce.answered(result.prefill.ms + result.decode.ms);
        this.completed.fire({ document, result, latencyMs });
      }
      return result;
    });
  }

  /** Waits for the typist to pause; false when the request was outdated meanwhile. */
  private async pause(token: vscode.CancellationToken): Promise<boolean> {
    const { debounce } = this.config.settings;
    const ms = debounce === "auto" ? this.debounce.delay() : debounce;
    await untilCancelled(new Promise((resolve) => setTimeout(resolve, ms)), token);
    return !token.isCancellationRequested;
  }

  private item(
    document: vscode.TextDocument,
    position: vscode.Position,
    key: CacheKey,
    text: string,
    selected: vscode.SelectedCompletionInfo | undefined,
  ): vscode.InlineCompletionItem | undefined {
    const replaced = replacedLength(text, lineSuffix(key), linePrefix(key));
    const end = position.translate(0, replaced);
    const command = { command: ACCEPTED_COMMAND, title: "Suggestion accepted" };
    if (selected === undefined) {
      return new vscode.InlineCompletionItem(text, new vscode.Range(position, end), command);
    }
    const typed = document.getText(new vscode.Range(selected.range.start, position));
    const whole = agreeWith({ typed, text: selected.text }, text);
    return whole === undefined
      ? undefined
      : new vscode.InlineCompletionItem(whole, new vscode.Range(selected.range.start, end), command);
  }

  private textChanged(event: vscode.TextDocumentChangeEvent): void {
    const change = event.contentChanges[0];
    if (change === undefined) {
      return;
    }
    if (change.text !== "") {
      this.debounce.keystroke(performance.now());
    }
    const cursor = change.range.start.translate(0, 0);
    const inserted = change.text.split("\n");
    const after =
      inserted.length === 1
        ? cursor.translate(0, change.text.length)
        : new vscode.Position(cursor.line + inserted.length - 1, inserted.at(-1)!.length);
    // An auto-closed pair leaves the cursor between its halves; either place may agree.
    const places = /^(\(\)|\[\]|\{\}|""|''|``)$/.test(change.text)
      ? [after.translate(0, -1), after]
      : [after];
    this.inFlight.moved(
      places.map((place) => textAt(event.document, event.document.validatePosition(place))),
    );
  }
}

/** Resolves with `promise`, or as soon as `token` is cancelled. */
async function untilCancelled<T>(
  promise: Promise<T>,
  token: vscode.CancellationToken,
): Promise<T | undefined> {
  let subscription: vscode.Disposable | undefined;
  const cancelled = new Promise<undefined>((resolve) => {
    subscription = token.onCancellationRequested(() => resolve(undefined));
    if (token.isCancellationRequested) {
      resolve(undefined);
    }
  });
  try {
    return await Promise.race([promise, cancelled]);
  } finally {
    subscription?.dispose();
  }
}
