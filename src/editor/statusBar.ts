import * as vscode from "vscode";
import type { CompleteResult, MemoryStats } from "../engine/protocol";
import { percentile } from "../completion/statistics";
import type { ActiveDocument } from "./activeDocument";
import type { Config } from "./config";
import type { Eligibility } from "./eligibility";
import type { EngineService } from "./engineService";
import type { Generator, Waiting } from "./generator";
import type { InlineProvider } from "./inlineProvider";
import type { CompletionSource } from "./completionSource";
import type { ServerService } from "./server/serverService";
import type { SparsityController } from "./sparsityController";
import type { UncountedSettings } from "./uncountedSettings";
import { statusView, steadyMemory, type Status, type StatusView } from "./statusText";

/** States shorter than this are not shown: they would only flicker. */
const SETTLE_MS = 250;
const RECENT = 8;
/** By then an engine that nobody asks has given back what it needs no longer. */
const AT_REST_MS = 4_000;

/** The one line at the bottom: state, speed, memory, share of neurons; and why nothing appears. */
export class StatusBar implements vscode.Disposable {
  private readonly item: vscode.StatusBarItem;
  private last: { readonly result: CompleteResult; readonly document: vscode.TextDocument } | undefined;
  /** Of the completions of one document with one mask. */
  private speed: number | undefined;
  private waiting: Waiting | undefined;
  private latencies: number[] = [];
  private memory: MemoryStats | undefined;
  private place: string | undefined;
  private timer: NodeJS.Timeout | undefined;
  private restTimer: NodeJS.Timeout | undefined;
  private shown: StatusView | undefined;
  private readonly subscriptions: readonly vscode.Disposable[];

  constructor(
    private readonly engine: EngineService,
    private readonly source: Pick<CompletionSource, "isServed" | "onDidChangeModel">,
    private readonly server: Pick<ServerService, "state" | "address" | "onDidChange">,
    private readonly sparsity: SparsityController,
    private readonly eligibility: Eligibility,
    private readonly config: Config,
    private readonly uncounted: Pick<UncountedSettings, "problems" | "onDidChange">,
    private readonly active: ActiveDocument,
    provider: InlineProvider,
    generator: Generator,
  ) {
    this.item = vscode.window.createStatusBarItem("lacuna.status", vscode.StatusBarAlignment.Right, 100);
    this.item.name = "Lacuna";
    const update = (): void => this.schedule();
    this.subscriptions = [
      engine.onDidChangeState(() => {
        update();
        void this.readMemory();
      }),
      source.onDidChangeModel(() => this.forget()),
      server.onDidChange(update),
      sparsity.onDidChangeMask(({ document, runsOtherwise }) => {
        if (runsOtherwise && this.last?.document.uri.toString() === document.toString()) {
          // Figures of another setting say nothing beside this one's.
          this.last = undefined;
          this.speed = undefined;
          this.latencies = [];
        }
        update();
        void this.readMemory();
      }),
      eligibility.onDidChange(update),
      vscode.window.onDidChangeActiveTextEditor(() => (this.place = undefined)),
      config.onDidChange(update),
      uncounted.onDidChange(update),
      provider.onDidJudgePlace((place) => {
        this.place = place;
        update();
      }),
      generator.onDidWait((waiting) => {
        this.waiting = waiting;
        update();
      }),
      generator.onDidComplete(({ document, result, latencyMs }) => {
        this.completed(document, result, latencyMs);
        void this.readMemory();
      }),
    ];
    this.render();
    this.item.show();
  }

  /** What is shown, for tests. */
  get view(): StatusView {
    return this.shown ?? statusView(this.status());
  }

  dispose(): void {
    clearTimeout(this.timer);
    clearTimeout(this.restTimer);
    vscode.Disposable.from(...this.subscriptions, this.item).dispose();
  }

  private completed(
    document: vscode.TextDocument,
    result: CompleteResult,
    latencyMs: number | undefined,
  ): void {
    const { last } = this;
    this.last = { result, document };
    if (last?.document !== document || last.result.activeRatio !== result.activeRatio) {
      this.speed = undefined;
    }
    if (result.decode.tokens >= 2) {
      const now = result.decode.tokensPerSecond;
      this.speed = this.speed === undefined ? now : 0.6 * this.speed + 0.4 * now;
    }
    this.latencies = [...this.latencies, ...(latencyMs === undefined ? [] : [latencyMs])].slice(-RECENT);
    this.schedule();
  }

