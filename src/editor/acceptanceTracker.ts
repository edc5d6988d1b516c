import * as vscode from "vscode";
import { interpret, type Shown } from "../completion/acceptance";
import type { InlineProvider } from "./inlineProvider";
import type { StatisticsStore } from "./statisticsStore";

/** Accepted text that is still there after this long was wanted. */
const KEPT_AFTER_MS = 30_000;

/**
 * Infers from text changes what becomes of suggestions, for the local statistics: the stable API tells only of full acceptance.
 */
export class AcceptanceTracker implements vscode.Disposable {
  private shown: Shown | undefined;
  /** What has been accepted of the suggestion that is shown, over several words. */
  private accepted = "";
  private readonly timers = new Set<NodeJS.Timeout>();
  private readonly subscriptions: readonly vscode.Disposable[];

  constructor(
    provider: InlineProvider,
    private readonly statistics: StatisticsStore,
  ) {
    this.subscriptions = [
      provider.onDidOffer(({ document, offset, text }) => {
        const next: Shown = { document: document.uri.toString(), offset, text };
        // The same suggestion, typed along or asked for again, is shown once.
        const same =
          this.shown?.document === next.document && this.shown.offset === offset && this.shown.text === text;
        if (!same) {
          this.statistics.add({ kind: "shown" });
          this.accepted = "";
        }
        this.shown = next;
      }),
      vscode.workspace.onDidChangeTextDocument((event) => this.changed(event)),
    ];
  }

  dispose(): void {
    this.timers.forEach(clearTimeout);
    vscode.Disposable.from(...this.subscriptions).dispose();
  }

  private changed({ document, contentChanges }: vscode.TextDocumentChangeEvent): void {
    const change = contentChanges[0];
    if (this.shown === undefined || change === undefined) {
      return;
    }
    const result = interpret(this.shown, {
      document: document.uri.toString(),
      offset: change.rangeOffset,
      removed: change.rangeLength,
      text: change.text,
    });
    if (result.kind === "none") {
      return;
    }
    if (result.kind !== "gone" && result.accepted) {
      this.count(document, change.text, result.characters);
    }
    this.shown = result.kind === "advanced" ? result.rest : undefined;
  }

  private count(document: vscode.TextDocument, text: string, characters: number): void {
    if (this.accepted === "") {
      this.statistics.add({ kind: "accepted", characters });
    } else {
      this.statistics.add({ kind: "acceptedMore", characters });
    }
    this.accepted += text;
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      if (!document.isClosed && document.getText().includes(text)) {
        this.statistics.add({ kind: "kept", characters });
      }
    }, KEPT_AFTER_MS);
    this.timers.add(timer);
  }
}
