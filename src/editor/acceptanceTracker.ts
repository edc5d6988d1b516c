import * as vscode from "vscode";
import { interpret, type Change, type Shown } from "../completion/acceptance";
import { Kept } from "../completion/kept";
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
  /** Accepted texts that are being watched, by the timer that ends it. */
  private readonly watched = new Map<NodeJS.Timeout, Kept>();
  private readonly subscriptions: readonly vscode.Disposable[];

  constructor(
    provider: InlineProvider,
    private readonly statistics: StatisticsStore,
  ) {
    this.subscriptions = [
      provider.onDidOffer(({ document, offset, text }) => {
        const next: Shown = { document: document.uri.toString(), offset, text };
        // The same suggestion, typed along, asked for again, or longer than before, is shown once.
        const same =
          this.shown?.document === next.document &&
          this.shown.offset === offset &&
          text.startsWith(this.shown.text);
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
    [...this.watched.keys()].forEach(clearTimeout);
    vscode.Disposable.from(...this.subscriptions).dispose();
  }

  private changed({ document, contentChanges }: vscode.TextDocumentChangeEvent): void {
    const changes = contentChanges.map((change) => ({
      document: document.uri.toString(),
      offset: change.rangeOffset,
      removed: change.rangeLength,
      text: change.text,
    }));
    for (const kept of this.watched.values()) {
      // Several changes of one event are told from the last to the first: none moves those that follow.
      changes.forEach((change) => kept.changed(change));
    }
    const [change] = changes;
    if (this.shown === undefined || change === undefined) {
      return;
    }
    const result = interpret(this.shown, change);
    if (result.kind === "none") {
      return;
    }
    if (result.kind !== "gone" && result.accepted) {
      this.count(document, change, result.characters);
    }
    this.shown = result.kind === "advanced" ? result.rest : undefined;
  }

  private count(document: vscode.TextDocument, change: Change, characters: number): void {
    if (this.accepted === "") {
      this.statistics.add({ kind: "accepted", characters });
    } else {
      this.statistics.add({ kind: "acceptedMore", characters });
    }
    this.accepted += change.text;
    const kept = new Kept(change.document, change.offset, change.text.length);
    const timer = setTimeout(() => {
      this.watched.delete(timer);
      if (!document.isClosed && kept.characters > 0) {
        // A line break of a CRLF file counts as one.
        this.statistics.add({ kind: "kept", characters: Math.min(characters, kept.characters) });
      }
    }, KEPT_AFTER_MS);
    this.watched.set(timer, kept);
  }
}