  /** Now, and once more when what happens now is over. */
  private readMemory(): Promise<void> {
    clearTimeout(this.restTimer);
    this.restTimer = setTimeout(() => void this.showMemory(), AT_REST_MS);
    return this.showMemory();
  }

  private async showMemory(): Promise<void> {
    const stats = await this.engine.stats();
    if (stats !== undefined) {
      this.memory = steadyMemory(this.memory, stats);
      this.schedule();
    }
  }

  private forget(): void {
    this.last = undefined;
    this.speed = undefined;
    this.latencies = [];
    this.memory = undefined;
    this.schedule();
  }

  /** Several changes in quick succession are shown as one. */
  private schedule(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.render();
    }, SETTLE_MS);
  }

  private status(): Status {
    const document = this.active.current;
    const state = this.engine.state;
    const { sparsity, maxQualityLoss } = this.config.settings;
    // Figures of one document: nothing is said about another's speed.
    const last = this.last?.document === document ? this.last?.result : undefined;
    return {
      // The engine's own state names the document that was packed last; the bar speaks of the active one.
      engine: state.kind === "sparse" || state.kind === "dense" ? this.stateOf(document) : state,
      model: this.engine.model,
      whyThreads: this.engine.whyThreads,
      server:
        this.server.address === undefined
          ? undefined
          : {
              address: this.server.address.shown,
              state: this.server.state,
              isServed: this.source.isServed,
            },
      ineligible: document === undefined ? undefined : this.eligibility.check(document),
      place: this.place,
      last,
      tokensPerSecond: last === undefined ? undefined : this.speed,
      waiting: this.waiting?.document === document ? this.waiting : undefined,
      maxQualityLoss,
      latencyMs: this.latencies.length < RECENT ? undefined : percentile(this.latencies, 0.5),
      memory: this.memory,
      mask: document === undefined ? undefined : this.sparsity.maskOf(document),
      problems: [...this.config.problems, ...this.uncounted.problems],
      sparsity: typeof sparsity === "number" ? `${Math.round(sparsity * 100)} %` : sparsity,
      now: Date.now(),
    };
  }

  private stateOf(document: vscode.TextDocument | undefined): Status["engine"] {
    const mask = document === undefined ? undefined : this.sparsity.maskOf(document);
    if (document === undefined || mask === undefined || mask.result.source === "dense") {
      const why = mask?.result.why ?? this.engine.model?.denseOnly;
      return { kind: "dense", ...(why === undefined ? {} : { why }) };
    }
    return { kind: "sparse", activeRatio: mask.result.activeRatio, path: document.uri.path };
  }

  private render(): void {
    const status = this.status();
    const view = statusView(status);
    const before = this.shown;
    this.shown = view;
    this.item.command = view.command;
    if (before?.text !== view.text) {
      this.item.text = view.text;
      this.item.accessibilityInformation = { label: view.accessibleLabel };
      const color = { normal: undefined, warning: "warning", error: "error" }[view.severity];
      this.item.backgroundColor =
        color === undefined ? undefined : new vscode.ThemeColor(`statusBarItem.${color}Background`);
    }
    if (before?.tooltip !== view.tooltip) {
      const tooltip = new vscode.MarkdownString(view.tooltip, true);
      tooltip.isTrusted = { enabledCommands: LINKED_COMMANDS };
      this.item.tooltip = tooltip;
    }
  }
}

/** Commands that the tooltip may run. */
const LINKED_COMMANDS = [
  "lacuna.setSparsity",
  "lacuna.selectModel",
  "lacuna.showDashboard",
  "lacuna.showLog",
  "lacuna.snooze",
  "lacuna.endSnooze",
  "lacuna.toggle",
  "lacuna.toggleLanguage",
  "lacuna.openSettings",
  "lacuna.restartEngine",
  "lacuna.setServerKey",
];
