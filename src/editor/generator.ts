import * as vscode from "vscode";
import type { RequestOutcome } from "../completion/debounce";
import { firstLineEnd } from "../completion/ending/end";
import type { Generated } from "../completion/inFlight";
import type { Place } from "../completion/place";
import type { Purpose, Wish } from "../completion/suggester";
import { ENDING, type CompleteResult, type WarmRequest, type WarmResult } from "../engine/protocol";
import type { Config } from "./config";
import type { ContextService } from "./context/contextService";
import type { DocumentKeys } from "./documentKeys";
import { modelPath, repositoryOf } from "./documentNames";
import { textAt } from "./documentText";
import type { CompletionSource } from "./completionSource";
import { codeOf } from "./failures";
import { textAbove } from "./notebooks";

/** A finished generation, for status bar, dashboard and statistics. */
export interface Completed {
  readonly document: vscode.TextDocument;
  readonly result: CompleteResult;
  /** From the request to its first line, milliseconds; undefined when nobody waited for it. */
  readonly latencyMs: number | undefined;
  /** It came from the server that is set, not from the engine on this machine. */
  readonly isServed: boolean;
}

/** Why there is no text yet, or at all. */
export interface Waiting {
  readonly document: vscode.TextDocument;
  /** `reading`: the prompt; `late`: the time is over. */
  readonly what: "reading" | "late";
  /** Of the reading, 0..1. */
  readonly share: number;
}

/** A cursor that goes elsewhere ends a generation at once; one that stays waits as long as a slow model may take for a long prompt. */
const DEADLINE_MS: Readonly<Record<Purpose, number>> = { automatic: 30_000, invoked: 30_000, ahead: 8_000 };

/** Failures after which somebody else may answer. */
const GONE: ReadonlySet<string> = new Set(["engine-crashed", "server-away", "server-refused"]);

/** Asks the engine, or the server, for what comes at a place. */
export class Generator implements vscode.Disposable {
  private readonly completed = new vscode.EventEmitter<Completed>();
  readonly onDidComplete = this.completed.event;
  private readonly took = new vscode.EventEmitter<RequestOutcome>();
  /** A request that somebody waited for is over, also when it was stopped. */
  readonly onDidTake = this.took.event;

  private readonly warmed = new vscode.EventEmitter<WarmResult>();
  /** A prompt has been read before anybody has asked. */
  readonly onDidWarm = this.warmed.event;
  private readonly waited = new vscode.EventEmitter<Waiting | undefined>();
  /** What somebody who waits for a completion is waiting for; undefined: nobody waits, or there is text. */
  readonly onDidWait = this.waited.event;

  constructor(
    private readonly engine: Pick<CompletionSource, "complete" | "warm"> &
      Partial<Pick<CompletionSource, "isServed">>,
    private readonly config: Pick<Config, "settings">,
    private readonly context: Pick<ContextService, "of">,
    private readonly keys: Pick<DocumentKeys, "of">,
  ) {}

  /** Rejects when the engine fails; what was generated until the signal is the result. */
  async generate(
    place: Place,
    { purpose, kind }: Wish,
    signal: AbortSignal,
    onText: (text: string) => void,
  ): Promise<Generated> {
    const document = vscode.workspace.textDocuments.find(({ uri }) => uri.toString() === place.document);
    if (document === undefined) {
      return { text: "", end: "stopped" };
    }
    const { maxTokens, maxLines } = this.config.settings;
    const started = performance.now();
    let written = "";
    let firstLineAt: number | undefined;
    let waiting = false;
    const wait = (now: Omit<Waiting, "document"> | undefined): void => {
      if (purpose !== "ahead" && (waiting || now !== undefined)) {
        waiting = now !== undefined;
        this.waited.fire(now === undefined ? undefined : { document, ...now });
      }
    };
    let isServed = false;
    const ask = (): Promise<CompleteResult> => {
      written = "";
      isServed = this.engine.isServed === true;
      return this.engine.complete(
        {
          ...this.request(document, place),
          maxTokens,
          maxLines: kind === "line" ? 1 : maxLines,
        },
        {
          signal,
          deadlineMs: DEADLINE_MS[purpose],
          onItem: ({ text, read }) => {
            if (read !== undefined) {
              wait({ what: "reading", share: read });
              return;
            }
            wait(undefined);
            written += text;
            const fit = toLf(written);
            if (firstLineEnd(fit) !== undefined) {
              firstLineAt ??= performance.now();
            }
            onText(fit);
          },
        },
      );
    };
    // The editor does not ask again at the same place: after a crash the new process is asked, once; without the server, whoever stands in for it.
    const again = (error: unknown): Promise<CompleteResult> => {
      if (!GONE.has(codeOf(error) ?? "") || signal.aborted) {
        throw error;
      }
      return ask();
    };
    let late = false;
    const result = await ask()
      .catch(again)
      .catch((error: unknown) => {
        late = codeOf(error) === "deadline" && !signal.aborted;
        throw error;
      })
      .finally(() => wait(late ? { what: "late", share: 0 } : undefined));
    if (result.stopReason === "deadline" && written === "") {
      wait({ what: "late", share: 0 });
    }
    const ms = (firstLineAt ?? performance.now()) - started;
    const cancelled = result.stopReason === "cancelled";
    if (purpose !== "ahead") {
      const answered = firstLineAt !== undefined || !cancelled;
      this.took.fire({ ms, answered, promptTokens: result.prefill.tokens });
    }
    if (!cancelled) {
      this.completed.fire({ document, result, latencyMs: purpose === "ahead" ? undefined : ms, isServed });
    }
    return { text: toLf(result.text), end: ENDING[result.stopReason] };
  }

  /** Lets the engine evaluate what a completion at `position` would be asked with. */
  async warm(
    document: vscode.TextDocument,
    position: vscode.Position,
    signal: AbortSignal,
  ): Promise<WarmResult> {
    const result = await this.engine.warm(this.request(document, textAt(document, position)), { signal });
    this.warmed.fire(result);
    return result;
  }

  private request(document: vscode.TextDocument, place: Place): WarmRequest {
    const { files, edits } = this.context.of(document);
    const repository = repositoryOf(document.uri);
    return {
      prefix: textAbove(document) + place.prefix,
      suffix: place.suffix,
      path: modelPath(document.uri),
      document: this.keys.of(document),
      ...(repository === undefined ? {} : { repository }),
      language: place.language,
      context: files,
      ...(edits === "" ? {} : { edits }),
    };
  }

  dispose(): void {
    this.completed.dispose();
    this.took.dispose();
    this.waited.dispose();
    this.warmed.dispose();
  }
}

/** LF only. A carriage return at the end may be half of a line break. */
const toLf = (written: string): string => written.replaceAll("\r\n", "\n").replace(/\r$/, "");
